"""Memory of messages: bytes of requests and responses that a server holds, in all and by connection."""

from abc import ABC, abstractmethod
from collections import Counter

from gateway.errors import ResourceExhausted
from gateway.request.calls.bulkheads import share_of

SMALL = 64 * 1024
"""A response of no more bytes isn't counted, and never refused for what others hold."""
_RETRY_SECONDS = 1.0


class Memory(ABC):
    """Counts the bytes that calls hold, and refuses the call whose bytes would pass the limit.

    Nobody waits for another's bytes: those that wait for each other would all wait for their deadlines.

    Args:
        limit: bytes of all calls together. A connection has five eighths of it.

    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._share = share_of(limit)
        self._of: Counter[str] = Counter()
        self.held = 0
        """Bytes that are held."""

    def change(self, connection: str, more: int) -> None:
        """Count more bytes, or less; raises ResourceExhausted for more than there may be."""
        if more > 0:
            self._check(connection, more)
        self.count(connection, more)

    def count(self, connection: str, more: int) -> None:
        """Count more bytes, or less, however many there are: they are held already."""
        self.held += more
        self._of[connection] += more
        if not self._of[connection]:
            del self._of[connection]

    def _check(self, connection: str, more: int) -> None:
        if self.held + more > self._limit:
            raise self._too_much("server", self._limit)
        if connection and self._of[connection] + more > self._share:
            raise self._too_much("connection", self._share)

    @abstractmethod
    def _too_much(self, who: str, limit: int) -> ResourceExhausted:
        """Return the error of a call whose bytes would pass a limit."""


class RequestMemory(Memory):
    """Counts what is held of requests that have begun, from their first byte until their calls end.

    The bytes of a call that is refused are free at once: so however many uploads share the limit, one of them
    comes through.
    """

    def call(self, connection: str) -> "HeldBytes":
        """Return what a call of a connection holds: nothing yet; a connection without a name has no share."""
        return HeldBytes(self, connection)

    def _too_much(self, who: str, limit: int) -> ResourceExhausted:
        return ResourceExhausted(
            f"the {who} has its limit of {limit} bytes of requests under way",
            reason="TOO_MANY_REQUEST_BYTES",
            metadata={"limit_bytes": str(limit)},
            retry_delay=_RETRY_SECONDS,
        )


class ResponseMemory(Memory):
    """Counts what is held of responses: from when their rows are read until the client has taken them."""

    def _too_much(self, who: str, limit: int) -> ResourceExhausted:
        return ResourceExhausted(
            f"the {who} has its limit of {limit} bytes of responses under way, which clients haven't taken",
            reason="TOO_MANY_RESPONSE_BYTES",
            metadata={"limit_bytes": str(limit)},
            retry_delay=_RETRY_SECONDS,
        )


class HeldBytes:
    """Bytes that one call holds of its request.

    Args:
        memory: the server's.
        connection: by which it came.

    """

    __slots__ = ("_connection", "_memory", "_size")

    def __init__(self, memory: Memory, connection: str) -> None:
        self._memory = memory
        self._connection = connection
        self._size = 0

    def hold(self, size: int) -> None:
        """Hold so many bytes from now on; raises ResourceExhausted."""
        if size != self._size:
            self._memory.change(self._connection, size - self._size)
            self._size = size

    def release(self) -> None:
        """Hold nothing more."""
        if self._size:
            self.hold(0)
