"""Plain calls (gateway.transport.asgi.plain_head), whose request is whole when their stream begins."""

import asyncio
from collections.abc import Callable, Iterable

from gateway.transport.asgi.plain import Answer
from gateway.transport.asgi.plain_head import PlainHead, error_trailers
from gateway.transport.exchange import Exchange
from gateway.transport.refusals import broken_off
from gateway.transport.wire.framing import PREFIX, prefix
from gateway.transport.wire.http2.faults import ErrorCode, StreamFault
from gateway.transport.wire.http2.frames import MAX_FRAME, header_frames
from gateway.transport.wire.http2.headers import write_block
from gateway.transport.wire.http2.outbox import Outbox
from gateway.transport.wire.http2.outgoing import Outgoing
from gateway.transport.wire.http2.plain_answer import PLAIN_ANSWERS, ok_trailers, refused
from gateway.transport.wire.request import Header


class PlainCall:
    """One of them.

    Args:
        number: the stream's.
        head: what its headers say.
        exchange: the call.
        outgoing: the connection's.
        ended: called when the answer has been put out.
        leave: gives up the exchange's place, where it was never begun.

    """

    __slots__ = (
        "_credit",
        "_ended",
        "_exchange",
        "_head",
        "_leave",
        "_outbox",
        "_outgoing",
        "_over",
        "number",
        "task",
    )

    whole = True

    def __init__(
        self,
        number: int,
        head: PlainHead,
        exchange: Exchange,
        outgoing: Outgoing,
        ended: Callable[[int], None],
        *,
        leave: Callable[[Exchange], None],
    ) -> None:
        self.number = number
        self.task: asyncio.Task[None] | None = None
        self._head = head
        self._exchange = exchange
        self._leave = leave
        self._outgoing = outgoing
        self._ended = ended
        self._credit = 0
        self._over = False
        self._outbox: Outbox | None = None

    async def run(self, answer: Answer) -> None:
        """Answer."""
        exchange = self._exchange
        try:
            reply = await answer(exchange)
        except asyncio.CancelledError as cancelled:
            if not self._over:
                self._refuse(error_trailers(broken_off(cancelled)))
            return
        if reply.status is None:
            self._succeed(reply.body, exchange.facts.request_id)
        else:
            request_id = exchange.facts.request_id
            self._outgoing.put(refused(self.number, self._head.content_type, reply.status, request_id))
            self._ended(self.number)

    def take_end(self) -> None:
        """Take no end: raises StreamFault."""
        raise _whole_already()

    def take(self, _payload: bytes, _size: int) -> None:
        """Take no DATA: raises StreamFault."""
        raise _whole_already()

    def widen(self, more: int) -> None:
        """Take a WINDOW_UPDATE; raises StreamFault."""
        if self._outbox is not None:
            self._outbox.widen(more)
        else:
            self._credit += more

    def reset(self) -> None:
        """Take the peer's word that it wants no answer."""
        self._over = True
        if self._outbox is not None:
            self._outbox.drop()
            self._exchange.release()
        else:
            self.stop()

    def stop(self) -> None:
        """Have it answer that the server stops."""
        if self.task is not None:
            self.task.cancel()
            self.task.add_done_callback(self._give_up_place)

    def _give_up_place(self, _task: "asyncio.Task[None]") -> None:
        """Leave the place of a call that was cancelled, maybe before it began."""
        self._leave(self._exchange)

    def _succeed(self, body: bytes, request_id: str) -> None:
        number, outgoing = self.number, self._outgoing
        size = PREFIX + len(body)
        if size > min(MAX_FRAME, outgoing.room(), outgoing.stream_window + self._credit):
            self._send_slowly(body, request_id)
            return
        outgoing.window -= size
        start = PLAIN_ANSWERS[self._head.content_type].start(number, len(body))
        outgoing.put(b"".join((start, body, ok_trailers(number, request_id))))
        self._ended(number)

    def _send_slowly(self, body: bytes, request_id: str) -> None:
        """Send what the peer doesn't take in a frame now."""
        block = PLAIN_ANSWERS[self._head.content_type].block
        self._outgoing.put(header_frames(self.number, block, ends=False))
        self._outbox = outbox = Outbox(self._outgoing, self.number, self._credit, self._emptied)
        # Not joined: that would hold a large body twice.
        first = MAX_FRAME - PREFIX
        outbox.put(prefix(len(body)) + body[:first])
        outbox.put(memoryview(body)[first:])
        outbox.end(ok_trailers(self.number, request_id))

    def _refuse(self, trailers: Iterable[Header]) -> None:
        """Answer with headers alone ("Trailers-Only")."""
        block = PLAIN_ANSWERS[self._head.content_type].block + write_block(trailers)
        self._outgoing.put(header_frames(self.number, block, ends=True))
        self._ended(self.number)

    def _emptied(self, ends: bool) -> None:  # noqa: FBT001 - Outbox's
        if ends:
            self._exchange.release()
            self._ended(self.number)


def _whole_already() -> StreamFault:
    return StreamFault(ErrorCode.STREAM_CLOSED, "more after the end of the request")
