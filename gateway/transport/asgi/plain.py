"""Plain calls: one whole message in, one out, of a method that takes and gives bytes.

Nearly every call is one, so their way is short: one coroutine, no context of grpc's between, and what is the
same for each made before. A call that is anything else (compressed, in pieces, malformed) goes the general
way (gateway.transport.asgi.server), which knows all there is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from time import monotonic
from typing import Any

from gateway.errors import RowgateError
from gateway.transport.asgi.plain_head import CONTENT_TYPES, echoed_id, error_trailers, read_plain, refusal
from gateway.transport.asgi.stream import Event, Receive, Send, says_gone
from gateway.transport.asgi.watch import ResetWatch
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.protocols.grpc.headers import response_headers
from gateway.transport.refusals import broken_off, out_of_time, shutting_down
from gateway.transport.wire.framing import frame, whole_message
from gateway.transport.wire.headers import peer_name
from gateway.transport.wire.request import Header

Application = Callable[[Mapping[str, Any], Receive, Send], Coroutine[Any, Any, None]]
Answer = Callable[[Exchange], Awaitable[Reply]]
Running = dict["asyncio.Task[Any]", Callable[[], object]]
"""The calls under way, each with what breaks it off."""

_OK = (b"grpc-status", b"0")
_STARTS: Mapping[bytes, Event] = {
    kind: {
        "type": "http.response.start",
        "status": 200,
        "headers": response_headers(kind),
        "trailers": True,
    }
    for kind in CONTENT_TYPES
}


class PlainMethod:
    """Answers one method's calls: itself those that are plain.

    Args:
        path: `/package.Service/Method`.
        answer: takes an exchange; raises nothing but CancelledError.
        general: takes the calls that are not plain.
        running: where its calls stand while they run.
        watch: tells of callers that go away.
        limit: the most bytes of a request.

    """

    def __init__(
        self,
        path: str,
        answer: Answer,
        general: Application,
        *,
        running: Running,
        watch: ResetWatch,
        limit: int,
    ) -> None:
        self._path = path
        self._answer = answer
        self._general = general
        self._running = running
        self._watch = watch
        self._limit = limit

    def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Answer one HTTP request."""
        head = read_plain(self._path, scope["method"], dict(scope["headers"]))
        if head is None:
            return self._general(scope, receive, send)
        exchange = head.exchange(b"", peer_name(scope.get("client")), monotonic())
        return self._run(PlainCall(receive, send, _STARTS[head.content_type], exchange), scope)

    async def _run(self, call: "PlainCall", scope: Mapping[str, Any]) -> None:
        call.task = call.exchange.task = task = running_task()
        self._running[task] = call.break_off
        self._watch.add(call)
        try:
            event = await call.receive()
            if call.take(event, self._limit):
                await call.end(await self._answer(call.exchange))
                return
        except asyncio.CancelledError as cancelled:
            task.uncancel()
            await call.end_cancelled(broken_off(cancelled))
            return
        finally:
            call.exchange.release()
            self._watch.discard(call)
            del self._running[task]
        if not call.over:
            await self._general(scope, _once_more(event, call.receive), call.send)


class PlainCall:
    """One of them.

    Args:
        receive: the host's, which returns a future: it must not be cancelled, as the host settles it later.
        send: the host's.
        start: the event that begins the answer.
        exchange: the call, without its message.

    """

    __slots__ = ("_asking", "_refusing", "_start", "_whole", "exchange", "over", "receive", "send", "task")

    def __init__(self, receive: Receive, send: Send, start: Event, exchange: Exchange) -> None:
        self.receive = receive
        self.send = send
        self._start = start
        self.exchange = exchange
        self.task: asyncio.Task[Any] | None = None
        self._asking: asyncio.Future[Event] | None = None
        self._refusing: asyncio.Task[None] | None = None
        self._whole = False
        self.over = False

    def take(self, event: Event, limit: int) -> bool:
        """Take the request; return False where this is no plain call, or over."""
        if event["type"] == "http.disconnect":
            self.over = True
        if self.over or event.get("more_body"):
            return False
        message = whole_message(event.get("body", b""), limit)
        if message is None:
            return False
        self._whole = True
        self.exchange.request = message
        self.exchange.facts.request_bytes = len(message)
        return True

    async def end(self, reply: Reply) -> None:
        """Send the answer."""
        if reply.status is not None:
            await self._refuse(refusal(reply, self.exchange))
            return
        try:
            await self.send(self._start)
            # Without `more_body` the host takes it at once: there is nothing to wait for.
            await self.send({"type": "http.response.body", "body": frame(reply.body)})
            await self.send({"type": "http.response.trailers", "headers": [_OK, echoed_id(self.exchange)]})
        except Exception as error:  # noqa: BLE001 - the host's own: the caller is gone
            error.__traceback__ = None  # as hand_over does

    async def end_cancelled(self, error: RowgateError) -> None:
        """Say why the server ends the call, unless it was the caller who went away."""
        if not self.over:
            self.over = True
            await self._refuse(error_trailers(error))

    def ask(self) -> None:
        """Ask whether the caller is still there; while the request isn't, look at the clock."""
        if self._whole and self._asking is None:
            self._asking = asyncio.ensure_future(self.receive())
            self._asking.add_done_callback(self._heard)
        elif not self._whole and self._is_late():
            self._refuse_early(out_of_time())

    def break_off(self) -> None:
        """End the call now: the server stops."""
        if self._whole and self.task is not None:
            self.task.cancel()
        elif not self._whole:
            self._refuse_early(shutting_down())

    def _heard(self, heard: "asyncio.Future[Event]") -> None:
        self._asking = None
        if says_gone(heard) and self.task is not None:
            self.over = True
            self.task.cancel()

    def _is_late(self) -> bool:
        remaining = self.exchange.time_remaining
        return remaining is not None and monotonic() > self.exchange.arrived + remaining

    def _refuse_early(self, error: RowgateError) -> None:
        """Refuse a call whose request hasn't come. The host then settles what the call waits for."""
        if not self.over:
            self.over = True
            self._refusing = asyncio.ensure_future(self._refuse(error_trailers(error)))

    async def _refuse(self, trailers: Sequence[Header]) -> None:
        """Answer with headers alone ("Trailers-Only")."""
        headers = [*self._start["headers"], *trailers]
        try:
            await self.send({"type": "http.response.start", "status": 200, "headers": headers})
            await self.send({"type": "http.response.body", "body": b""})
        except Exception as error:  # noqa: BLE001 - as above
            error.__traceback__ = None


def running_task() -> "asyncio.Task[Any]":
    """Return the task that this is called in."""
    task = asyncio.current_task()
    if task is None:  # pragma: no cover - a coroutine that awaits always runs in a task
        raise RuntimeError("not in a task")
    return task


def _once_more(event: Event, receive: Receive) -> Receive:
    """Return a `receive` that begins with an event that has been received already."""
    received = [event]

    def again() -> Awaitable[Event]:
        if not received:
            return receive()
        future: asyncio.Future[Event] = asyncio.get_running_loop().create_future()
        future.set_result(received.pop())
        return future

    return again
