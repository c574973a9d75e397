"""What stands between a streaming handler and its channel: pace, counts, and an end for what was begun."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from google.protobuf.message import Message

from gateway.auth.principal import ANONYMOUS
from gateway.config.load import settings_of
from gateway.errors import InvalidArgument, Unavailable
from gateway.methods import Piece
from gateway.observe.call_record import CallRecord
from gateway.request.calls.call import Call
from gateway.schema.model import StandardMethod
from gateway.transport.exchange import Exchange
from gateway.transport.streaming import bidi_answer, stream_answer
from tests.harness.gateway import schema_of

LIMITS = settings_of().limits
PIECES = [Piece(b"one", 1), Piece(b"three", 3)]


class Channel:
    """Gives some requests, and takes responses when it is let."""

    def __init__(self, *requests: bytes) -> None:
        self._requests = list(requests)
        self.sent: list[bytes] = []
        self.open = asyncio.Event()
        self.asked = asyncio.Event()

    async def receive(self) -> bytes | None:
        """Give the next."""
        return self._requests.pop(0) if self._requests else None

    async def send(self, message: bytes) -> None:
        """Take one."""
        self.asked.set()
        await self.open.wait()
        self.sent.append(message)


class Handler:
    """Answers with PIECES, and notes how far it was asked."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = False

    async def __call__(self, _request: Message, _call: Call) -> AsyncGenerator[Piece, None]:
        """Answer."""
        try:
            for piece in PIECES:
                self.made += 1
                yield piece
        finally:
            self.closed = True


async def echo(requests: AsyncIterator[Message], _call: Call) -> AsyncGenerator[Piece, None]:
    """Answer each request with itself."""
    async for request in requests:
        yield Piece(request.SerializeToString(), 1)


def method(name: str) -> StandardMethod:
    (service,) = schema_of("flow").services.values()
    return next(one for one in service.standard_methods if one.descriptor.name == name)


def exchange(channel: Channel, request: bytes = b"") -> Exchange:
    facts = CallRecord("x.Y/Z", "id", request_bytes=len(request))
    now = asyncio.get_running_loop().time()
    return Exchange(request, facts, arrived=now, principal=ANONYMOUS, channel=channel)


async def test_the_next_response_is_made_when_the_last_was_taken() -> None:
    channel, handler = Channel(), Handler()
    one = exchange(channel)
    answering = asyncio.ensure_future(stream_answer(method("StreamEvents"), handler, LIMITS, 10)(one))
    await channel.asked.wait()
    assert (handler.made, channel.sent) == (1, [])
    channel.open.set()
    assert await answering == b""
    assert channel.sent == [b"one", b"three"]
    assert (one.record.rows, one.record.response_bytes) == (4, 8)
    assert handler.closed


async def test_a_client_that_takes_nothing_ends_the_call_and_its_handler() -> None:
    channel, handler = Channel(), Handler()
    with pytest.raises(Unavailable) as caught:
        await stream_answer(method("StreamEvents"), handler, LIMITS, 0.01)(exchange(channel))
    assert caught.value.reason == "CLIENT_TOO_SLOW"
    assert handler.closed


async def test_a_cancelled_call_ends_its_handler() -> None:
    channel, handler = Channel(), Handler()
    answer = stream_answer(method("StreamEvents"), handler, LIMITS, 10)
    answering = asyncio.ensure_future(answer(exchange(channel)))
    await channel.asked.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    assert handler.closed


async def test_requests_are_parsed_one_by_one_and_counted() -> None:
    channel = Channel(b"\x10\x01", b"\x10\x02")
    channel.open.set()
    one = exchange(channel)
    await bidi_answer(method("IngestEvents"), echo, LIMITS, 10)(one)
    assert channel.sent == [b"\x10\x01", b"\x10\x02"]
    assert (one.record.rows, one.record.request_bytes, one.record.response_bytes) == (2, 4, 4)


async def test_a_faulty_request_ends_the_call_after_those_before_it() -> None:
    channel = Channel(b"\x10\x01", b"\xff")
    channel.open.set()
    with pytest.raises(InvalidArgument):
        await bidi_answer(method("IngestEvents"), echo, LIMITS, 10)(exchange(channel))
    assert channel.sent == [b"\x10\x01"]
