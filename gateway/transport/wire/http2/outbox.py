"""The part of one stream's answer that has to wait for the peer."""

from collections import deque
from collections.abc import Callable
from time import monotonic

from gateway.transport.wire.http2.errors import ErrorCode, StreamError
from gateway.transport.wire.http2.frames import DATA, MAX_FRAME, MAX_WINDOW, frame
from gateway.transport.wire.http2.outgoing import Outgoing


class Outbox:
    """DATA in the order it was put, and the frames that end the stream after it.

    Args:
        outgoing: the connection's.
        number: the stream's.
        credit: what the peer takes beyond the first window; less than nothing where that is used up.
        emptied: called when all that was put has been taken, with whether the stream has ended by that.

    """

    __slots__ = ("_credit", "_emptied", "_ending", "_outgoing", "_pieces", "number", "since")

    def __init__(self, outgoing: Outgoing, number: int, credit: int, emptied: Callable[[bool], None]) -> None:
        self.number = number
        self.since = 0.0
        self._outgoing = outgoing
        self._credit = credit
        self._emptied = emptied
        self._pieces: deque[memoryview] = deque()
        self._ending: bytes | None = None

    @property
    def is_empty(self) -> bool:
        """Whether all has been taken."""
        return not self._pieces

    def put(self, data: bytes | memoryview) -> None:
        """Send data, when it is its turn."""
        if data:
            self.since = monotonic()
            self._pieces.append(memoryview(data))
            self._outgoing.hold(self, len(data))

    def end(self, frames: bytes) -> None:
        """Send the frames that end the stream, after all data."""
        self._ending = frames
        if not self._pieces:
            self._close()

    def widen(self, more: int) -> None:
        """Take the peer's word that it takes more; raises StreamError past the most there may be."""
        self._credit += more
        if not self.fits():
            raise StreamError(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window overflows")
        if self._pieces:
            self._outgoing.wake(self)

    def fits(self) -> bool:
        """Whether the stream's window is no larger than may be (RFC 9113, 6.9.1)."""
        return self._credit + self._outgoing.stream_window <= MAX_WINDOW

    def drop(self) -> None:
        """Send nothing more."""
        self._outgoing.release(self, sum(map(len, self._pieces)), all_of_it=True)
        self._pieces.clear()
        self._forget_stream()

    def send_frame(self) -> bool:
        """Put a frame out; return whether another could follow."""
        outgoing, piece = self._outgoing, self._pieces[0]
        size = min(len(piece), MAX_FRAME, outgoing.window, outgoing.stream_window + self._credit)
        if size <= 0:
            return False
        outgoing.put(frame(DATA, 0, self.number, piece[:size]))
        outgoing.data_frames += 1
        outgoing.window -= size
        self._credit -= size
        self.since = monotonic()
        if size < len(piece):
            self._pieces[0] = piece[size:]
        else:
            self._pieces.popleft()
        outgoing.release(self, size, all_of_it=not self._pieces)
        if not self._pieces:
            self._close()
        return bool(self._pieces)

    def _close(self) -> None:
        emptied, ends = self._emptied, self._ending is not None
        if self._ending is not None:
            self._outgoing.put(self._ending)
            self._forget_stream()
        emptied(ends)

    def _forget_stream(self) -> None:
        """Let go of the stream, which knows this outbox: they would wait for the garbage collector."""
        self._emptied = _nobody


def _nobody(_ends: object) -> None:
    """Take no word of what was taken."""
