"""A request that passes on another, with something changed."""

from collections.abc import Callable, Sequence

from gateway.transport.wire.request import Header, HttpRequest


class DecoratedRequest:
    """An HttpRequest that passes everything on; its subclasses change what they have to.

    Args:
        request: the one that it stands before.

    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self.method = request.method
        self.path = request.path
        self.query = request.query
        self.headers = request.headers
        self.header_bytes = request.header_bytes
        self.authority = request.authority
        self.peer = request.peer
        self.certificate = request.certificate
        self.principal = request.principal
        self.misdirected = request.misdirected
        self.trailers = request.trailers
        self.duplex = request.duplex
        self.task = request.task

    def take_body(self, most: int) -> bytes | None:
        """Return the body, if all of it has come and it has no more bytes."""
        return self._request.take_body(most)

    async def read(self) -> bytes:
        """Return the next piece of the body."""
        return await self._request.read()

    def when_gone(self, gone: Callable[[], object]) -> None:
        """Have `gone` called where the client goes away."""
        self._request.when_gone(gone)

    async def respond(self, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
        """Send a whole response."""
        await self._request.respond(status, headers, body)

    def start(self, status: int, headers: Sequence[Header]) -> None:
        """Send the beginning of a response."""
        self._request.start(status, headers)

    async def write(self, piece: bytes) -> None:
        """Send a piece of its body."""
        await self._request.write(piece)

    async def end(self, trailers: Sequence[Header] = ()) -> None:
        """Send its end."""
        await self._request.end(trailers)
