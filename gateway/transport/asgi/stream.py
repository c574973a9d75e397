"""One HTTP/2 stream of the host: messages in, messages out, and word of its reset."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from math import inf
from typing import Any

from gateway.request.memory import HeldBytes
from gateway.transport.asgi.watch import ResetWatch
from gateway.transport.protocols.grpc.headers import status_headers
from gateway.transport.refusals import out_of_time
from gateway.transport.wire.framing import BadFrame, Unframer, frame
from gateway.transport.wire.request import Header

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]


class Reset(Exception):  # noqa: N818 - it happened; it isn't our error
    """The caller went away."""


class HttpStream:
    """What a call reads from and writes to.

    One `receive` is always pending until the request is whole: a reset is seen at once, whatever the handler
    waits for, and without a task more per call. It reads ahead one chunk and no further, so that
    back-pressure reaches the caller. After that the watch asks for resets.

    Args:
        receive: the host's, which returns a future or an awaitable.
        send: the host's.
        unframer: cuts what arrives into messages.
        on_reset: called once when the caller goes away.
        watch: asks for resets when there is nothing more to receive.
        held: counts the bytes of the request that are held: of what isn't whole, and of the last message.
        message_seconds: how long a message that has begun is waited for.

    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        unframer: Unframer,
        *,
        on_reset: Callable[[], None],
        watch: ResetWatch,
        held: HeldBytes,
        message_seconds: float = inf,
    ) -> None:
        self._held = held
        self._message_seconds = message_seconds
        self._given = 0
        self._receive = receive
        self._send = send
        self._unframer = unframer
        self._on_reset = on_reset
        self._watch = watch
        self._arriving: asyncio.Future[Event] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._half_closed = False
        self._started = False
        self._finished = False
        self.reset = False

    @property
    def started(self) -> bool:
        """Whether the response's headers have been sent."""
        return self._started

    async def message(self) -> bytes | None:
        """Return the next message, None at the end.

        Raises BadFrame, Reset, ResourceExhausted, and DeadlineExceeded where one has begun and doesn't end.
        """
        message = await self._unframer.next(self._give)
        while message is None and not self._half_closed:
            if self._unframer.holds_part:
                message = await self._begun_message()
            else:
                await self._chunk()
                message = await self._unframer.next(self._give)
        if message is not None:
            self._give(len(message))
        elif self._unframer.holds_part:
            raise BadFrame("the request ends in the middle of a message")
        return message

    def listen(self) -> None:
        """Have one `receive` pending, unless the call is over."""
        if self._arriving is None and not self._finished:
            self._arriving = asyncio.ensure_future(self._receive())
            self._arriving.add_done_callback(self._arrived)

    def ask(self) -> None:
        """Ask whether the caller is still there."""
        self.listen()

    async def start(self, headers: Iterable[Header]) -> None:
        """Send the response's headers."""
        self._started = True
        event = {"type": "http.response.start", "status": 200, "headers": list(headers), "trailers": True}
        await self._hand_over(event)

    async def write(self, message: bytes, encoding: str | None) -> None:
        """Send a message; waits while the caller reads more slowly. Raises Reset."""
        if self.reset:
            raise Reset
        await self._hand_over(
            {"type": "http.response.body", "body": frame(message, encoding), "more_body": True}
        )

    async def finish(self, code: int, message: str, trailing: Iterable[tuple[str, str | bytes]]) -> None:
        """End the call with a status, which is all there is where no headers were sent."""
        trailers = status_headers(code, message, trailing)
        if self._started:
            await self._hand_over({"type": "http.response.body", "body": b"", "more_body": False})
            await self._hand_over({"type": "http.response.trailers", "headers": trailers})

    async def refuse(self, headers: Iterable[Header]) -> None:
        """Answer with headers alone ("Trailers-Only")."""
        self._started = True
        await self._hand_over({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await self._hand_over({"type": "http.response.body", "body": b"", "more_body": False})

    def close(self) -> None:
        """Stop listening."""
        self._finished = True
        # At once, not when the collector comes by: what holds a call goes round in a circle.
        self._unframer.clear()
        self._held.release()
        self._watch.discard(self)
        if self._arriving is not None:
            # Not cancelled: the host settles it later, and fails on one that is done.
            self._arriving.remove_done_callback(self._arrived)
            self._arriving = None

    def _give(self, size: int) -> None:
        """Count a message of so many bytes in place of the last one; raises ResourceExhausted."""
        self._given = size
        self._count()

    def _count(self) -> None:
        """Count what is held; raises ResourceExhausted."""
        self._held.hold(self._given + self._unframer.size)

    async def _hand_over(self, event: Event) -> None:
        try:
            await hand_over(self._shielded_send, event)
        except Reset:
            self.reset = True
            raise

    def _shielded_send(self, event: Event) -> Awaitable[None]:
        """Send. A call that is cancelled meanwhile must not cancel the future, which the host settles."""
        sent = self._send(event)
        return asyncio.shield(sent) if isinstance(sent, asyncio.Future) else sent

    async def _begun_message(self) -> bytes | None:
        """Return a message of which a part is here; None where the request ends within it."""
        message = None
        try:
            async with asyncio.timeout(self._message_seconds):
                while message is None and not self._half_closed:
                    await self._chunk()
                    message = await self._unframer.next(self._give)
        except TimeoutError as error:
            raise out_of_time() from error
        return message

    async def _chunk(self) -> None:
        self.listen()
        if self._arriving is None:
            raise Reset
        if not self._arriving.done():
            # A future of our own: a call that is cancelled here must not cancel the host's.
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        arrived, self._arriving = self._arriving, None
        if says_gone(arrived):
            raise Reset
        event = arrived.result()
        self._unframer.feed(event.get("body", b""))
        self._count()
        self._half_closed = not event.get("more_body", False)
        if self._half_closed:
            self._watch.add(self)
        else:
            self.listen()

    def _arrived(self, arrived: "asyncio.Future[Event]") -> None:
        if arrived is not self._arriving:
            return  # it was read before this word of it came
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
        if says_gone(arrived):
            self.reset = True
            self._on_reset()
        elif self._half_closed:
            self._arriving = None  # it only says that the caller is still there


async def hand_over(send: Send, event: Event) -> None:
    """Send an event; raises Reset where the caller is gone."""
    try:
        sent = send(event)
        await (_settled(sent) if isinstance(sent, asyncio.Future) else sent)
    except Exception as error:  # noqa: BLE001 - the host's own: there is no other fault
        # The host raises one and the same exception for every caller that goes away: its traceback would
        # grow, and keep each call's frames alive.
        error.__traceback__ = None
        raise Reset from None


def says_gone(arrived: "asyncio.Future[Event]") -> bool:
    """Return whether what has arrived is word that the caller went away."""
    return arrived.exception() is not None or arrived.result()["type"] == "http.disconnect"


async def _settled(sent: "asyncio.Future[None]") -> None:
    """Wait for a future of the host's, never cancelling it: the host settles it when the call is over too."""
    if not sent.done():
        waiter = asyncio.get_running_loop().create_future()
        sent.add_done_callback(lambda done: _wake(waiter, done))
        await waiter
    sent.result()


def _wake(waiter: "asyncio.Future[None]", done: "asyncio.Future[None]") -> None:
    done.exception()  # asked for, also where nobody waits any more: asyncio complains of one that nobody saw
    if not waiter.done():
        waiter.set_result(None)
