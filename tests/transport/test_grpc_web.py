"""gRPC-Web over HTTP/1.1: its frames, as its clients write them."""

import base64
from collections.abc import AsyncIterator

import pytest

from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.harness.http import Answer, ask

SERVICE = "books.v1.BookService"
BINARY, TEXT = "application/grpc-web+proto", "application/grpc-web-text+proto"
TRAILERS = 0x80
MIB = 1024 * 1024


@pytest.fixture(scope="module")
async def books(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve the books, for the module."""
    async with gateways(databases, transport="http") as start:
        running = await start("books", max_request_bytes=4 * MIB, http_allowed_origins="*")
        await running.call(f"{SERVICE}/CreateBook", book={"isbn": "1", "title": "One"})
        yield running


def frame(message: bytes) -> bytes:
    return b"\x00" + len(message).to_bytes(4, "big") + message


def frames(body: bytes) -> list[tuple[int, bytes]]:
    """Return the frames of an answer: flags, and what is in them."""
    found = []
    while body:
        size = int.from_bytes(body[1:5], "big")
        found.append((body[0], body[5 : 5 + size]))
        body = body[5 + size :]
    return found


async def call(books: RunningGateway, content_type: str, path: str, message: bytes, **more: str) -> Answer:
    headers = {
        "content-type": content_type,
        "accept": content_type,
        "origin": "http://any.example:8080",
        **more,
    }
    body = frame(message)
    return await ask(
        books.target, "POST", path, base64.b64encode(body) if content_type is TEXT else body, headers
    )


@pytest.mark.parametrize("content_type", [BINARY, TEXT])
async def test_an_answer_ends_with_its_trailers(books: RunningGateway, content_type: str) -> None:
    request = books.client.message("books.v1.GetBookRequest", isbn="1").SerializeToString()
    got = await call(books, content_type, f"/{SERVICE}/GetBook", request)
    assert (got.status, got.headers["content-type"]) == (200, content_type)
    assert got.headers["access-control-allow-origin"] == "http://any.example:8080"
    # Text comes in pieces, each of which may end with its own padding.
    pieces = got.body.replace(b"=", b"= ").replace(b"= =", b"==").split() if content_type is TEXT else ()
    body = b"".join(map(base64.b64decode, pieces)) if content_type is TEXT else got.body
    (plain, message), (last, trailers) = frames(body)
    book = await books.call(f"{SERVICE}/GetBook", isbn="1")
    assert (plain, message) == (0, book.SerializeToString())
    assert last == TRAILERS
    assert b"grpc-status:0\r\n" in trailers


async def test_an_error_is_where_pages_may_read_it(books: RunningGateway) -> None:
    got = await call(books, BINARY, f"/{SERVICE}/GetBook", b"\x0a\x017")
    assert (got.status, got.headers["grpc-status"]) == (200, "5")
    exposed = {name.strip() for name in got.headers["access-control-expose-headers"].split(",")}
    assert exposed >= {"grpc-status", "grpc-message", "grpc-status-details-bin"}
    assert exposed & set(got.headers) >= {"grpc-status", "grpc-message", "grpc-status-details-bin"}


async def test_messages_up_to_the_limit_pass(books: RunningGateway) -> None:
    large = books.client.message("books.v1.CreateBookRequest", book={"isbn": "2", "title": "x" * 3 * MIB})
    got = await call(books, BINARY, f"/{SERVICE}/CreateBook", large.SerializeToString())
    assert [flags for flags, _ in frames(got.body)] == [0, TRAILERS]
    assert len(got.body) > 3 * MIB
    too_large = books.client.message("books.v1.CreateBookRequest", book={"isbn": "3", "title": "x" * 5 * MIB})
    refused = await call(books, BINARY, f"/{SERVICE}/CreateBook", too_large.SerializeToString())
    assert refused.headers["grpc-status"] == "11"


async def test_the_deadline_is_the_caller_s(books: RunningGateway) -> None:
    watch = await call(books, BINARY, "/grpc.health.v1.Health/Watch", b"", **{"grpc-timeout": "300m"})
    (_, serving), (_, trailers) = frames(watch.body)
    assert serving == b"\x08\x01"
    assert b"grpc-status:4\r\n" in trailers


async def test_what_no_codec_reads_is_refused_whatever_its_body_is(books: RunningGateway) -> None:
    headers = {"content-type": "application/grpc-web-text+thrift", "origin": "http://any.example:8080"}
    got = await ask(books.target, "POST", f"/{SERVICE}/GetBook", b"!!!!", headers)
    assert got.status == 415
