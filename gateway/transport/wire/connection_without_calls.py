"""Connections that speak no HTTP yet: a server that stops has nothing to end or to wait for there."""

import asyncio


class ConnectionWithoutCalls(asyncio.Protocol):
    """A connection whose client makes a handshake, or hasn't sent its first bytes."""

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return True

    @property
    def calls(self) -> int:
        """How many requests are under way."""
        return 0

    @property
    def has_left(self) -> bool:
        """Whether the client has heard that it is to leave: it hasn't begun."""
        return True

    def leave(self) -> None:
        """Let the client begin: whoever connects meanwhile is answered too."""

    def break_off(self) -> None:
        """Have no calls."""
