"""The output of a connection: one write for a turn of the event loop, as fast as the peer takes it."""

import asyncio
from time import monotonic

from gateway.transport.wire.request import Gone

_ENOUGH = 64 * 1024
"""Bytes that are gathered for one write."""


class Output:
    """Bytes that wait for the end of this turn, and those who wait for the peer to take what was written.

    Args:
        transport: the connection's.

    """

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._pieces: list[bytes] = []
        self._size = 0
        self._is_scheduled = False
        self._is_over = False
        self._taken: asyncio.Future[None] | None = None
        """Set while the peer doesn't take what is written."""
        self._left = 0
        self._stalled_since = 0.0

    def put(self, *pieces: bytes) -> None:
        """Send with what else this turn sends."""
        self._pieces += pieces
        self._size += sum(map(len, pieces))
        if not self._is_scheduled:
            self._is_scheduled = True
            self._loop.call_soon(self._flush_as_scheduled)

    def flush(self) -> None:
        """Send now: there is nothing else to come."""
        if self._pieces and not self._is_over:
            pieces, self._pieces, self._size = self._pieces, [], 0
            self._transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def send(self, piece: bytes) -> None:
        """Send now, after what was put."""
        if self._pieces:
            self._pieces.append(piece)
            self.flush()
        elif not self._is_over:
            self._transport.write(piece)

    @property
    def is_free(self) -> bool:
        """Whether nobody need wait for the peer."""
        return self._taken is None and not self._is_over

    async def taken(self) -> None:
        """Wait until the peer has taken what was sent, but for what its buffers hold; raises Gone."""
        if self._is_over:
            raise Gone
        if self._size >= _ENOUGH:
            self.flush()
        if self._taken is not None:
            await asyncio.shield(self._taken)

    def pause(self) -> None:
        """Note that the peer doesn't take what is written."""
        if not self._is_over:
            self._taken = self._loop.create_future()
            self._left, self._stalled_since = self._transport.get_write_buffer_size(), monotonic()

    def resume(self) -> None:
        """Note that it took it."""
        taken, self._taken = self._taken, None
        if taken is not None:
            taken.set_result(None)

    def end(self) -> None:
        """Send nothing more; what was written is still sent, if the peer takes it."""
        self._is_over = True
        self._pieces.clear()

    def lose(self) -> None:
        """Tell those who wait that the peer is gone."""
        self.end()
        taken, self._taken = self._taken, None
        if taken is not None:
            taken.set_exception(Gone())
            taken.exception()

    def is_stalled(self, since: float) -> bool:
        """Whether the peer has taken nothing since then, though there is something to take."""
        if self._taken is None:
            return False
        left = self._transport.get_write_buffer_size()
        if left < self._left:
            self._left, self._stalled_since = left, monotonic()
        return self._stalled_since < since

    def _flush_as_scheduled(self) -> None:
        self._is_scheduled = False
        self.flush()
