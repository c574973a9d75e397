"""The fast path of very many alike calls: no request object between frames and protocol.

What a call's headers say is remembered with the bytes of its header block; its message comes whole in one
frame after them. A call that is anything else goes the general way, as an HttpRequest.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.transport.wire.caller_headers import CallerHeaders
from gateway.transport.wire.http2.outgoing import Outgoing
from gateway.transport.wire.request import Header


class FastCall(Protocol):
    """One call, and its stream."""

    whole: bool
    """Whether the request is."""

    def take(self, payload: bytes, size: int) -> None:
        """Take the payload of a DATA frame that was `size` bytes with its padding; raises StreamError."""

    def take_end(self) -> None:
        """Note that the request is whole; raises StreamError."""

    def widen(self, more: int) -> None:
        """Take a WINDOW_UPDATE; raises StreamError."""

    def reset(self) -> None:
        """Take the peer's word that it wants no answer."""

    def stop(self) -> None:
        """Have it answer that the server stops."""


class FastConnection(Protocol):
    """The connection by which a call came.

    Args:
        outgoing: what leaves by it.
        peer: the client's address.
        certificate: the client's, DER; empty without one.
        loop: the event loop.

    """

    outgoing: Outgoing
    peer: str
    certificate: bytes
    loop: asyncio.AbstractEventLoop

    def finish(self, number: int, frames: bytes) -> None:
        """Put out all that answers a call whose request is whole, and let go of it."""

    def ended(self, number: int) -> None:
        """Let go of a call whose response has been put out."""

    def add(self, number: int, call: FastCall) -> None:
        """Count a call among those that are under way."""


class FastHeaders(Protocol):
    """What the headers of a call say, whoever makes it; the same for all that have them: it never changes."""

    def with_header(self, name: bytes, value: bytes) -> "FastHeaders":
        """Return what they say with another value of a header; raises BadHeader."""

    def begin(
        self,
        connection: FastConnection,
        number: int,
        body: bytes,
        headers: Sequence[Header],
        *,
        told: CallerHeaders,
        now: float,
    ) -> bool:
        """Answer a call whose body is whole; return False for one that has to go the general way.

        Args:
            connection: by which it came.
            number: the stream's.
            body: the request's.
            headers: its other headers.
            told: the caller's headers.
            now: when it came.

        """


class FastMethod(Protocol):
    """A method with such calls."""

    def read(self, method: str, headers: Mapping[bytes, bytes]) -> FastHeaders | None:
        """Return what a call's headers say; None for one that goes the general way."""
