"""Connections that nobody uses right now."""

import asyncio
from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.db.connections.connect import Connection
    from gateway.db.pool.connection_queue import Permit


class Member:
    """A connection of the pool.

    Args:
        connection: the driver's.
        generation: the pool's, when it was made.

    """

    __slots__ = ("connection", "generation", "idle_since", "permit")

    def __init__(self, connection: "Connection", generation: int) -> None:
        self.connection = connection
        self.generation = generation
        self.idle_since = 0.0
        """When it was last given back, on the event loop's clock."""
        self.permit: Permit | None = None
        """The permit that it was acquired with; None while it is idle."""


class Idle:
    """A stack: who was used last is used next, so that those that nobody needs are left alone, and dropped.

    Args:
        lifetime: seconds after which one is dropped; 0 for never.
        drop: told of each.

    """

    def __init__(self, lifetime: float, drop: Callable[[Member], object]) -> None:
        self._lifetime = lifetime
        self._drop = drop
        self._stack: list[Member] = []
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._stack)

    def push(self, member: Member) -> None:
        """Keep a connection until it is wanted, or its time is up."""
        member.idle_since = monotonic()
        self._stack.append(member)
        if self._timer is None and self._lifetime:
            self._wait_for(member)

    def pop(self) -> Member | None:
        """Return the whole connection that was used last; None without one. Broken ones are dropped."""
        while self._stack:
            member = self._stack.pop()
            if not member.connection.is_closed():
                return member
            self._drop(member)
        return None

    def clear(self) -> Sequence[Member]:
        """Take all."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        taken, self._stack = self._stack, []
        return taken

    def _drop_old(self) -> None:
        """Drop those whose time is up: they are at the bottom."""
        latest = monotonic() - self._lifetime
        old = [member for member in self._stack if member.idle_since <= latest]
        del self._stack[: len(old)]
        for member in old:
            self._drop(member)
        self._timer = None
        if self._stack:
            self._wait_for(self._stack[0])

    def _wait_for(self, oldest: Member) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_at(oldest.idle_since + self._lifetime, self._drop_old)
