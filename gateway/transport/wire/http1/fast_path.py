"""The fast path of very many alike requests: none has a body, and none is an HttpRequest before its answer.

What their headers say is remembered with the headers' bytes. A request that is anything else goes the general
way; so does the response of a fast one that isn't like the others.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.transport.wire.http1.body import NO_BODY
from gateway.transport.wire.request import Header, Responder


class FastCall(ABC):
    """One call. Its connection sees in it a request whose body is whole and whose response hasn't begun."""

    __slots__ = ()
    body = NO_BODY
    is_begun = is_awaited = False
    task: "asyncio.Task[None]"

    @abstractmethod
    def lose(self) -> None:
        """Note that the client went away."""

    @abstractmethod
    def stop(self) -> None:
        """Have it answer that the server stops."""


class FastTurn(Protocol):
    """The connection, for as long as it is a call's turn.

    Args:
        peer: the client's address.
        certificate: the client's, DER; empty without one.
        loop: the event loop.

    """

    peer: str
    certificate: bytes
    loop: asyncio.AbstractEventLoop

    def finish(self, response: bytes) -> bool:
        """Send the whole response, and go on; return False where it has to be written another way."""

    async def respond(self, respond: Responder) -> None:
        """Have the response written as that of a request; nothing where the client has gone."""


class FastHeaders(Protocol):
    """What the headers of a request say; the same for all requests that have them, so it never changes."""

    def begin(self, turn: FastTurn, method: str, path: str, query: str, now: float) -> FastCall | None:
        """Begin a call; return None for one that has to go the general way."""


ReadFast = Callable[[Sequence[Header]], FastHeaders | None]
"""Returns what headers say; None where their requests go the general way."""


def never_fast(_headers: Sequence[Header]) -> None:
    """Have all requests go the general way."""
