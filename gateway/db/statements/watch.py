"""The watch over statements: how long each took, told by its name, never with its values."""

from collections.abc import Awaitable
from time import monotonic
from typing import TypeVar

from gateway.observe.metrics.figures import SECONDS, Distribution
from gateway.request.call import Call
from gateway.sql.statement import Statement

T = TypeVar("T")


class StatementWatch:
    """Told of statements, at the cost of a look-up and a bisection for each."""

    def __init__(self) -> None:
        self.durations: dict[str, Distribution] = {}
        """How long they took, in seconds, by name."""

    async def over(self, statement: Statement | str, call: Call, answer: Awaitable[T]) -> T:  # noqa: ARG002 - traces
        """Return what a statement answers, and note how long that took, also where it fails.

        Args:
            statement: or its name, where it has no other form.
            call: whose it is.
            answer: waits for it.

        """
        begun = monotonic()
        try:
            return await answer
        finally:
            name = statement if isinstance(statement, str) else statement.name
            durations = self.durations.get(name)
            if durations is None:
                durations = self.durations[name] = Distribution(SECONDS)
            durations.add(monotonic() - begun)


async def watched(
    watch: StatementWatch | None, statement: Statement | str, call: Call, answer: Awaitable[T]
) -> T:
    """Return what a statement answers; told to the watch, where there is one."""
    return await (answer if watch is None else watch.over(statement, call, answer))
