"""The fast path of very many alike requests: none has a body, and none is an HttpRequest before its answer.

What their headers say is remembered with the headers' bytes. A request that is anything else goes the general
way; so does the response of a fast one that isn't like the others.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.transport.wire.caller_headers import CallerHeaders
from gateway.transport.wire.request import Header, Responder


@dataclass(frozen=True, slots=True, eq=False)
class AlikeResponses:
    """Whole responses that differ in one header's value, and in their bodies.

    Args:
        status: of HTTP.
        before: the headers before the one that differs.
        name: that one's.
        after: the headers after it.

    """

    status: int
    before: Sequence[Header]
    name: bytes
    after: Sequence[Header] = ()


class FastCall(ABC):
    """One call."""

    __slots__ = ()
    task: "asyncio.Task[None]"

    @abstractmethod
    def lose(self) -> None:
        """Note that the client went away."""

    @abstractmethod
    def stop(self) -> None:
        """Have it answer that the server stops."""


class FastTurn(Protocol):
    """The way back to the client, for as long as it is a call's turn.

    Args:
        peer: the client's address.
        certificate: the client's, DER; empty without one.
        loop: the event loop.

    """

    peer: str
    certificate: bytes
    loop: asyncio.AbstractEventLoop

    def finish(self, alike: AlikeResponses, value: bytes, body: bytes) -> bool:
        """Send the whole response, and go on; return False where it has to be written another way."""

    async def respond(self, respond: Responder) -> None:
        """Have the response written as that of a request; nothing where the client has gone."""


class FastHeaders(Protocol):
    """What the headers of a request say; the same for all requests that have them, so it never changes."""

    def with_header(self, name: bytes, value: bytes) -> "FastHeaders":
        """Return what they say with another value of a header; raises BadHeader."""

    def begin(
        self,
        turn: FastTurn,
        method: str,
        path: str,
        query: str,
        *,
        headers: Sequence[Header],
        told: CallerHeaders,
        now: float,
    ) -> FastCall | None:
        """Begin a call; return None for one that has to go the general way.

        Args:
            turn: the way back.
            method: of HTTP.
            path: without the query.
            query: without the question mark.
            headers: all of them, but for the caller's in HTTP/2.
            told: the caller's.
            now: when it came.

        """


ReadFast = Callable[[Sequence[Header]], FastHeaders | None]
"""Returns what headers say; None where their requests go the general way."""


def never_fast(_headers: Sequence[Header]) -> None:
    """Have all requests go the general way."""
