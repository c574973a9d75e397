"""Request bodies as they arrive, and the windows that bound them (RFC 9113, 5.2)."""

import asyncio
from collections.abc import Callable

from gateway.transport.wire.http2.errors import ErrorCode, StreamError
from gateway.transport.wire.http2.frames import window_update
from gateway.transport.wire.request import Gone

STREAM_WINDOW = 1024 * 1024
CONNECTION_WINDOW = 4 * 1024 * 1024


class Window:
    """Bytes that the peer may send: over the connection, or on one stream.

    Args:
        put: sends frames.
        number: the stream's; 0 for the connection.
        size: bytes that may be here and not used yet.

    """

    __slots__ = ("_left", "_number", "_owed", "_put", "_size")

    def __init__(self, put: Callable[[bytes], None], number: int, size: int) -> None:
        self._put = put
        self._number = number
        self._left = self._size = size
        self._owed = 0

    def take(self, size: int) -> bool:
        """Note bytes that have arrived; return whether they were allowed."""
        self._left -= size
        return self._left >= 0

    @property
    def is_full(self) -> bool:
        """Whether the peer may send nothing until it is told."""
        return self._left <= 0

    def give_back(self, size: int) -> None:
        """Note bytes that are used; the peer is told by and by."""
        self._owed += size
        if self._owed * 2 >= self._size:
            self._put(window_update(self._number, self._owed))
            self._left += self._owed
            self._owed = 0


class RequestBody:
    """The body of one request, in pieces.

    A piece is used when the next one is asked for: until then the peer may send nothing in its place.

    Args:
        put: sends frames.
        number: the stream's.
        connection: the connection's window.
        length: the length that the headers promise; None without.

    """

    __slots__ = (
        "_arrived",
        "_connection",
        "_given",
        "_gone",
        "_held",
        "_length",
        "_pieces",
        "_waiting",
        "_window",
        "whole",
    )

    def __init__(
        self, put: Callable[[bytes], None], number: int, connection: Window, length: int | None
    ) -> None:
        self._window = Window(put, number, STREAM_WINDOW)
        self._connection = connection
        self._length = length
        self._arrived = 0
        self._pieces: list[bytes] = []
        self._held = self._given = 0
        self._waiting: asyncio.Future[None] | None = None
        self._gone = False
        self.whole = False

    def take(self, payload: bytes, size: int) -> None:
        """Take the payload of a DATA frame that was `size` bytes with its padding; raises StreamError."""
        self._check_open()
        self._arrived += len(payload)
        if self._gone:
            self._connection.give_back(size)
        else:
            self._held += size
        if not self._window.take(size):
            raise StreamError(ErrorCode.FLOW_CONTROL_ERROR, "more than the stream's window")
        if payload and not self._gone:
            self._pieces.append(payload)
            self._wake()

    def end(self) -> None:
        """Note that the request is whole; raises StreamError where its length isn't what was promised."""
        self._check_open()
        if self._length not in (None, self._arrived):
            raise StreamError(ErrorCode.PROTOCOL_ERROR, "a body that isn't as long as content-length says")
        self.whole = True
        self._wake()

    def take_all(self, most: int) -> bytes | None:
        """Return the body, if all of it has come and it has no more bytes; else, and after, it is read."""
        if not self.whole or self._gone or self._arrived > most:
            return None
        piece = self._taken()
        self._give_back()
        return piece

    async def read(self) -> bytes:
        """Return the next piece, empty after the last; raises Gone."""
        self._give_back()
        if not (self._pieces or self.whole or self._gone):
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        if self._gone:
            raise Gone
        return self._taken()

    @property
    def is_full(self) -> bool:
        """Whether the peer may send no more before some is used."""
        return self._window.is_full

    def disconnect(self) -> None:
        """Note that the peer has gone, or has its answer: what still comes is dropped."""
        self._gone = True
        self._pieces.clear()
        self._connection.give_back(self._held + self._given)
        self._held = self._given = 0
        self._wake()

    def _taken(self) -> bytes:
        """Return what has arrived; it is used when more is asked for."""
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._held, self._given = 0, self._held
        return piece

    def _check_open(self) -> None:
        if self.whole:
            raise StreamError(ErrorCode.STREAM_CLOSED, "more after the end of the request")

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _give_back(self) -> None:
        """Let the peer send as much as the last piece had."""
        if self._given:
            self._connection.give_back(self._given)
            if not self.whole:
                self._window.give_back(self._given)
            self._given = 0
