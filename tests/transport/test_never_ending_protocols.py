"""Bodies that don't end, in each protocol beside gRPC: they have a deadline, a place and a bound."""

import asyncio
import re
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from typing import NamedTuple

import pytest

from gateway.request.calls.bulkheads import share_of
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from tests.conftest import GatewayFor, gateways
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.transport.wire.http1.conftest import Client
from tests.transport.wire.http2.peer import peer_of

CREATE = "/books.v1.BookService/CreateBook"
MIB = 1024 * 1024
SIZE = MIB * 3 // 8
REASONS = ("DEADLINE_EXCEEDED", "TOO_MANY_CALLS", "TOO_MANY_REQUEST_BYTES")
DETAILS = re.compile(rb"grpc-status-details-bin: ?([A-Za-z0-9+/]+)")


class Form(NamedTuple):
    """A request in the form of a protocol; its body ends before its message does."""

    path: str
    content_type: str
    body: bytes


@pytest.fixture
async def gateway_for(databases: Databases) -> AsyncIterator[GatewayFor]:
    """Serve over the only transport that speaks them."""
    async with gateways(databases, transport="http") as start:
        yield start


def _enveloped(*, text: bool = False) -> bytes:
    body = message_frame(bytes(SIZE + 2))[:-2]
    return b64encode(body) if text else body


FORMS = {
    "gRPC-Web": Form(CREATE, "application/grpc-web+proto", _enveloped()),
    "gRPC-Web as text": Form(CREATE, "application/grpc-web-text+proto", _enveloped(text=True)),
    "Connect": Form(CREATE, "application/proto", b"\x0a" + bytes(SIZE)),
    "Connect as JSON": Form(CREATE, "application/json", b'{"book": {"title": "' + b"x" * SIZE),
    "REST": Form("/v1/books", "application/json", b'{"title": "' + b"x" * SIZE),
}
Answer = Callable[[], Awaitable[bytes]]
"""Returns all that comes back."""


@asynccontextmanager
async def in_chunks(target: str, form: Form) -> AsyncIterator[Answer]:
    """Begin a request over HTTP/1.1 of a length that nobody knows."""
    body = b"%x\r\n%b\r\n" % (len(form.body), form.body)
    async with over_http1(target, form, "transfer-encoding: chunked", body) as answer:
        yield answer


@asynccontextmanager
async def of_a_length(target: str, form: Form) -> AsyncIterator[Answer]:
    """Begin a request over HTTP/1.1 of a length that doesn't come."""
    async with over_http1(target, form, f"content-length: {len(form.body) + 2}", form.body) as answer:
        yield answer


@asynccontextmanager
async def over_http1(target: str, form: Form, length: str, body: bytes) -> AsyncIterator[Answer]:
    """Begin a request; give what returns all that comes back."""
    host, port = target.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST {form.path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: {form.content_type}\r\n"
    writer.write(f"{head}{length}\r\n\r\n".encode() + body)
    try:
        yield Client(reader, writer).rest
    finally:
        writer.transport.abort()


@asynccontextmanager
async def over_http2(target: str, form: Form) -> AsyncIterator[Answer]:
    """Begin a request over HTTP/2."""
    async with peer_of(target) as peer:
        head = ((":method", "POST"), (":scheme", "http"), (":path", form.path), (":authority", "localhost"))
        block = peer.encoder.encode([*head, ("content-type", form.content_type)])
        peer.send(frame(frames.HEADERS, frames.END_HEADERS, 1, block))
        for start in range(0, len(form.body), 2**14):
            peer.send(frame(frames.DATA, 0, 1, form.body[start : start + 2**14]))

        async def answer() -> bytes:
            answered = await peer.answer(1)
            named = (b"%b: %b\n" % field for field in answered.headers.items())
            return b"".join(named) + answered.body

        yield answer


VERSIONS = (in_chunks, of_a_length, over_http2)


@asynccontextmanager
async def unended(target: str) -> AsyncIterator[Sequence["asyncio.Task[bytes]"]]:
    """Begin a request of each form in each version; give what waits for what comes back."""
    async with AsyncExitStack() as stack, asyncio.timeout(60):
        begun = [
            await stack.enter_async_context(begin(target, form))
            for form in FORMS.values()
            for begin in VERSIONS
        ]
        tasks = [asyncio.create_task(answer()) for answer in begun]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()


def reason_of(answer: bytes) -> str:
    """Return the reason in an answer's ErrorInfo, as its protocol writes it."""
    details = DETAILS.search(answer)
    told = b64decode(details[1] + b"=" * (-len(details[1]) % 4)) if details else answer
    return next(reason for reason in REASONS if reason.encode() in told)


async def test_each_ends_by_the_deadline(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("books", default_deadline=0.5)
    async with unended(gateway.target) as tasks:
        assert [reason_of(await task) for task in tasks] == ["DEADLINE_EXCEEDED"] * len(tasks)


async def test_each_is_a_call_in_flight(gateway_for: GatewayFor) -> None:
    """So many of one table's that there is room for them, and for no more."""
    gateway = await gateway_for("books", max_in_flight=24, default_deadline=300)
    async with unended(gateway.target) as tasks:
        assert len(tasks) == share_of(24)
        reason = "ROW_NOT_FOUND"
        while reason == "ROW_NOT_FOUND":
            with pytest.raises(RpcFailed) as refused:
                await gateway.call("books.v1.BookService/GetBook", isbn="1")
            reason = refused.value.reason
        assert reason == "TOO_MANY_CALLS"
        assert not any(task.done() for task in tasks)


async def test_what_they_hold_is_bounded(gateway_for: GatewayFor) -> None:
    limits = {"max_request_bytes": MIB // 2, "max_request_bytes_in_flight": 2 * MIB}
    gateway = await gateway_for("books", **limits, default_deadline=300)
    async with unended(gateway.target) as tasks:
        most = 2 * MIB // SIZE
        answers = [await one for one in islice(asyncio.as_completed(tasks), len(tasks) - most)]
        assert [reason_of(one) for one in answers] == ["TOO_MANY_REQUEST_BYTES"] * len(answers)
