"""The streams of one connection, by their numbers (RFC 9113, 5.1)."""

import asyncio
import logging
from time import monotonic

from gateway.transport.limits.admission import streams_of_connection
from gateway.transport.wire.caller_headers import CallerHeaders
from gateway.transport.wire.http2.draining import DRAIN_SECONDS, DrainingCall
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error, StreamError
from gateway.transport.wire.http2.fast_path import FastCall
from gateway.transport.wire.http2.fast_request import FastRequest
from gateway.transport.wire.http2.frames import MAX_WINDOW, FrameReader, rst_stream
from gateway.transport.wire.http2.outgoing import Outgoing
from gateway.transport.wire.http2.refused_targets import check_target
from gateway.transport.wire.http2.request_body import RequestBody, Window
from gateway.transport.wire.http2.request_head import Head
from gateway.transport.wire.http2.stream import Stream
from gateway.transport.wire.request import Gone, Responder
from gateway.transport.wire.server_context import ServerContext

_logger = logging.getLogger(__name__)

Call = FastCall | Stream
_REMEMBERED_CUTS = 1000
_DRAINING_PART = 4
"""Of this part of its streams at most a connection waits for the ends of requests that are answered.

So a client with many of them, as of streams that are refused, has the others for its calls.
"""


class Streams:
    """Those that are under way.

    A request whose headers have come is held: with a whole message in what is read with them, or next, its
    fast method may answer it; else it goes the general way. Many are held at a time, as clients write the
    headers of several calls before their messages, and tonic ends each by an empty frame.

    Args:
        context: what is served.
        reader: is halted where as many calls were read as a turn has room for.
        outgoing: the connection's.
        window: the connection's.
        peer: the client's address.
        certificate: the client's, DER; empty without one.

    """

    def __init__(
        self,
        context: ServerContext,
        reader: FrameReader,
        outgoing: Outgoing,
        window: Window,
        *,
        peer: str,
        certificate: bytes,
    ) -> None:
        self._context = context
        self._reader = reader
        self.outgoing = outgoing
        self._window = window
        self.peer = peer
        self.certificate = certificate
        self.loop = asyncio.get_running_loop()
        self._open: dict[int, Call] = {}
        self._held: dict[int, tuple[Head, CallerHeaders]] = {}
        self._held_credits: dict[int, int] = {}
        self._held_bodies: dict[int, bytes] = {}
        self._draining: dict[int, DrainingCall] = {}  # the oldest first
        self._most = streams_of_connection(context.settings.limits)
        self._cut: dict[int, None] = {}
        self._refusing = False
        self._settling = False
        self.unread = context.processor.share
        """How many more calls may be read in this turn."""
        self.last = 0
        """The last stream that the peer has begun."""
        self.begun = 0
        """How many it has begun that weren't refused."""

    def __len__(self) -> int:
        return len(self._open) + len(self._held)

    @property
    def is_idle(self) -> bool:
        """Whether no call is under way, nor still sent."""
        return not (self._open or self._held or self._draining)

    def is_draining(self, number: int) -> bool:
        """Whether the stream's call is answered, and what still comes of it is dropped."""
        return number in self._draining

    def find(self, number: int) -> Call | None:
        """Return the stream's call; None where it is over. Raises Http2Error where it hasn't begun."""
        if number in self._held:
            self._settle_one(number)
        call = self._open.get(number) or self._draining.get(number)
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
        self.last = number

    def begin(self, number: int, head: Head, told: CallerHeaders) -> None:
        """Begin a call; raises StreamError where there are too many."""
        limits = self._context.settings.limits
        if self._refusing or len(self._open) + len(self._held) + len(self._draining) >= self._most:
            raise StreamError(ErrorCode.REFUSED_STREAM, "more streams than SETTINGS_MAX_CONCURRENT_STREAMS")
        if self.outgoing.held > limits.max_response_bytes:
            raise StreamError(ErrorCode.REFUSED_STREAM, "too many answers that the peer doesn't take")
        self._held[number] = head, told
        self._count()

    def end(self, number: int, now: float) -> None:
        """Note that the request has no body; raises StreamError."""
        held = self._held.get(number)
        if held is not None and self._answer_fast(number, *held, now):
            return
        call = self.find(number)
        if call is not None:
            call.take_end()

    def _answer_fast(self, number: int, head: Head, told: CallerHeaders, now: float) -> bool:
        """Have a request without a body answered fast; return False for one that goes the general way."""
        if head.bodiless is None or head.length:
            return False
        request = FastRequest(self, number, head, told)
        if not request.begin(head.bodiless, now):
            return False
        del self._held[number]
        self.add(number, request)
        return True

    def settle(self) -> None:
        """Have what is still held go the general way when the loop has looked for bytes once more.

        tonic writes a call's message by itself: what hasn't come with the headers is mostly a moment behind.
        """
        if self._held and not self._settling:
            self._settling = True
            # Of two turns: in the first, what is scheduled comes before what is read.
            self.loop.call_soon(self.loop.call_soon, self._settle)

    def _settle(self) -> None:
        self._settling = False
        if self._reader.halted:
            return  # what is left of them has been read, and is taken in a later turn
        for number in list(self._held):
            self._settle_one(number)

    def _settle_one(self, number: int) -> None:
        head, told = self._held.pop(number)
        stream = self._open_stream(number, head, told)
        refused = check_target(head, self._context.settings.limits.max_metadata_bytes)
        respond = self._context.respond if refused is None else refused.answer
        stream.task = self.loop.create_task(self._run(stream, respond))
        body = self._held_bodies.pop(number, None)
        if body is not None:
            stream.take(body, len(body))

    def widen(self, number: int, more: int) -> None:
        """Take the peer's word that it takes more of an answer; raises StreamError and Http2Error.

        C-core says so of each call between its headers and its request: that leaves a held call held.
        """
        if number in self._held:
            credit = self._held_credits.get(number, 0) + more
            if self.outgoing.stream_window + credit > MAX_WINDOW:
                raise StreamError(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window overflows")
            self._held_credits[number] = credit
            return
        call = self.find(number)
        if call is not None:
            call.widen(more)

    def check_credits(self) -> None:
        """Raise Http2Error where a held call's window is larger than may be (RFC 9113, 6.9.2)."""
        if self._held_credits and self.outgoing.stream_window + max(self._held_credits.values()) > MAX_WINDOW:
            raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window overflows")

    def keep(self, number: int, body: bytes) -> bool:
        """Keep the first part of a held call's body, which may be all of it; return False for another."""
        held = self._held.get(number)
        if held is None or number in self._held_bodies or not body:
            return False
        length = held[0].length
        if length is not None and length < len(body):
            return False
        self._held_bodies[number] = body
        return True

    def answer(self, number: int, body: bytes, now: float) -> int:
        """Have a fast method answer a call whose body is whole; return its size, 0 for what has none."""
        held = self._held.get(number)
        if held is None:
            return 0
        head, told = held
        fast = head.fast
        if fast is None:
            return 0
        if self._held_bodies and number in self._held_bodies:
            if body:
                return 0
            body = self._held_bodies[number]
        if head.length not in (None, len(body)):
            return 0
        if not fast.begin(self, number, body, head.headers, told=told, now=now):
            return 0
        del self._held[number]
        if self._held_bodies:
            self._held_bodies.pop(number, None)
        if self._held_credits:
            self._held_credits.pop(number, None)
        return len(body)

    def add(self, number: int, call: FastCall) -> None:
        """Count a call among those that are under way."""
        self._open[number] = call
        if self._held_credits:
            self._widen_held(number, call)

    def _widen_held(self, number: int, call: Call) -> None:
        """Give a call what the peer has said while it was held."""
        credit = self._held_credits.pop(number, 0)
        if credit:
            call.widen(credit)

    def _count(self) -> None:
        """Count a call that was read; the last that a turn has room for halts the reader."""
        self.begun += 1
        self.unread -= 1
        if self.unread <= 0:
            self._reader.halted = True

    def reset(self, number: int) -> None:
        """Take the peer's word that it wants no answer."""
        self._draining.pop(number, None)
        call = self._open.pop(number, None)
        if call is not None:
            call.reset()

    def cut_off(self, number: int, code: ErrorCode) -> None:
        """Tell the peer that there will be no answer."""
        if number in self._held:
            self._settle_one(number)
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
        self._held.clear()
        self._held_bodies.clear()
        self._draining.clear()
        for number in list(self._open):
            self.reset(number)

    def tick(self, now: float) -> None:
        """Cut off the calls of whose answer the peer takes none for too long, or that it doesn't end."""
        while self._draining and now - next(iter(self._draining.values())).since > DRAIN_SECONDS:
            self._end_oldest_draining()
        for number in self.outgoing.stalled(now - 2 * self._context.settings.server.stream_send_timeout):
            self.cut_off(number, ErrorCode.CANCEL)

    def _open_stream(self, number: int, head: Head, told: CallerHeaders) -> Stream:
        body = RequestBody(self.outgoing.put, number, self._window, head.length)
        stream = Stream(
            number,
            head,
            told,
            self.peer,
            self.certificate,
            body=body,
            outgoing=self.outgoing,
            ended=self.ended,
        )
        self._widen_held(number, stream)
        self._open[number] = stream
        return stream

    async def respond(self, request: FastRequest, task: "asyncio.Task[None]", respond: Responder) -> None:
        """Have the response to a fast request written as that of a request."""
        stream = self._open_stream(request.number, request.head, request.told)
        stream.task = task
        stream.take_end()
        if request.credit:
            stream.widen(request.credit)
        await self._run(stream, respond)

    async def _run(self, stream: Stream, respond: Responder) -> None:
        try:
            await respond(stream)
        except Gone:
            pass
        except Exception:
            _logger.exception("a request failed")
        finally:
            if not stream.is_finished:
                self.cut_off(stream.number, ErrorCode.INTERNAL_ERROR)

    def finish(self, number: int, frames: bytes) -> None:
        """Put out all that answers a call whose request is whole, and let go of it."""
        self._open.pop(number, None)
        if self._open:
            self.outgoing.put(frames)
        else:
            # Nobody else answers in this turn: a call alone need not wait for its end.
            self.outgoing.put_at_once(frames)

    def ended(self, number: int) -> None:
        """Let go of a call whose answer has been put out."""
        call = self._open.pop(number, None)
        if isinstance(call, Stream) and not call.whole:
            self._drain(number, call)
        if not self._open:
            self.outgoing.flush()  # as above

    def _drain(self, number: int, call: Stream) -> None:
        """Drop what still comes of a request that is answered; as long as that is bounded."""
        if call.body.is_full:
            self._end_early(number)
            return
        self._draining[number] = DrainingCall(
            number, call.body, monotonic(), ended=self.reset, filled=self._end_early
        )
        if len(self._draining) > max(1, self._most // _DRAINING_PART):
            self._end_oldest_draining()

    def _end_oldest_draining(self) -> None:
        self._end_early(next(iter(self._draining)))

    def _end_early(self, number: int) -> None:
        """Tell the peer that the rest of its request isn't wanted (RFC 9113, 8.1)."""
        self.cut_off(number, ErrorCode.NO_ERROR)

    def _remember_cut(self, number: int) -> None:
        self._cut[number] = None
        if len(self._cut) > _REMEMBERED_CUTS:
            del self._cut[next(iter(self._cut))]
