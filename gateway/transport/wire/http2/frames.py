"""Frames: bytes → frames, frames → bytes (RFC 9113, 4 and 6)."""

import struct
from collections.abc import Iterator

from gateway.transport.wire.http2.errors import ErrorCode, Http2Error

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER_SIZE = 9
MAX_FRAME = 16_384
"""The longest payload that we take, which is the least that every peer takes (RFC 9113, 6.5.2)."""
MAX_WINDOW = 2**31 - 1
MAX_STREAM = 2**31 - 1
PRIORITY_SIZE = 5
RST_STREAM_SIZE = WINDOW_UPDATE_SIZE = 4
PING_SIZE = 8
DEFAULT_WINDOW = 65_535

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
UNKNOWN = 10
"""The first type that RFC 9113 doesn't know."""
TYPES = 256

END_STREAM = ACK = 0x1
END_HEADERS = 0x4
PADDED = 0x8
WITH_PRIORITY = 0x20

Frame = tuple[int, int, int, bytes]
"""Type, flags, stream, payload."""

_HEADER = struct.Struct(">HBBBI")


class FrameReader:
    """Cuts bytes into frames."""

    __slots__ = ("_rest", "greeted", "halted")

    def __init__(self) -> None:
        self._rest = b""
        self.greeted = False
        """Whether the preface has arrived."""
        self.halted = False
        """Whether the frames that are left are to wait for the next call of `feed`."""

    def feed(self, data: bytes) -> Iterator[Frame]:
        """Yield the frames that are whole with these bytes; they have to be taken before the next call.

        Until `halted` is set meanwhile. Raises Http2Error.
        """
        if self._rest:
            data = self._rest + data
        at, end = 0 if self.greeted else self._greet(data), len(data)
        self.halted = not self.greeted
        while not self.halted and end - at >= HEADER_SIZE:
            high, low, kind, flags, stream = _HEADER.unpack_from(data, at)
            size = high << 8 | low
            if size > MAX_FRAME:
                raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, "a frame is longer than SETTINGS_MAX_FRAME_SIZE")
            start = at + HEADER_SIZE
            if end - start < size:
                break
            at = start + size
            # The highest bit of the stream's number is reserved (RFC 9113, 4.1).
            yield kind, flags, stream & MAX_STREAM, data[start:at]
        self._rest = data[at:]
        self.halted = self.greeted and self.halted

    def _greet(self, data: bytes) -> int:
        """Return where the preface ends; 0 where it isn't whole. Raises Http2Error."""
        begin = data[: len(PREFACE)]
        if not PREFACE.startswith(begin):
            raise Http2Error(ErrorCode.PROTOCOL_ERROR, "no HTTP/2 preface")
        self.greeted = begin == PREFACE
        return len(PREFACE) if self.greeted else 0


def frame(kind: int, flags: int, stream: int, payload: bytes | memoryview = b"") -> bytes:
    """Return a frame."""
    size = len(payload)
    return _HEADER.pack(size >> 8, size & 0xFF, kind, flags, stream) + payload


def header_frames(stream: int, block: bytes, *, ends: bool) -> bytes:
    """Return a header block as HEADERS, and CONTINUATION where it is too long for one frame."""
    end_stream = END_STREAM if ends else 0
    if len(block) <= MAX_FRAME:
        return frame(HEADERS, END_HEADERS | end_stream, stream, block)
    pieces = [block[at : at + MAX_FRAME] for at in range(0, len(block), MAX_FRAME)]
    first, *middle, last = pieces
    frames = [frame(HEADERS, end_stream, stream, first)]
    frames += [frame(CONTINUATION, 0, stream, piece) for piece in middle]
    frames.append(frame(CONTINUATION, END_HEADERS, stream, last))
    return b"".join(frames)


def rst_stream(stream: int, code: ErrorCode) -> bytes:
    """Return a RST_STREAM frame."""
    return frame(RST_STREAM, 0, stream, code.to_bytes(4, "big"))


def goaway(last: int, code: ErrorCode, message: str) -> bytes:
    """Return a GOAWAY frame; `last` is the last stream that is answered."""
    return frame(GOAWAY, 0, 0, last.to_bytes(4, "big") + code.to_bytes(4, "big") + message.encode())


def window_update(stream: int, more: int) -> bytes:
    """Return a WINDOW_UPDATE frame."""
    return frame(WINDOW_UPDATE, 0, stream, more.to_bytes(4, "big"))


def without_padding(flags: int, payload: bytes) -> bytes:
    """Return a DATA or HEADERS frame's payload without padding (RFC 9113, 6.1); raises Http2Error."""
    if not flags & PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise Http2Error(ErrorCode.PROTOCOL_ERROR, "more padding than payload")
    return payload[1 : len(payload) - payload[0]]


def header_fragment(flags: int, stream: int, payload: bytes) -> bytes:
    """Return a HEADERS frame's part of its header block (RFC 9113, 6.2); raises Http2Error."""
    payload = without_padding(flags, payload)
    if not flags & WITH_PRIORITY:
        return payload
    check_priority(stream, payload[:PRIORITY_SIZE])
    return payload[PRIORITY_SIZE:]


def check_priority(stream: int, priority: bytes) -> None:
    """Check what is otherwise ignored, as it is deprecated (RFC 9113, 5.3.2); raises Http2Error."""
    if len(priority) != PRIORITY_SIZE:
        raise Http2Error(ErrorCode.FRAME_SIZE_ERROR, "a priority of a broken length")
    if int.from_bytes(priority[:4], "big") & MAX_STREAM == stream:
        raise Http2Error(ErrorCode.PROTOCOL_ERROR, "a stream that depends on itself")
