"""Calls of clients that give up, go away and try again, and what their ends say about what was written."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol
from uuid import UUID

from tests.harness.client import RpcFailed

SECONDS = 2.0
"""A usual deadline."""
_OVERDUE_SECONDS = 10.0
_REFUSALS = {"ROW_NOT_FOUND", "ROWS_NOT_FOUND", "UNIQUE_VIOLATION", "ETAG_MISMATCH"}
"""Reasons that speak of the rows."""
_CHANGED_NOTHING = {"RESOURCE_EXHAUSTED", "ABORTED"}
_OPEN = {"DEADLINE_EXCEEDED", "CANCELLED", "UNAVAILABLE"}


class Target(Protocol):
    """A gateway that may be called."""

    async def call(self, method: str, fields: Mapping[str, Any], seconds: float) -> Any:
        """Call a method; raises RpcFailed."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that succeeded."""

    message: Any


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that changed nothing, as what is stored forbids it."""

    code: str


class Undone:
    """A call that changed nothing, and told nothing."""


class Open:
    """A call that may or may not have changed something, or may do it yet."""


End = Answered | Refused | Undone | Open


@dataclass(slots=True)
class Caller:
    """Calls gateways, each time one of them by chance.

    Args:
        targets: the gateways.
        chance: where the client's moods come from.
        rough: whether calls are cancelled, given too short a deadline, and repeated.
        ends: calls by their status and reason.
        strange: statuses that no fault explains.
        stuck: calls that outlived their deadline.

    """

    targets: Sequence[Target]
    chance: Random
    rough: bool = True
    ends: Counter[str] = field(default_factory=Counter)
    strange: Counter[str] = field(default_factory=Counter)
    stuck: list[str] = field(default_factory=list)

    async def call(self, method: str, fields: Mapping[str, Any]) -> End:
        """Call a method once."""
        seconds = SECONDS
        if self.rough and self.chance.random() < 0.05:
            seconds = self.chance.uniform(0.001, 0.03)
        calling = asyncio.ensure_future(self.chance.choice(self.targets).call(method, fields, seconds))
        if self.rough and self.chance.random() < 0.05:
            asyncio.get_running_loop().call_later(self.chance.uniform(0, 0.03), calling.cancel)
        done, _ = await asyncio.wait([calling], timeout=seconds + _OVERDUE_SECONDS)
        if not done:
            calling.cancel()
            self.stuck.append(f"{method} outlived its deadline")
            return Open()
        if calling.cancelled():
            self.ends["cancelled by the client"] += 1
            return Open()
        return self._end_of(method, calling)

    async def repeat(self, method: str, fields: Mapping[str, Any]) -> End:
        """Call a method with a request_id until it tells what became of it, or the client loses patience."""
        fields = {**fields, "request_id": str(UUID(int=self.chance.getrandbits(128), version=4))}
        doubtful = False
        for _ in range(6):
            end = await self.call(method, fields)
            if isinstance(end, Answered):
                return end
            if isinstance(end, Refused):
                # An earlier one may be under way yet, and find what this one didn't.
                return Open() if doubtful else end
            doubtful = doubtful or isinstance(end, Open)
            await asyncio.sleep(self.chance.uniform(0, 0.2))
        return Open() if doubtful else Undone()

    def _end_of(self, method: str, calling: "asyncio.Future[Any]") -> End:
        error = calling.exception()
        if error is None:
            self.ends["OK"] += 1
            return Answered(calling.result())
        assert isinstance(error, RpcFailed), error
        code = error.code.name
        self.ends[f"{code} {error.reason}".rstrip()] += 1
        if error.reason in _REFUSALS:
            return Refused(code)
        if code in _CHANGED_NOTHING or error.message.startswith("failed to connect"):
            return Undone()
        if code not in _OPEN and error.reason != "COMMIT_OUTCOME_UNKNOWN":
            self.strange[f"{method}: {error} {error.reason}"] += 1
        return Open()
