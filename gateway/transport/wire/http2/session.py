"""The session of one connection: what its frames mean, and which are wrong (RFC 9113, 6)."""

from collections.abc import Callable
from time import monotonic

from gateway.transport.host_names import HostNames
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error, StreamError
from gateway.transport.wire.http2.frames import ACK, END_HEADERS, END_STREAM, FrameReader
from gateway.transport.wire.http2.header_blocks.fragments import Block
from gateway.transport.wire.http2.header_blocks.reader import HeaderReader
from gateway.transport.wire.http2.outgoing import Outgoing
from gateway.transport.wire.http2.pings import Pings
from gateway.transport.wire.http2.rate_limit import RateLimit
from gateway.transport.wire.http2.request_body import Window
from gateway.transport.wire.http2.request_head import HeadReader, check_trailers
from gateway.transport.wire.http2.settings import (
    DEFAULT_TABLE_SIZE,
    HEADER_TABLE_SIZE,
    INITIAL_WINDOW_SIZE,
    NO_TABLE,
    greeting,
    read_settings,
)
from gateway.transport.wire.http2.streams import Streams
from gateway.transport.wire.server_context import ServerContext

Taker = Callable[[int, int, bytes], None]
"""Takes a frame: its flags, stream and payload."""

_PADDED_OR_WITH_PRIORITY = frames.PADDED | frames.WITH_PRIORITY
# Each costs us some microseconds. Those of calls don't count: one that means harm is cut off all the same.
_IDLE_FRAMES = 10_000
# Envoy takes as many of WINDOW_UPDATE for a frame of DATA. C-core sends two to four with a call.
_IDLE_FRAMES_OF_A_CALL = 10
# A gRPC client resets every call whose deadline passes: under load they are many (CVE-2023-44487 is more).
_RESETS = 10_000
# A call with too large headers is refused. Past this it costs the connection, whose headers are out of step.
_BLOCK_FACTOR = 4
# The first calls of some methods change a client's table; later only what differs from call to call does.
_TABLE_CHANGES = 8


class Session:
    """Takes the frames of a connection.

    Args:
        context: what is served.
        reader: cuts what the peer sends into frames.
        streams: the connection's.
        outgoing: the connection's.
        window: what the peer may send over the connection.
        pings: the connection's.
        left: called when the peer has heard that it is to leave.
        hosts: the names by which the server may be called; None where all are.

    """

    def __init__(
        self,
        context: ServerContext,
        reader: FrameReader,
        streams: Streams,
        outgoing: Outgoing,
        *,
        window: Window,
        pings: Pings,
        left: Callable[[], None],
        hosts: HostNames | None = None,
    ) -> None:
        self._streams = streams
        self._outgoing = outgoing
        self._window = window
        self._pings = pings
        self._left = left
        limits = context.settings.limits
        self._greeting = greeting(limits)
        self._frames = reader
        self._block_limit = _BLOCK_FACTOR * limits.max_metadata_bytes
        make = HeadReader(context.fast_methods, limits.max_metadata_bytes, hosts, context.read_fast)
        shared = context.heads.setdefault(hosts, ({}, {}))
        self._heads = HeaderReader(
            self._block_limit,
            limits.max_metadata_bytes,
            make,
            make.vary,
            with_path=make.with_path,
            changed=self._note_change,
            shared=shared,
        )
        self._block: Block | None = None
        self._table_changes = 0
        self._idle_frames = RateLimit(_IDLE_FRAMES, "frames that do nothing", self._idle_frames_of_calls)
        self._resets = RateLimit(_RESETS, "resets")
        self.now = monotonic()
        """When something was read last."""
        self.greeted = False
        """Whether the peer's preface is whole, with its SETTINGS (RFC 9113, 3.4)."""
        self._takers: tuple[Taker, ...] = (
            self._take_data,
            self._take_headers,
            self._take_priority,
            self._take_rst_stream,
            self._take_settings,
            self._refuse,
            self._take_ping,
            self._take_goaway,
            self._take_window_update,
            self._refuse,
            *[self._ignore] * (frames.TYPES - frames.UNKNOWN),
        )

    @property
    def block_since(self) -> float | None:
        """When a header block began that isn't whole; None where there is none."""
        return None if self._block is None else self._block.since

    @property
    def is_halted(self) -> bool:
        """Whether frames are left that wait for `go_on`."""
        return self._frames.halted

    def _idle_frames_of_calls(self) -> int:
        """Return how many an honest peer may have sent with its calls, and with what it was sent."""
        return _IDLE_FRAMES_OF_A_CALL * (self._streams.begun + self._outgoing.data_frames)

    def read(self, data: bytes) -> None:
        """Take what the peer sends; raises Http2Error."""
        if not self._frames.halted:  # else what came first has waited since then
            self.now = monotonic()
        self.go_on(data)

    def go_on(self, data: bytes = b"") -> None:
        """Take the frames that were left; raises Http2Error."""
        for kind, flags, number, payload in self._frames.feed(data):
            try:
                if self._block is None and self.greeted:
                    self._takers[kind](flags, number, payload)
                else:
                    self._take_in_order(kind, flags, number, payload)
            except StreamError as error:
                self._cut_off(number, error.code)
        if not self._frames.halted:
            self._streams.settle()
        if self._outgoing.has_aside:
            self._outgoing.send_aside(wait=len(self._streams) > 0)

    def _take_in_order(self, kind: int, flags: int, number: int, payload: bytes) -> None:
        """Take a frame where only one kind may come."""
        if self._block is not None:
            block, whole = self._block, self._block.take(kind, flags, number, payload)
            if whole is not None:
                self._block = None
                self._take_block(block.flags, number, whole)
        elif kind == frames.SETTINGS and not flags & ACK:
            self.greeted = True
            self._outgoing.put(self._greeting)
            self._take_settings(flags, number, payload)
        else:
            raise _broken("the first frame isn't SETTINGS")

    def _take_data(self, flags: int, number: int, payload: bytes) -> None:
        size = len(payload)
        if not self._window.take(size):
            raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "more than the connection's window")
        if flags == END_STREAM:
            taken = self._streams.answer(number, payload, self.now)
            if taken:
                self._window.give_back(taken)
                return
        elif not flags and self._streams.keep(number, payload):
            return
        self._take_piece(flags, number, payload)

    def _take_piece(self, flags: int, number: int, payload: bytes) -> None:
        """Take a DATA frame that is no whole message."""
        call = self._streams.find(number)
        content = frames.without_padding(flags, payload)
        if (not content and not flags & END_STREAM) or self._streams.is_draining(number):
            self._idle_frames.spend(self.now)
        if call is None:
            self._window.give_back(len(payload))
            self._say_closed(number)
            return
        call.take(content, len(payload))
        if flags & END_STREAM:
            call.take_end()

    def _take_headers(self, flags: int, number: int, payload: bytes) -> None:
        if flags & _PADDED_OR_WITH_PRIORITY:
            payload = frames.header_fragment(flags, number, payload)
        if flags & END_HEADERS:
            self._take_block(flags, number, payload)
        else:
            self._block = Block(number, flags, payload, self._block_limit, self.now)

    def _take_block(self, flags: int, number: int, block: bytes) -> None:
        if number <= self._streams.last:
            self._take_trailers(flags, number, block)
            return
        self._streams.note(number)
        head, told = self._heads.read(block)
        self._streams.begin(number, head, told)
        if flags & END_STREAM:
            self._streams.end(number, self.now)

    def _note_change(self) -> None:
        """Count a change of the peer's table: one that never comes to rest is better done without."""
        self._table_changes += 1
        if self._table_changes == _TABLE_CHANGES:
            self._outgoing.put(NO_TABLE)

    def _take_trailers(self, flags: int, number: int, block: bytes) -> None:
        headers = self._heads.headers(block)
        call = self._streams.find(number)
        if call is None:
            self._say_closed(number)
            return
        if call.whole:
            raise StreamError(ErrorCode.STREAM_CLOSED, "headers after the end of the request")
        check_trailers(headers)
        if not flags & END_STREAM:
            raise StreamError(ErrorCode.PROTOCOL_ERROR, "headers in the middle of a request")
        call.take_end()

    def _take_rst_stream(self, _flags: int, number: int, payload: bytes) -> None:
        if len(payload) != frames.RST_STREAM_SIZE:
            raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, "RST_STREAM of a broken length")
        self._resets.spend(self.now)
        if self._streams.find(number) is not None:
            self._streams.reset(number)

    def _take_window_update(self, _flags: int, number: int, payload: bytes) -> None:
        if len(payload) != frames.WINDOW_UPDATE_SIZE:
            raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, "WINDOW_UPDATE of a broken length")
        self._idle_frames.spend(self.now)
        more = int.from_bytes(payload, "big") & frames.MAX_WINDOW
        if number:
            self._widen_stream(number, more)
        elif more:
            self._outgoing.widen(more)
        else:
            raise _broken("WINDOW_UPDATE by nothing")

    def _widen_stream(self, number: int, more: int) -> None:
        if not more:
            self._streams.find(number)
            raise StreamError(ErrorCode.PROTOCOL_ERROR, "WINDOW_UPDATE by nothing")
        self._streams.widen(number, more)

    def _take_settings(self, flags: int, number: int, payload: bytes) -> None:
        _check_number(number)
        self._idle_frames.spend(self.now)
        if not flags & ACK:
            # First the answer: what is sent after it heeds the new values.
            self._outgoing.put(frames.frame(frames.SETTINGS, ACK, 0))
            for key, value in read_settings(payload):
                if key == INITIAL_WINDOW_SIZE:
                    self._outgoing.set_stream_window(value)
                    self._streams.check_credits()
                elif key == HEADER_TABLE_SIZE and value < DEFAULT_TABLE_SIZE:
                    self._outgoing.lower_table_size()
        elif payload:
            raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, "an answer to SETTINGS that isn't empty")

    def _take_ping(self, flags: int, number: int, payload: bytes) -> None:
        _check_number(number)
        if len(payload) != frames.PING_SIZE:
            raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, "PING of a broken length")
        self._idle_frames.spend(self.now)
        if not flags & ACK:
            self._pings.take(payload, self.now)
        elif self._pings.take_answer(payload):
            self._left()

    def _take_goaway(self, _flags: int, number: int, _payload: bytes) -> None:
        """Answer the calls there are: the peer will begin no more."""
        _check_number(number)
        self._idle_frames.spend(self.now)

    def _take_priority(self, _flags: int, number: int, payload: bytes) -> None:
        self._idle_frames.spend(self.now)
        if number == 0:
            raise _broken("PRIORITY of no stream")
        frames.check_priority(number, payload)

    def _ignore(self, _flags: int, _number: int, _payload: bytes) -> None:
        """Types that we don't know mean nothing to us (RFC 9113, 4.1)."""
        self._idle_frames.spend(self.now)

    def _refuse(self, _flags: int, _number: int, _payload: bytes) -> None:
        raise _broken("PUSH_PROMISE, or CONTINUATION of nothing")

    def _say_closed(self, number: int) -> None:
        """Raise Http2Error, unless the peer may not know yet that the stream is closed."""
        self._idle_frames.spend(self.now)
        if not self._streams.was_cut_off(number):
            raise Http2Error(ErrorCode.STREAM_CLOSED, "a frame of a stream that is closed")

    def _cut_off(self, number: int, code: ErrorCode) -> None:
        # What makes us reset streams costs as much as resets of the peer's (CVE-2025-8671).
        self._resets.spend(self.now)
        self._streams.cut_off(number, code)


def _check_number(number: int) -> None:
    if number:
        raise _broken("a frame of the connection with a stream's number")


def _broken(message: str) -> Http2Error:
    return Http2Error(ErrorCode.PROTOCOL_ERROR, message)
