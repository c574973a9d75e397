"""Plain calls' short way, and where it gives way, with a host that does what no client can be made to do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from gateway.transport.asgi import AsgiServer
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.wire.framing import frame

PATH = "/x.v1.S/M"
BODY = frame(b"hello")
LIMIT = 100
METADATA_LIMIT = 300


class Host:
    """One call of a host's: hands over what the test gives it, and keeps what is sent."""

    def __init__(self, server: AsgiServer, *headers: tuple[bytes, bytes], path: str = PATH) -> None:
        self.sent: list[dict[str, Any]] = []
        self.asked, self.answered = asyncio.Event(), asyncio.Event()
        self._arrivals = asyncio.Queue[dict[str, Any]]()
        self._asked: list[asyncio.Future[Any]] = []
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "client": ("127.0.0.1", 5),
            "headers": [(b"content-type", b"application/grpc"), (b"te", b"trailers"), *headers],
        }
        self.task = asyncio.ensure_future(server(scope, self._receive, self._send))

    def arrive(self, body: bytes, *, more: bool = False) -> None:
        """Let a piece of the request arrive."""
        self._settle({"type": "http.request", "body": body, "more_body": more})

    def reset(self) -> None:
        """Let the caller go away."""
        self._settle({"type": "http.disconnect"})

    @property
    def trailers(self) -> dict[bytes, bytes]:
        """What the call ended with."""
        last = next(event for event in reversed(self.sent) if "headers" in event)
        return dict(last["headers"])

    def _settle(self, event: dict[str, Any]) -> None:
        if self._asked:
            self._asked.pop(0).set_result(event)
        else:
            self._arrivals.put_nowait(event)

    def _receive(self) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if self._arrivals.empty():
            self._asked.append(future)
            self.asked.set()
        else:
            future.set_result(self._arrivals.get_nowait())
        return future

    async def _send(self, event: dict[str, Any]) -> None:
        self.sent.append(event)
        if event["type"] == "http.response.body":
            self.answered.set()


Answer = Callable[[Exchange], Awaitable[Reply]]


def serving(answer: Answer) -> AsgiServer:
    server = AsgiServer(LIMIT, METADATA_LIMIT)
    server.add_plain_methods({PATH: answer})
    return server


async def echo(exchange: Exchange) -> Reply:
    return Reply(exchange.request)


class Waiting:
    """Answers never, and says how it ended."""

    def __init__(self) -> None:
        self.begun, self.cancelled = asyncio.Event(), asyncio.Event()

    async def __call__(self, _exchange: Exchange) -> Reply:
        """Wait."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        raise AssertionError


@pytest.fixture(autouse=True)
async def bounded() -> Any:
    """Let no test hang."""
    async with asyncio.timeout(10):
        yield


async def test_an_answer_is_three_events_with_the_request_s_id() -> None:
    host = Host(serving(echo), (b"x-request-id", b"mine"), (b"grpc-timeout", b"5S"))
    host.arrive(BODY)
    await host.task
    kinds = [event["type"].removeprefix("http.response.") for event in host.sent]
    assert kinds == ["start", "body", "trailers"]
    assert host.sent[1]["body"] == BODY
    assert host.trailers == {b"grpc-status": b"0", b"x-request-id": b"mine"}


async def test_what_the_method_is_told() -> None:
    told: list[Exchange] = []

    async def answer(exchange: Exchange) -> Reply:
        told.append(exchange)
        return Reply(b"")

    host = Host(serving(answer), (b"grpc-timeout", b"1500m"))
    host.arrive(BODY)
    await host.task
    (one,) = told
    assert (one.request, one.time_remaining, one.task) == (b"hello", 1.5, host.task)
    facts = one.facts
    assert (facts.method, facts.peer, facts.request_bytes) == (PATH[1:], "ipv4:127.0.0.1:5", 5)
    assert len(facts.request_id) == 16


@pytest.mark.parametrize(
    "pieces",
    [[BODY[:3], BODY[3:]], [BODY, b""], [frame(b"hello", "gzip")], [frame(b"x" * 200)], [BODY + BODY], [b""]],
    ids=["pieces", "an empty end", "compressed", "too large", "two", "none"],
)
async def test_other_calls_go_the_general_way(pieces: list[bytes]) -> None:
    """There nothing is mounted here, and the call is told so."""
    host = (
        Host(serving(echo), (b"grpc-encoding", b"gzip")) if pieces[0][:1] == b"\x01" else Host(serving(echo))
    )
    for piece in pieces[:-1]:
        host.arrive(piece, more=True)
    host.arrive(pieces[-1])
    await host.task
    assert host.trailers[b"grpc-status"] == b"12"


async def test_headers_past_the_limit_are_refused() -> None:
    """`content-type` and `te` have 28 and 10 bytes, and each header 32 more (RFC 9113, 6.5.2)."""
    for size, status in ((METADATA_LIMIT - 135, b"0"), (METADATA_LIMIT - 134, b"8")):
        host = Host(serving(echo), (b"x", b"y" * size))
        host.arrive(BODY)
        await host.task
        assert host.trailers[b"grpc-status"] == status


async def test_a_malformed_timeout_is_refused() -> None:
    host = Host(serving(echo), (b"grpc-timeout", b"soon"))
    host.arrive(BODY)
    await host.task
    assert host.trailers[b"grpc-status"] == b"13"


async def test_a_caller_that_goes_cancels_its_call_and_is_sent_nothing() -> None:
    waiting = Waiting()
    host = Host(serving(waiting))
    host.arrive(BODY)
    await waiting.begun.wait()
    host.asked.clear()
    await host.asked.wait()
    host.reset()
    await host.task
    assert waiting.cancelled.is_set()
    assert host.sent == []


async def test_a_caller_that_goes_before_its_request_has_come() -> None:
    host = Host(serving(echo))
    await host.asked.wait()
    host.reset()
    await host.task
    assert host.sent == []


async def test_a_request_that_does_not_come_is_refused_at_the_deadline() -> None:
    host = Host(serving(echo), (b"grpc-timeout", b"50m"))
    await host.answered.wait()
    assert host.trailers[b"grpc-status"] == b"4"
    host.reset()  # what a host does with a request that is answered already
    await host.task
    assert len(host.sent) == 2


async def test_stopping_breaks_off_what_runs_and_what_has_not_come() -> None:
    waiting = Waiting()
    server = serving(waiting)
    running, coming = Host(server), Host(server)
    running.arrive(BODY)
    await waiting.begun.wait()
    stopping = asyncio.create_task(server.stop(0.01))
    await coming.answered.wait()
    coming.reset()
    await asyncio.gather(stopping, running.task, coming.task)
    assert waiting.cancelled.is_set()
    assert running.trailers[b"grpc-status"] == coming.trailers[b"grpc-status"] == b"14"
