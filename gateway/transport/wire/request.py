"""An HTTP request and its response, as a protocol sees them: the same over HTTP/1.1 and HTTP/2."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from gateway.auth.principal import Principal

if TYPE_CHECKING:
    from asyncio import Task

Header = tuple[bytes, bytes]
"""A name, in lower case, and a value."""


class Gone(Exception):  # noqa: N818 - it happened; it isn't our error
    """The client went away, or takes back its request."""


class HttpRequest(Protocol):
    """One request, and the way of its response.

    A response is either whole (`respond`), or has a beginning, pieces and an end (`start`, `write`, `end`).
    What waits raises Gone where the client has gone; who waits for something else hears of it by `when_gone`.

    Args:
        method: in capitals.
        path: as it was sent, percent-encoded, without the query.
        query: what stands behind the question mark, as it was sent; empty without one.
        headers: all but those that begin with a colon, in their order.
        header_bytes: the size of all headers, as HTTP/2 counts them (RFC 9113, 6.5.2).
        authority: the host that it names; empty where it names none.
        peer: the client's address as gRPC writes it, such as `ipv4:127.0.0.1:5000`.
        certificate: the client's, DER, as the TLS handshake has verified it; empty without one.
        principal: who asks, once that is known; None before, and where callers aren't identified.
        misdirected: whether it names a host that the server isn't called by.
        trailers: whether a response may have trailers that the client sees: over HTTP/2.
        duplex: whether its body and its response go both ways at once: over HTTP/2.
        task: in which it is answered; None where that isn't known.

    """

    method: str
    path: str
    query: str
    headers: Sequence[Header]
    header_bytes: int
    peer: str
    certificate: bytes
    principal: Principal | None
    misdirected: bool
    trailers: bool
    duplex: bool
    task: "Task[None] | None"

    @property
    def authority(self) -> str:
        """The host that it names."""

    def take_body(self, most: int) -> bytes | None:
        """Return the body, if all of it has come and it has no more bytes; else, and after, it is read."""

    async def read(self) -> bytes:
        """Return the next piece of the body, empty at its end; raises Gone.

        The client may send more when the next piece is asked for: so it isn't faster than its reader.
        """

    def when_gone(self, gone: Callable[[], object]) -> None:
        """Have `gone` called once, where the client goes away before the response has ended."""

    async def respond(self, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
        """Send a whole response; returns when the client has taken it. Raises Gone. A HEAD gets no body."""

    def start(self, status: int, headers: Sequence[Header]) -> None:
        """Send the beginning of a response."""

    async def write(self, piece: bytes) -> None:
        """Send a piece of its body; returns when the client has taken it. Raises Gone."""

    async def end(self, trailers: Sequence[Header] = ()) -> None:
        """Send its end; returns when the client has taken all. Raises Gone."""


Responder = Callable[[HttpRequest], Awaitable[None]]
"""Answers requests; raises nothing but CancelledError, and Gone where the client has gone."""
