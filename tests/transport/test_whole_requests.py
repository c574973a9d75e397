"""A request whose body comes with its head is answered as one whose body is waited for."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway

SERVICE = "books.v1.BookService"
BOOK = {"isbn": "978-0", "title": "Ünder", "pages": "12", "authors": ["A"]}
LIMIT = 40_000
SECONDS = 60
OF_CONNECTION = (b"date:", b"connection:")


class Asked(NamedTuple):
    """A request.

    Args:
        line: its method and target.
        headers: of the request, without those that tell how long its body is.
        body: the body.

    """

    line: str
    headers: Sequence[str]
    body: bytes


@pytest.fixture(scope="module")
async def books(databases: Databases) -> AsyncIterator[RunningGateway]:
    """Serve one book, for the module."""
    async with gateways(databases, transport="http") as start:
        served = await start("books", max_request_bytes=LIMIT)
        await served.call(f"{SERVICE}/CreateBook", book=BOOK)
        yield served


async def answer(books: RunningGateway, asked: Asked, *, waits: bool) -> tuple[Sequence[bytes], bytes]:
    """Return the response's head, without what is the connection's, and its body.

    Args:
        books: the gateway.
        asked: the request.
        waits: whether its body, if only of no bytes, is sent when the gateway asks for it.

    """
    host, _, port = books.target.partition(":")
    size = len(asked.body)
    told = ["transfer-encoding: chunked", "expect: 100-continue"] if waits else [f"content-length: {size}"]
    lines = [f"{asked.line} HTTP/1.1", "host: localhost", "connection: close", *told, *asked.headers]
    head = "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head if waits else head + asked.body)
        found = await reader.readuntil(b"\r\n\r\n")
        if found.startswith(b"HTTP/1.1 100 "):
            writer.write((b"%x\r\n%b\r\n" % (size, asked.body) if size else b"") + b"0\r\n\r\n")
            found = await reader.readuntil(b"\r\n\r\n")
        body = await reader.read()
        writer.close()
    return [line for line in found.splitlines() if not line.startswith(OF_CONNECTION)], body


def packed(body: bytes) -> bytes:
    """Return a body, compressed."""
    return gzip.compress(body, mtime=0)


JSON = [
    *(b"", b"{}", b"[]", b"{", b'{"isbn": 7}', b'{"isbn": "978-0"}', b'{"isbn": "nothing"}'),
    *(b'{"isbn": "978-0", "isbm": 1}', b'{"isbn": "978-0", "readMask": "title,nope"}', b'{"isbn": "\xff"}'),
    *(json.dumps(BOOK).encode(), b'{"title": ""}', b'{"pages": -1}', b'{"books": [%b]}' % (b"{}," * 9)[:-1]),
    *(b'{"isbn": "%b"}' % (b"x" * size) for size in (16_370, 16_371, LIMIT, 60_000)),
]
LINES = [
    *("GET /v1/books/978-0", "HEAD /v1/books/978-0", "GET /v1/books/nothing", "GET /v1/titles/978-0:whole"),
    *("GET /v1/books/978-0?readMask=title", "GET /v1/books/978-0?nope=1&nope=2", "GET /v1/books?pageSize=-1"),
    *("PATCH /v1/books/978-0", "PATCH /v1/books/nothing", "PATCH /v1/books/978-0?updateMask=nope"),
    *("POST /v1/books/978-0:undelete", "PUT /v1/books", "GET /openapi.json", "POST /nothing"),
    *(f"POST /{SERVICE}/{name}" for name in ("GetBook", "ListBooks", "BatchGetBooks", "No")),
    f"GET /{SERVICE}/GetBook?connect=v1&encoding=json&message=%7B%22isbn%22%3A%22978-0%22%7D",
    f"DELETE /{SERVICE}/GetBook",
]
HEADERS = [
    *("accept-encoding: gzip", "accept-encoding: br;q=1, identity", "origin: https://nobody.example"),
    *("grpc-timeout: 5S", "grpc-timeout: 0n", "grpc-timeout: soon"),
    *("connect-timeout-ms: 9000", "connect-timeout-ms: 0", "connect-timeout-ms: soon"),
    *("connect-protocol-version: 1", "connect-protocol-version: 2"),
]
CONTENT_TYPES = ["application/json", "application/json; charset=utf-8", "application/proto", "text/plain", ""]


@st.composite
def requests(draw: st.DrawFn) -> Asked:
    """Draw a request of REST or Connect, whole or not quite."""
    headers = ["x-request-id: the-same", *draw(st.lists(st.sampled_from(HEADERS), max_size=2, unique=True))]
    content_type = draw(st.sampled_from(CONTENT_TYPES) | st.just("application/json"))
    if content_type:
        headers.append(f"content-type: {content_type}")
    body = draw(st.sampled_from(JSON) | st.just(b"\n\x05978-0"))
    encoding = draw(st.sampled_from([None, None, None, "gzip", "identity", "br"]))
    if encoding is not None:
        headers.append(f"content-encoding: {encoding}")
    if encoding == "gzip" and draw(st.booleans()):
        body = packed(body)
    return Asked(draw(st.sampled_from(LINES)), headers, body)


@given(requests())
@settings(max_examples=150, suppress_health_check=list(HealthCheck), deadline=None)
async def test_both_are_answered_alike(books: RunningGateway, asked: Asked) -> None:
    assert await answer(books, asked, waits=False) == await answer(books, asked, waits=True)
