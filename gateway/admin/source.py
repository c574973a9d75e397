"""What the admin address tells of: one gateway, or several workers as one."""

from typing import Protocol

from gateway.observe.call_record import CallsUnderWay
from gateway.observe.metrics.figures import Figures


class Source(Protocol):
    """A server as its operators see it."""

    async def figures(self) -> Figures:
        """Return the figures of all its metrics."""

    async def calls(self) -> CallsUnderWay:
        """Return the calls under way."""

    async def plan(self, statement: str) -> str | None:
        """Return PostgreSQL's plan of a statement, by its name; None where it wasn't seen, or has none."""

    async def is_ready(self) -> bool:
        """Whether it takes calls, and its database answers."""
