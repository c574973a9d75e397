"""Pages of other origins, whatever they speak: those that aren't allowed do nothing."""

from collections.abc import AsyncIterator

import grpc
import pytest

from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway

SERVICE = "books.v1.BookService"
SHOP, OTHER = "https://shop.example", "https://other.example"


@pytest.fixture(scope="module")
async def books(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the books, for the module."""
    async with gateways(databases, transport="http") as start:
        running = await start("books", http_allowed_origins=SHOP)
        await running.call(f"{SERVICE}/CreateBook", book={"isbn": "1", "title": "One"})
        yield running


async def delete(books: RunningGateway, origin: str) -> bytes:
    """Delete the book by gRPC, as a page's browser would send it."""
    request = books.client.message("books.v1.DeleteBookRequest", isbn="1").SerializeToString()
    call = books.client.channel.unary_unary(f"/{SERVICE}/DeleteBook")
    body: bytes = await call(request, metadata=(("origin", origin),), timeout=30)
    return body


async def test_plain_calls_of_grpc_are_refused_too(books: RunningGateway) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await delete(books, OTHER)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED  # gRPC's word for 403
    assert not (await books.call(f"{SERVICE}/GetBook", isbn="1")).HasField("deleted_at")
    await delete(books, SHOP)
    assert (await books.call(f"{SERVICE}/GetBook", isbn="1")).HasField("deleted_at")
