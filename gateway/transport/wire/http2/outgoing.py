"""The frames that leave a connection: one write for a turn of the loop, as fast as the peer takes them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.frames import DEFAULT_WINDOW, HEADER_SIZE, HEADERS, MAX_WINDOW

_ENOUGH = 256 * 1024
"""Bytes that are gathered for one write; what is more waits until they are written."""
_TYPE = 3
"""Where a frame has its type: behind its length."""
_NO_TABLE = b"\x20"
"""The change of a dynamic table's size to nothing, in a header block (RFC 7541, 6.3)."""
_ASIDE_SECONDS = 0.01
"""How long frames that were put aside wait at most for others to leave with."""


class Sender(Protocol):
    """Somebody with DATA to send on a stream."""

    number: int
    since: float
    """When the peer last took some."""

    def send_frame(self) -> bool:
        """Put a frame out; return whether another could follow."""

    def fits(self) -> bool:
        """Whether the stream's window is no larger than may be."""


class Outgoing:
    """The frames that wait for the end of this turn, and who waits for the peer to take more.

    Args:
        write: the transport's.
        loop: the event loop.

    """

    def __init__(self, write: Callable[[bytes], None], loop: asyncio.AbstractEventLoop) -> None:
        self._write = write
        self._loop = loop
        self._frames: list[bytes] = []
        self._size = 0
        self._scheduled = False
        self._aside: asyncio.TimerHandle | None = None
        self.has_aside = False
        """Whether frames were put aside of which nobody has said when they leave."""
        self._holding: dict[Sender, None] = {}
        self._waiting: dict[Sender, None] = {}
        self._paused = False
        self.window = DEFAULT_WINDOW
        """Bytes of DATA that the peer takes over the connection."""
        self.stream_window = DEFAULT_WINDOW
        """Bytes that it takes of each stream at first."""
        self._written = 0
        self._owes_table_size = self._has_told_table_size = False
        self.data_frames = 0
        """How many frames of DATA senders have put out."""
        self.held = 0
        """Bytes of DATA that the peer hasn't taken."""

    def put(self, frames: bytes) -> None:
        """Send frames with this turn's others."""
        if self._owes_table_size:
            frames = self._with_table_size(frames)
        self._frames.append(frames)
        self._size += len(frames)
        if not self._scheduled:
            self._schedule()

    def put_aside(self, frames: bytes) -> None:
        """Keep frames that need no write of their own, until `send_aside` says when they leave."""
        self._frames.append(frames)
        self._size += len(frames)
        self.has_aside = True

    def send_aside(self, *, wait: bool) -> None:
        """Send what was put aside with this turn's others.

        Args:
            wait: whether others will follow soon, and it may wait a moment to leave with them.

        """
        self.has_aside = False
        if self._scheduled:
            return
        if not wait:
            self._schedule()
        elif self._aside is None:
            self._aside = self._loop.call_later(_ASIDE_SECONDS, self._flush_aside)

    @property
    def count(self) -> int:
        """How often something was put out."""
        return self._written + len(self._frames)

    def room(self) -> int:
        """Return how many bytes of DATA may be put out now, as far as the connection is concerned."""
        return 0 if self._paused or self._size >= _ENOUGH else self.window

    def lower_table_size(self) -> None:
        """Have the next header block say that there is no dynamic table: it keeps less (RFC 7541, 4.2)."""
        if not self._has_told_table_size:
            self._owes_table_size = self._has_told_table_size = True

    def _with_table_size(self, frames: bytes) -> bytes:
        """Put that before the header block which frames begin with; return others as they are."""
        if frames[_TYPE] != HEADERS:
            return frames
        self._owes_table_size = False
        size = int.from_bytes(frames[:_TYPE], "big") + len(_NO_TABLE)
        return size.to_bytes(_TYPE, "big") + frames[_TYPE:HEADER_SIZE] + _NO_TABLE + frames[HEADER_SIZE:]

    def hold(self, sender: Sender, size: int) -> None:
        """Note that somebody has so many bytes more to send; they are sent when there is room, in turn."""
        self.held += size
        self._holding[sender] = None
        self.wake(sender)

    def release(self, sender: Sender, size: int, *, all_of_it: bool) -> None:
        """Note that somebody has so many bytes less to send."""
        self.held -= size
        if all_of_it:
            self._holding.pop(sender, None)
            self._waiting.pop(sender, None)

    def wake(self, sender: Sender) -> None:
        """Have somebody send again, whose stream's window was shut."""
        self._waiting[sender] = None
        if not self._scheduled:
            self._go_on()

    def stalled(self, since: float) -> Sequence[int]:
        """Return the streams with something to send of which the peer has taken nothing for so long."""
        return [sender.number for sender in self._holding if sender.since < since]

    def widen(self, more: int) -> None:
        """Take the peer's word that it takes more; raises Http2Error past the most there may be."""
        self.window += more
        if self.window > MAX_WINDOW:
            raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "the connection's window overflows")
        self._go_on()

    def set_stream_window(self, size: int) -> None:
        """Take the peer's word of its streams' first window (RFC 9113, 6.9.2); raises Http2Error."""
        self.stream_window = size
        for sender in list(self._holding):
            if not sender.fits():
                raise Http2Error(ErrorCode.FLOW_CONTROL_ERROR, "a stream's window overflows")
            self.wake(sender)

    def pause(self) -> None:
        """Put out no more DATA: the peer doesn't read what is written."""
        self._paused = True

    def resume(self) -> None:
        """Go on."""
        self._paused = False
        self._go_on()

    def put_at_once(self, frames: bytes) -> None:
        """Send frames without waiting for the turn's end."""
        if self._owes_table_size:
            frames = self._with_table_size(frames)
        if self._frames:
            self._frames.append(frames)
            self.flush()
        else:
            self._written += 1
            self._write(frames)
            self._go_on()

    def flush(self) -> None:
        """Write what was put out, without waiting for the turn's end."""
        if self._frames:
            frames, self._frames, self._size = self._frames, [], 0
            self._written += len(frames)
            self._write(b"".join(frames))
        self._go_on()

    def end(self) -> None:
        """Write nothing more."""
        self._write = _nowhere
        self._paused = True

    def _schedule(self) -> None:
        self._scheduled = True
        self._loop.call_soon(self._flush_as_scheduled)

    def _flush_aside(self) -> None:
        self._aside = None
        self.flush()

    def _flush_as_scheduled(self) -> None:
        self._go_on()  # a response's body leaves with its headers
        self._scheduled = False
        self.flush()

    def _go_on(self) -> None:
        """Let those who wait send, a frame each in turn."""
        waiting = self._waiting
        while waiting and self.room() > 0:
            sender = next(iter(waiting))
            del waiting[sender]
            if sender.send_frame():
                waiting[sender] = None


def _nowhere(_frames: bytes) -> None:
    """Take what is written to a connection that is closed."""
