"""A request of HTTP without a connection: its body as it comes, and its response as it was sent."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from gateway.transport.wire.request import Header

if TYPE_CHECKING:
    from asyncio import Task

    from gateway.auth.principal import Principal

HOST = "gateway.example"


class RecordedRequest:
    """An HttpRequest of a test.

    Args:
        method: in capitals.
        target: its path, with or without a query.
        headers: by their names.
        body: the pieces that it comes in.

    """

    def __init__(
        self, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: Iterable[bytes] = ()
    ) -> None:
        self.method = method
        self.path, _, self.query = target.partition("?")
        self.headers: Sequence[Header] = [(name.encode(), value.encode()) for name, value in headers]
        self.header_bytes = sum(len(name) + len(value) + 32 for name, value in self.headers)
        self.authority, self.peer = HOST, "ipv4:127.0.0.1:5000"
        self.task: Task[None] | None = None
        self.principal: Principal | None = None
        self.misdirected = self.trailers = self.duplex = False
        self.certificate = b""
        self._body = iter(body)
        self.status = 0
        self.told: list[Header] = []
        self.pieces: list[bytes] = []
        self.ended: Sequence[Header] | None = None

    def take_body(self, most: int) -> None:
        """Return nothing at once: the body comes in pieces."""

    async def read(self) -> bytes:
        """Return the next piece of the body."""
        return next(self._body, b"")

    def when_gone(self, gone: Callable[[], object]) -> None:
        """Do nothing: this client stays."""

    async def respond(self, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
        """Record a whole response."""
        self.start(status, headers)
        await self.write(body)
        await self.end()

    def start(self, status: int, headers: Sequence[Header]) -> None:
        """Record the beginning of a response."""
        assert not self.status, "a response begins once"
        self.status = status
        self.told += headers

    async def write(self, piece: bytes) -> None:
        """Record a piece of its body."""
        assert self.status
        assert self.ended is None
        self.pieces.append(piece)

    async def end(self, trailers: Sequence[Header] = ()) -> None:
        """Record its end."""
        assert self.ended is None, "a response ends once"
        self.ended = tuple(trailers)

    def header(self, name: str) -> str | None:
        """Return a header of the response."""
        return next((value.decode() for key, value in self.told if key == name.encode()), None)

    @property
    def body(self) -> bytes:
        """The response's body."""
        return b"".join(self.pieces)
