"""What arrives of a request's body, and how much more the peer may send (RFC 9113, 5.2)."""

import asyncio
from collections.abc import Callable

from gateway.transport.asgi.stream import Event
from gateway.transport.http2.faults import ErrorCode, StreamFault
from gateway.transport.http2.frames import window_update

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

    def give_back(self, size: int) -> None:
        """Note bytes that are used; the peer is told by and by."""
        self._owed += size
        if self._owed * 2 >= self._size:
            self._put(window_update(self._number, self._owed))
            self._left += self._owed
            self._owed = 0


class Incoming:
    """The body of one request, as the events of ASGI.

    An event's bytes are used when the next event is asked for: until then nobody else counts them, as one is
    asked for ahead of whoever needs it.

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
        "_told",
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
        self._waiting: asyncio.Future[Event] | None = None
        self._gone = self._told = False
        self.whole = False

    def take(self, payload: bytes, size: int) -> None:
        """Take the payload of a DATA frame that was `size` bytes with its padding; raises StreamFault."""
        self._check_open()
        self._arrived += len(payload)
        self._held += size
        self._pieces.append(payload)
        if not self._window.take(size):
            raise StreamFault(ErrorCode.FLOW_CONTROL_ERROR, "more than the stream's window")
        self._settle()

    def end(self) -> None:
        """Note that the request is whole; raises StreamFault where its length isn't what was promised."""
        self._check_open()
        if self._length not in (None, self._arrived):
            raise StreamFault(ErrorCode.PROTOCOL_ERROR, "a body that isn't as long as content-length says")
        self.whole = True
        self._settle()

    def receive(self) -> "asyncio.Future[Event]":
        """Return ASGI's next event; after the last piece it comes when the peer has gone."""
        self._give_back()
        self._waiting = asyncio.get_running_loop().create_future()
        self._settle()
        return self._waiting

    def disconnect(self) -> None:
        """Note that the peer has gone."""
        self._gone = True
        self._pieces.clear()
        self._connection.give_back(self._held + self._given)
        self._held = self._given = 0
        self._settle()

    def _check_open(self) -> None:
        if self.whole:
            raise StreamFault(ErrorCode.STREAM_CLOSED, "more after the end of the request")

    def _settle(self) -> None:
        """Hand what there is to whoever waits for it."""
        waiting = self._waiting
        if waiting is None or waiting.done():
            return
        if self._gone:
            waiting.set_result({"type": "http.disconnect"})
        elif self._pieces or (self.whole and not self._told):
            waiting.set_result(self._next())

    def _next(self) -> Event:
        body, self._pieces = b"".join(self._pieces), []
        self._held, self._given = 0, self._held
        self._told = self.whole
        return {"type": "http.request", "body": body, "more_body": not self.whole}

    def _give_back(self) -> None:
        """Let the peer send as much as the last event had."""
        if self._given:
            self._connection.give_back(self._given)
            if not self.whole:
                self._window.give_back(self._given)
            self._given = 0
