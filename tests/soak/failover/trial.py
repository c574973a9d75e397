"""Trials: a gateway over the cluster, its clients, some faults of the leader, and what they come to."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from statistics import median
from typing import Any

import click

from tests.db.bouncer import bouncer
from tests.db.servers import sql
from tests.harness.gateway import descriptors_of
from tests.harness.process import ServerProcess
from tests.harness.sample import free_port
from tests.soak.failover.calls import DEADLINE, Caller
from tests.soak.failover.cluster import DATABASE, Cluster
from tests.soak.failover.faults import FAULTS, Promotions
from tests.soak.failover.load import Known, Load, compared

GAP = 1.0
"""Seconds from a promotion to the first write that is acknowledged, at most."""
SLACK = 0.5
"""Seconds by which a call may be answered past its deadline: the processors run the cluster, too."""
_AFTERWARDS = 2.0
_PROMOTED_WITHIN = 60.0
_SETTINGS = {
    "log_level": "error",
    "log_access": "none",
    "drain_timeout": 1,
    "pool_size": 8,
    "transport": "http",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What a trial is run with.

    Args:
        synchronous: whether commits wait for a standby.
        pooler: the mode of a PgBouncer before each server; empty without.

    """

    synchronous: bool
    pooler: str = ""

    def __str__(self) -> str:
        """Return it for the eye."""
        mode = "synchronous" if self.synchronous else "asynchronous"
        return f"{mode}, PgBouncer by {self.pooler}" if self.pooler else mode


@dataclass(slots=True)
class Outcomes:
    """What trials came to.

    Args:
        faults: that were made, by their names and settings.
        acknowledged: how many writes were.
        open: of how many writes the outcome is unknown.
        reads: how many were answered.
        calls: of all kinds.
        longest: seconds that the longest call took.
        gaps: seconds from each promotion to the first write that was acknowledged after it.
        lost: acknowledged writes of synchronous trials that aren't there; of others, their number.
        back: reads of synchronous trials that saw less than was known before; of others, their number.
        doubled: writes that are there more than once.
        refused: writes that are there, and were said not to be.
        ends: calls by their code and reason.

    """

    faults: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    open: int = 0
    reads: int = 0
    calls: int = 0
    longest: float = 0.0
    gaps: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    lost_asynchronously: int = 0
    back: list[str] = field(default_factory=list)
    back_asynchronously: int = 0
    doubled: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    ends: Counter[str] = field(default_factory=Counter)

    def wrong(self) -> Sequence[str]:
        """Return what isn't as it has to be."""
        found = [
            *(f"lost: {one}" for one in self.lost),
            *(f"doubled: {one}" for one in self.doubled),
            *(f"refused, but there: {one}" for one in self.refused),
            *(f"read went back: {one}" for one in self.back),
        ]
        if self.longest > DEADLINE + SLACK:
            found.append(f"a call took {self.longest:.2f} s, by a deadline of {DEADLINE:g} s")
        return [*found, *(f"a gap of {gap:.2f} s" for gap in self.gaps if gap > GAP)]

    def __str__(self) -> str:
        """Return lines for the eye."""
        faults = ", ".join(f"{count} {name}" for name, count in sorted(self.faults.items()))
        gaps = f"median {median(self.gaps):.2f} s, longest {max(self.gaps):.2f} s" if self.gaps else "none"
        ends = ", ".join(f"{count} {end}" for end, count in self.ends.most_common())
        lines = (
            f"{self.faults.total()} faults of the leader: {faults}",
            f"{self.acknowledged} writes acknowledged, {self.open} of unknown outcome",
            f"lost: {len(self.lost)} in synchronous mode, {self.lost_asynchronously} in asynchronous",
            f"doubled: {len(self.doubled)}; there, though refused: {len(self.refused)}",
            f"{self.reads} reads",
            f"went back: {len(self.back)} in synchronous mode, {self.back_asynchronously} in asynchronous",
            f"{self.calls} calls by a deadline of {DEADLINE:g} s, the longest {self.longest:.2f} s: {ends}",
            f"from promotion to the first write acknowledged: {gaps}",
        )
        return "\n".join(lines)


class Trials:
    """Runs trials on one cluster.

    Args:
        cluster: it.
        chance: of all that is chosen.

    """

    def __init__(self, cluster: Cluster, chance: Random) -> None:
        self._cluster = cluster
        self._chance = chance
        self._numbers = 0
        self.outcomes = Outcomes()

    async def run(self, setting: Setting, faults: Sequence[str]) -> None:
        """Make faults, one after the other, in one setting; add what they come to."""
        await self._cluster.synchronous(on=setting.synchronous)
        await self._cluster.leader()
        self._numbers += 1
        known = Known(f"trial{self._numbers}")
        async with self._gateway(setting.pooler) as target, asyncio.TaskGroup() as group:
            caller = Caller(target)
            promotions = Promotions(self._cluster)
            watching = [group.create_task(one) for one in (promotions.watch(), caller.watch_itself())]
            load = Load(caller, known, self._chance)
            await load.begin()
            await load.run(self._break(setting, faults, known, promotions))
            for task in watching:
                task.cancel()
        self._count(setting, caller, known)
        await self._check(setting, known)

    async def _break(
        self, setting: Setting, faults: Sequence[str], known: Known, promotions: Promotions
    ) -> None:
        for fault in faults:
            leader = await self._cluster.leader()
            await promotions.after(0)
            await asyncio.sleep(self._chance.uniform(0, 1))
            acknowledged = asyncio.Event()
            gap = self._gap(known, promotions, acknowledged)
            await asyncio.gather(FAULTS[fault](self._cluster, leader, acknowledged.wait()), gap)
            self.outcomes.faults[f"{fault} ({setting})"] += 1
            click.echo(f"{fault} of {leader.name} ({setting}): gap {self.outcomes.gaps[-1]:.2f} s")
        await self._cluster.leader()

    async def _gap(self, known: Known, promotions: Promotions, over: asyncio.Event) -> None:
        """Measure the gap of the next promotion, and let the fault be over some time afterwards."""
        async with asyncio.timeout(_PROMOTED_WITHIN):
            await promotions.after(promotions.latest)
            self.outcomes.gaps.append(await known.acknowledged_after(promotions.at) - promotions.at)
        await asyncio.sleep(self._chance.uniform(0, _AFTERWARDS))
        over.set()

    @asynccontextmanager
    async def _gateway(self, pooler: str) -> AsyncIterator[str]:
        """Serve the cluster; give the gateway's address."""
        async with AsyncExitStack() as stack:
            places = []
            for node in self._cluster.nodes:
                port = node.places["clients"]
                if pooler:
                    folder = node.folder.parent / f"bouncer-{node.name}-{self._numbers}"
                    upstream = f"postgresql://postgres@/{DATABASE}?host=127.0.0.1&port={port}"
                    through = bouncer(folder, upstream, size=20, mode=pooler)
                    port = int(stack.enter_context(through).rpartition(":")[2].partition("/")[0])
                places.append(f"127.0.0.1:{port}")
            dsn = f"postgresql://postgres@{','.join(places)}/{DATABASE}"
            settings: dict[str, Any] = {**_SETTINGS, "dsn": dsn, "listen": f"127.0.0.1:{free_port()}"}
            if pooler:
                without = (
                    "statement_timeout",
                    "lock_timeout",
                    "idle_in_transaction_timeout",
                    "statement_cache_size",
                )
                settings |= dict.fromkeys(without, 0)
            server = await ServerProcess.start(descriptors_of("vault"), settings)
            stack.push_async_callback(server.stop)
            yield server.target

    def _count(self, setting: Setting, caller: Caller, known: Known) -> None:
        found = self.outcomes
        found.acknowledged += len(known.acknowledged_at)
        found.open += len(known.open - known.acknowledged) + known.open_changes.total()
        found.reads += known.reads
        found.calls += caller.ends.total()
        found.ends += caller.ends
        found.longest = max(found.longest, caller.longest)
        if setting.synchronous:
            found.back += known.back
        else:
            found.back_asynchronously += len(known.back)

    async def _check(self, setting: Setting, known: Known) -> None:
        """Compare what clients know with what the cluster keeps."""
        leader = await self._cluster.leader()
        members = await sql(leader.dsn, "SELECT element FROM member WHERE set_id = $1", known.name)
        cells = await sql(
            leader.dsn, "SELECT id, version FROM cell WHERE starts_with(id, $1)", f"{known.name}-"
        )
        found = compared(known, [element for (element,) in members], dict(cells))
        self.outcomes.doubled += found.doubled
        self.outcomes.refused += found.refused
        if setting.synchronous:
            self.outcomes.lost += found.lost
        else:
            self.outcomes.lost_asynchronously += len(found.lost)
