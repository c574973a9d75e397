"""Calls that each cost little hold the event loop no longer when there are many."""

import pytest

from tests.dear.watched import watched
from tests.dear.wire import field
from tests.harness.databases import Databases

pytestmark = pytest.mark.alone

SECONDS = 0.025
"""Of CPU at one go. What 600 refused calls of grpc.aio's left behind was collected at once, in 0.05 s."""


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_what_calls_leave_behind_is_not_collected_at_one_go(
    databases: Databases, transport: str
) -> None:
    async with watched("books", databases, transport) as server:
        unknown = field(1, b"none")
        await server.hold_of("/books.v1.BookService/GetBook", unknown, calls=100, at_once=10)
        held = await server.hold_of("/books.v1.BookService/GetBook", unknown, calls=1500, at_once=10)
    assert held < SECONDS
