"""The watch over statements: how long each took, told by its name, never with its values."""

import logging
from collections.abc import Awaitable, Mapping
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from gateway.observe.metrics.figures import SECONDS, Distribution
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from gateway.observe.traces import Traces

T = TypeVar("T")
_logger = logging.getLogger(__name__)


class _Known:
    """Statements of one name."""

    __slots__ = ("durations", "longest", "slowest")

    def __init__(self) -> None:
        self.durations = Distribution(SECONDS)
        self.longest = 0.0
        self.slowest: Statement | None = None


class StatementWatch:
    """Told of statements, at the cost of a look-up and a bisection for each.

    Args:
        traces: begins and ends the spans of statements; None where they aren't traced.
        slow: seconds past which a statement is logged; 0 for none.

    """

    def __init__(self, traces: "Traces | None" = None, slow: float = 0.0) -> None:
        self._traces = traces
        self._slow = slow or inf
        self._known: dict[str, _Known] = {}

    @property
    def durations(self) -> Mapping[str, Distribution]:
        """How long they took, in seconds, by name."""
        return {name: known.durations for name, known in self._known.items()}

    def slowest(self, name: str) -> Statement | None:
        """Return the statement of a name that has taken the longest: it may have several forms."""
        known = self._known.get(name)
        return None if known is None else known.slowest

    async def over(self, statement: Statement | str, call: Call, answer: Awaitable[T]) -> T:
        """Return what a statement answers, and note how long that took, also where it fails.

        Args:
            statement: or its name, where it has no other form.
            call: whose it is.
            answer: waits for it.

        """
        name = statement if isinstance(statement, str) else statement.name
        begun = monotonic()
        try:
            if self._traces is not None and call.spans:
                return await self._traced(self._traces, name, call, answer)
            return await answer
        finally:
            seconds = monotonic() - begun
            known = self._known.get(name)
            if known is None:
                known = self._known[name] = _Known()
            known.durations.add(seconds)
            if seconds > known.longest and not isinstance(statement, str):
                known.longest, known.slowest = seconds, statement
            if seconds > self._slow:
                self._tell(name, call, seconds)

    def _tell(self, name: str, call: Call, seconds: float) -> None:
        facts: dict[str, object] = {"statement": name, "duration_ms": round(seconds * 1000, 3)}
        facts["method"] = call.method
        if call.record is not None:  # else several calls share it, or it is the gateway's own
            facts |= {"request_id": call.record.request_id, "peer": call.record.peer}
            if call.record.principal:
                facts["principal"] = call.record.principal
        if self._traces is not None and call.spans:
            facts["trace_id"] = self._traces.trace_id(call.spans)
        _logger.warning("a statement was slow", extra=facts)

    async def _traced(self, traces: "Traces", name: str, call: Call, answer: Awaitable[T]) -> T:
        span = traces.begin_statement(name, call.spans)
        try:
            result = await answer
        except BaseException as error:
            traces.end_statement(span, error)
            raise
        traces.end_statement(span, None)
        return result

    def commented(self, text: str, call: Call) -> str:
        """Return a statement's text with the trace of its call: only for one that isn't kept prepared."""
        return text if self._traces is None else text + self._traces.comment(call.spans)


async def watched(
    watch: StatementWatch | None, statement: Statement | str, call: Call, answer: Awaitable[T]
) -> T:
    """Return what a statement answers; told to the watch, where there is one."""
    return await (answer if watch is None else watch.over(statement, call, answer))
