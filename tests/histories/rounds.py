"""Rounds of histories: some objects, clients that work on them, and a fault meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.histories.calling import Caller
from tests.histories.checking import Verdict, check
from tests.histories.cluster import Cluster
from tests.histories.faults import FAULTS, Fault
from tests.histories.objects import KINDS, Object

_CLIENTS = 3
"""Of each object."""
_PAUSE = 0.06
"""The longest pause of a client between two calls: a history lasts about as long as a fault."""
_LATEST_FAULT = 0.4


@dataclass(slots=True)
class Outcomes:
    """What all rounds found.

    Args:
        histories: how many were checked.
        operations: in them.
        open: of which the outcome was never told.
        longest: seconds that the checker took for one.
        wrong: histories that are illegal or undecided.
        stuck: calls and objects that didn't come back.
        strange: statuses that no fault explains.
        ends: calls by their status and reason.

    """

    histories: int = 0
    operations: int = 0
    open: int = 0
    longest: float = 0.0
    wrong: list[Verdict] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    strange: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)

    def faults(self) -> Sequence[str]:
        """Return what is not as it has to be."""
        wrong = [f"{one.name} is {one.verdict}: {one.picture}" for one in self.wrong]
        strange = [f"{count} times {status}" for status, count in self.strange.items()]
        return [*wrong, *self.stuck, *strange]

    def __str__(self) -> str:
        """Return a line for the eye."""
        counts = Counter(one.verdict for one in self.wrong)
        ends = ", ".join(f"{count} {end}" for end, count in self.ends.most_common())
        return (
            f"{self.histories} histories of {self.operations} operations, {self.open} of them open: "
            f"{counts['illegal']} illegal, {counts['undecided']} undecided, {len(self.stuck)} stuck, "
            f"{sum(self.strange.values())} of a strange status; "
            f"the longest check took {self.longest:.2f} s; calls: {ends}"
        )


class Rounds:
    """Makes rounds and checks their histories.

    Args:
        cluster: what is called and broken.
        checker: the program that checks.
        pictures: a folder for what is not legal.
        chance: where all random choices come from.
        each: objects of each kind in a round.

    """

    def __init__(self, cluster: Cluster, checker: Path, pictures: Path, chance: Random, each: int) -> None:
        self._cluster = cluster
        self._checker = checker
        self._pictures = pictures
        self._chance = chance
        self._each = each
        self._number = 0
        self.tally = Outcomes()

    async def run(self, fault: str) -> None:
        """Make one round under a fault, and check its histories."""
        self._number += 1
        caller = Caller(self._cluster.nodes, self._chance)
        kinds = [(kind, i) for kind in KINDS for i in range(self._each)]
        objects: list[Object] = [
            kind(f"{self._number}-{kind.__name__.lower()}-{i}", caller) for kind, i in kinds
        ]
        await work(objects, self._chance, self._break(FAULTS[fault]))
        caller.rough = False
        alive = await asyncio.gather(*(one.is_alive() for one in objects))
        dead = [one.history.name for one, lives in zip(objects, alive, strict=True) if not lives]
        self.tally.stuck += [*caller.stuck, *(f"{name} can't be written after: {fault}" for name in dead)]
        self.tally.strange.update({f"{end}, under: {fault}": n for end, n in caller.strange.items()})
        self.tally.ends += caller.ends
        await self._check(objects)

    async def _break(self, fault: Fault) -> None:
        await asyncio.sleep(self._chance.uniform(0, _LATEST_FAULT))
        await fault(self._cluster, self._chance)

    async def _check(self, objects: Sequence[Object]) -> None:
        histories = [one.history for one in objects]
        for verdict in await check(self._checker, histories, self._pictures):
            self.tally.longest = max(self.tally.longest, verdict.seconds)
            if verdict.verdict != "legal":
                self.tally.wrong.append(verdict)
        self.tally.histories += len(histories)
        self.tally.operations += sum(len(history.operations) for history in histories)
        self.tally.open += sum(history.open for history in histories)


async def work(objects: Sequence[Object], chance: Random, fault: Awaitable[None]) -> None:
    """Work on objects until their histories are full and the fault is over."""

    async def client(one: Object, number: int) -> None:
        while not one.finished:
            await one.step(number)
            await asyncio.sleep(chance.uniform(0, _PAUSE))

    clients = [client(one, number) for one in objects for number in range(_CLIENTS)]
    await asyncio.gather(fault, *clients)
