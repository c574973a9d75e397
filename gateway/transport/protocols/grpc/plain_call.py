"""A plain call under way, from its exchange to the frames of its answer."""

import asyncio
from collections.abc import Awaitable, Callable

from gateway.errors.status import to_status
from gateway.transport.exchange import Exchange, Reply
from gateway.transport.limits.refusals import broken_off
from gateway.transport.protocols.grpc.headers import trailers_of
from gateway.transport.protocols.grpc.plain_answer import PLAIN_ANSWERS, ok_trailers, refused
from gateway.transport.wire.framing import PREFIX, prefix
from gateway.transport.wire.headers import write_metadata
from gateway.transport.wire.http2.errors import ErrorCode, StreamError
from gateway.transport.wire.http2.fast_path import FastConnection
from gateway.transport.wire.http2.frames import MAX_FRAME, header_frames
from gateway.transport.wire.http2.header_blocks.writer import write_block
from gateway.transport.wire.http2.outbox import Outbox


class PlainCall:
    """A FastCall.

    Args:
        connection: by which it came.
        number: the stream's.
        content_type: its request's, and its answer's.
        exchange: the call.
        leave: gives up the exchange's place, where it was never begun.

    """

    __slots__ = (
        "_connection",
        "_content_type",
        "_credit",
        "_exchange",
        "_leave",
        "_number",
        "_outbox",
        "_over",
        "task",
        "whole",
    )

    def __init__(
        self,
        connection: FastConnection,
        number: int,
        content_type: bytes,
        exchange: Exchange,
        leave: Callable[[Exchange], None],
    ) -> None:
        self.task: asyncio.Task[None] | None = None
        self.whole = True
        self._connection = connection
        self._number = number
        self._content_type = content_type
        self._exchange = exchange
        self._leave = leave
        self._credit = 0
        self._over = False
        self._outbox: Outbox | None = None

    async def run(self, answer: Callable[[Exchange], Awaitable[Reply]]) -> None:
        """Answer."""
        try:
            reply = await answer(self._exchange)
        except asyncio.CancelledError as cancelled:
            if self._over:
                return
            reply = Reply(status=to_status(broken_off(cancelled)))
        if reply.status is None:
            self._succeed(reply.body)
        else:
            self._refuse(reply)

    def take_end(self) -> None:
        """Take no end: raises StreamError."""
        raise _whole_already()

    def take(self, _payload: bytes, _size: int) -> None:
        """Take no DATA: raises StreamError."""
        raise _whole_already()

    def widen(self, more: int) -> None:
        """Take a WINDOW_UPDATE; raises StreamError."""
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

    def _succeed(self, body: bytes) -> None:
        number, exchange, connection = self._number, self._exchange, self._connection
        outgoing, length = connection.outgoing, len(body)
        size = PREFIX + length
        if (
            size > MAX_FRAME
            or size > outgoing.room()
            or size > outgoing.stream_window + self._credit
            or exchange.metadata is not None
        ):
            self._send_slowly(body)
            return
        outgoing.window -= size
        start = PLAIN_ANSWERS[self._content_type].start(number, length)
        connection.finish(number, start + body + ok_trailers(number, exchange.record.request_id))

    def _send_slowly(self, body: bytes) -> None:
        """Send what the peer doesn't take in a frame now, or what has metadata of its own."""
        number, exchange, outgoing = self._number, self._exchange, self._connection.outgoing
        outgoing.put(header_frames(number, self._begin(), ends=False))
        self._outbox = outbox = Outbox(outgoing, number, self._credit, self._emptied)
        # Not joined: that would hold a large body twice.
        first = MAX_FRAME - PREFIX
        outbox.put(prefix(len(body)) + body[:first])
        outbox.put(memoryview(body)[first:])
        outbox.end(header_frames(number, write_block(trailers_of(Reply(), exchange)), ends=True))

    def _refuse(self, reply: Reply) -> None:
        number, exchange, outgoing = self._number, self._exchange, self._connection.outgoing
        if reply.status is not None and exchange.metadata is None:
            outgoing.put(refused(number, self._content_type, reply.status, exchange.record.request_id))
        else:
            outgoing.put(header_frames(number, self._begin(), ends=False))
            outgoing.put(header_frames(number, write_block(trailers_of(reply, exchange)), ends=True))
        self._connection.ended(number)

    def _begin(self) -> bytes:
        """Return the header block that the answer begins with."""
        block, metadata = PLAIN_ANSWERS[self._content_type].block, self._exchange.metadata
        return block if metadata is None else block + write_block(write_metadata(metadata.headers))

    def _emptied(self, ends: bool) -> None:  # noqa: FBT001 - Outbox's
        if ends:
            self._exchange.release()
            self._connection.ended(self._number)


def _whole_already() -> StreamError:
    return StreamError(ErrorCode.STREAM_CLOSED, "more after the end of the request")
