"""Large requests are parsed, and large responses written, with others' turns between."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from google.protobuf.message_factory import GetMessageClass

from gateway.config.settings import LimitSettings
from gateway.methods import event_loop_turns
from gateway.methods.reads.row_responses import RowsResponse
from gateway.request.calls.call import Call
from gateway.request.masks import read_fields
from gateway.response.shape import Row, RowShape
from gateway.sql.reads.select import selected
from gateway.transport.parsing.parser import RequestParser
from gateway.transport.parsing.scan import SLICE
from tests.dear.watched import MIB
from tests.dear.wire import field
from tests.harness.gateway import schema_of

TYPES = schema_of("types")
OTHERS = {"next_page_token": "t"}
BOOKS = schema_of("books").services["books.v1.BookService"]


async def _turns_during(work: Awaitable[Any]) -> int:
    """Return how often others had their turn meanwhile."""
    task, count = asyncio.ensure_future(work), 0
    while not task.done():
        await asyncio.sleep(0)
        count += 1
    await task
    return count


def _responses(resource: str, listing: str, *fields: str) -> Callable[..., Awaitable[Any]]:
    """Return what makes the response of a List of rows with these fields, of which so many bytes are held."""
    method = next(
        one
        for one in TYPES.services[resource + "Service"].standard_methods
        if one.full_name.endswith(listing)
    )
    mask = read_fields(method.resource, fields)
    respond = RowsResponse(method, RowShape(method.resource, selected(method.resource, mask), mask))

    async def answer(rows: Sequence[Row], held: int) -> Any:
        written = await respond(rows, OTHERS, Call(method.full_name, held=held))
        return GetMessageClass(method.descriptor.output_type).FromString(written.body)

    return answer


async def test_each_document_is_written_in_a_turn_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop_turns, "TURN", 0.0)
    answer = _responses("types.v1.Rich", "ListRiches", "id", "list")
    rows = [(number, "[1]") for number in range(7)]
    assert await _turns_during(answer(rows, 0)) >= len(rows)
    made = await answer(rows, 0)
    assert [(rich.id, rich.list.values[0].number_value) for rich in made.riches] == [(i, 1) for i in range(7)]
    assert made.next_page_token == OTHERS["next_page_token"]


async def test_rows_of_many_bytes_are_written_in_parts_in_turns_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_loop_turns, "TURN", 0.0)
    answer = _responses("types.v1.Scalar", "ListScalars", "id", "bytes_value")
    rows = [(number, bytes(MIB // 4)) for number in range(20)]
    assert 5 <= await _turns_during(answer(rows, 5 * MIB)) < 20
    assert await _turns_during(answer(rows[:4], MIB)) == 1
    made = await answer(rows, 5 * MIB)
    assert [(one.id, len(one.bytes_value)) for one in made.scalars] == [(i, MIB // 4) for i in range(20)]
    assert made.next_page_token == OTHERS["next_page_token"]


async def test_a_large_request_is_parsed_in_slices_between_which_others_have_their_turn() -> None:
    bulk = next(method for method in BOOKS.methods if method.path.endswith("/BulkUpsertBooks"))
    body = field(1, field(2, bytes(500))) * 1000
    parse = RequestParser(bulk, LimitSettings())
    assert await _turns_during(parse.in_slices(body)) >= len(body) // SLICE
    request: Any = await parse.in_slices(body)
    assert len(request.books) == 1000
