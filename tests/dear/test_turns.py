"""Large requests are parsed, and rows of documents become messages, with others' turns between."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest
from google.protobuf.struct_pb2 import ListValue, Value

from gateway.config.settings import LimitSettings
from gateway.methods import event_loop_turns
from gateway.methods.event_loop_turns import in_turns
from gateway.transport.parsing.parser import RequestParser
from gateway.transport.parsing.scan import SLICE
from tests.dear.wire import field
from tests.harness.gateway import schema_of

RICH = schema_of("types").resources["types.v1.Rich"]
BOOKS = schema_of("books").services["books.v1.BookService"]


async def _turns_during(work: Awaitable[Any]) -> int:
    """Return how often others had their turn meanwhile."""
    task, count = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0)
        count += 1
    await task
    return count


async def test_a_document_is_made_and_added_in_turns_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop_turns, "TURN", 0.0)
    respond = in_turns(
        lambda rows: ListValue(values=[Value(number_value=row[0]) for row in rows]), RICH.fields
    )
    # Three are made, two of them are added, and what comes of them is the next one's to serialise.
    assert await _turns_during(respond([[0.0], [1.0], [2.0]])) >= 3 + 2
    made: Any = await respond([[0.0], [1.0], [2.0]])
    assert [value.number_value for value in made.values] == [0.0, 1.0, 2.0]


async def test_a_large_request_is_parsed_in_slices_between_which_others_have_their_turn() -> None:
    bulk = next(method for method in BOOKS.methods if method.path.endswith("/BulkUpsertBooks"))
    body = field(1, field(2, bytes(500))) * 1000
    parse = RequestParser(bulk, LimitSettings())
    assert await _turns_during(parse.in_slices(body)) >= len(body) // SLICE
    request: Any = await parse.in_slices(body)
    assert len(request.books) == 1000
