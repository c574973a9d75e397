"""Interleaved rounds: a slow minute of the machine meets every contender."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bench.results import Results, Sample

Measure = Callable[[float], Awaitable[Sample]]
"""Measures once; is told which share of the usual time to spend."""

_WARM_UP = 0.3
_TURN_SECONDS = 600
"""Seconds of a turn, at the most."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is measured once a round.

    Args:
        workload: what is done.
        contender: who does it.
        measure: does it.
        x: where on a curve; None where the workload is no curve.

    """

    workload: str
    contender: str
    measure: Measure
    x: float | None = None

    def __str__(self) -> str:
        return f"{self.workload}, {self.contender}" + ("" if self.x is None else f", at {self.x:,.0f}")


async def take_turns(results: Results, turns: Sequence[Turn], count: int, *, warm_up: bool = True) -> None:
    """Take every turn once a round; each round begins with another, and the one to warm up isn't kept.

    A turn that fails is left out from then on: the others go on.
    """
    going = list(turns)
    for number in range(0 if warm_up else 1, count + 1):
        first = number % max(len(going), 1)
        for turn in going[first:] + going[:first]:
            try:
                async with asyncio.timeout(_TURN_SECONDS):
                    sample = await turn.measure(1.0 if number else _WARM_UP)
            except Exception as error:  # noqa: BLE001 - whatever ails a contender, the others are measured
                going.remove(turn)
                results.fail(str(turn), error)
                continue
            if number:
                results.note(turn.workload, turn.contender, sample, turn.x)
