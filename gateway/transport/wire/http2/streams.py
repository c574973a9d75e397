"""The streams of one connection, by their numbers (RFC 9113, 5.1)."""

import asyncio
import logging

from gateway.transport.admission import streams_of_connection
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error, StreamError
from gateway.transport.wire.http2.fast_path import FastCall
from gateway.transport.wire.http2.frames import MAX_WINDOW, FrameReader, rst_stream
from gateway.transport.wire.http2.outgoing import Outgoing
from gateway.transport.wire.http2.request_body import RequestBody, Window
from gateway.transport.wire.http2.request_head import Head
from gateway.transport.wire.http2.stream import Stream
from gateway.transport.wire.server_context import ServerContext

_logger = logging.getLogger(__name__)

Call = FastCall | Stream
_REMEMBERED_CUTS = 1000


class Streams:
    """Those that are under way.

    A request whose headers have come is held until the next frame: with a whole message in that, its fast
    method may answer it; else, or at the end of what was read, it goes the general way.

    Args:
        context: what is served.
        reader: is halted where as many calls were read as a turn has room for.
        outgoing: the connection's.
        window: the connection's.
        peer: the client's address.

    """

    def __init__(
        self,
        context: ServerContext,
        reader: FrameReader,
        outgoing: Outgoing,
        window: Window,
        peer: str,
    ) -> None:
        self._context = context
        self._reader = reader
        self.outgoing = outgoing
        self._window = window
        self.peer = peer
        self.loop = asyncio.get_running_loop()
        self._open: dict[int, Call] = {}
        self._held: tuple[int, Head] | None = None
        self._held_credit = 0
        self._most = streams_of_connection(context.settings.limits)
        self._cut: dict[int, None] = {}
        self._refusing = False
        self.unread = context.processor.share
        """How many more calls may be read in this turn."""
        self.last = 0
        """The last stream that the peer has begun."""

    def __len__(self) -> int:
        return len(self._open) + (self._held is not None)

    def find(self, number: int) -> Call | None:
        """Return the stream's call; None where it is over. Raises Http2Error where it hasn't begun."""
        self.settle()
        call = self._open.get(number)
        if call is None and (number > self.last or not number & 1):
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "a frame of a stream that is idle")
        return call

    def was_cut_off(self, number: int) -> bool:
        """Whether it was we who ended the stream: the peer may not know yet (RFC 9113, 5.1)."""
        return number in self._cut

    def note(self, number: int) -> None:
        """Note that the peer begins a stream; raises Http2Error for a number that isn't the peer's."""
        if not number & 1:
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "a stream with an even number")
        self.settle()
        self.last = number

    def begin(self, number: int, head: Head) -> None:
        """Begin a call; raises StreamError where there are too many."""
        limits = self._context.settings.limits
        if self._refusing or len(self._open) >= self._most:
            raise StreamError(ErrorCode.REFUSED_STREAM, "more streams than SETTINGS_MAX_CONCURRENT_STREAMS")
        if self.outgoing.held > limits.max_response_bytes:
            raise StreamError(ErrorCode.REFUSED_STREAM, "too many answers that the peer doesn't take")
        self._held = number, head
        self._held_credit = 0

    def end(self, number: int) -> None:
        """Note that the request has no body; raises StreamError."""
        call = self.find(number)
        if call is not None:
            call.take_end()

    def settle(self) -> None:
        """Have what is held go the general way."""
        if self._held is not None:
            (number, head), self._held = self._held, None
            self._open_stream(number, head)

    def widen(self, number: int, more: int) -> None:
        """Take the peer's word that it takes more of an answer; raises StreamError and Http2Error.

        C-core says so of each call between its headers and its request: that leaves a held call held.
        """
        if self._held is not None and self._held[0] == number:
            if self.outgoing.stream_window + self._held_credit + more > MAX_WINDOW:
                raise StreamError(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window overflows")
            self._held_credit += more
            return
        call = self.find(number)
        if call is not None:
            call.widen(more)

    def answer(self, number: int, body: bytes, now: float) -> bool:
        """Have a fast method answer a call whose body is whole; return False for what has none."""
        if self._held is None or self._held[0] != number:
            return False
        head = self._held[1]
        if head.fast is None or head.length not in (None, len(body)):
            return False
        if not head.fast.begin(self, number, body, head.headers, now):
            return False
        self._held = None
        self._count()
        return True

    def add(self, number: int, call: FastCall) -> None:
        """Count a call among those that are under way."""
        self._open[number] = call
        if self._held_credit:
            call.widen(self._held_credit)

    def _count(self) -> None:
        """Count a call that was read; the last that a turn has room for halts the reader."""
        self.unread -= 1
        if self.unread <= 0:
            self._reader.halted = True

    def reset(self, number: int) -> None:
        """Take the peer's word that it wants no answer."""
        call = self._open.pop(number, None)
        if call is not None:
            call.reset()

    def cut_off(self, number: int, code: ErrorCode) -> None:
        """Tell the peer that there will be no answer."""
        self.settle()
        self.outgoing.put(rst_stream(number, code))
        self.reset(number)
        self._remember_cut(number)

    def leave(self) -> None:
        """Begin no more calls."""
        self._refusing = True

    def break_off(self) -> None:
        """Have those under way answer that the server stops."""
        for call in list(self._open.values()):
            call.stop()

    def disconnect(self) -> None:
        """End all: the peer is gone."""
        self._held = None
        for number in list(self._open):
            self.reset(number)

    def tick(self, now: float) -> None:
        """Cut off the calls whose answer the peer hasn't taken any of for too long."""
        for number in self.outgoing.stalled(now - 2 * self._context.settings.server.stream_patience):
            self.cut_off(number, ErrorCode.CANCEL)

    def _open_stream(self, number: int, head: Head) -> None:
        self._count()
        body = RequestBody(self.outgoing.put, number, self._window, head.length)
        stream = Stream(number, head, self.peer, body=body, outgoing=self.outgoing, ended=self.ended)
        stream.widen(self._held_credit)
        self._open[number] = stream
        stream.task = self.loop.create_task(self._run(stream))

    async def _run(self, stream: Stream) -> None:
        try:
            await self._context.respond(stream)
        except Exception:
            _logger.exception("a request failed")
        finally:
            if not stream.is_finished:
                self.cut_off(stream.number, ErrorCode.INTERNAL_ERROR)

    def ended(self, number: int) -> None:
        """Let go of a call whose answer has been put out."""
        call = self._open.pop(number, None)
        if call is not None and not call.whole:
            # The rest of the request isn't wanted (RFC 9113, 8.1).
            self.outgoing.put(rst_stream(number, ErrorCode.NO_ERROR))
            self._remember_cut(number)
        if not self._open:
            # Nobody else answers in this turn: a call alone need not wait for its end.
            self.outgoing.flush()

    def _remember_cut(self, number: int) -> None:
        self._cut[number] = None
        if len(self._cut) > _REMEMBERED_CUTS:
            del self._cut[next(iter(self._cut))]
