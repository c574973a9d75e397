"""Clients that write and read while the leader fails, and what they know: Jepsen's discipline.

Each acknowledged write has to be there once and only once, one of unknown outcome at most once, a refused one
not at all; and who reads sees nothing older than what anybody had read, or was acknowledged, before that.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from uuid import UUID

from tests.soak.failover.calls import Caller, End

CELLS = "vault.v1.CellService"
MEMBERS = "vault.v1.MemberService"
_ATTEMPTS = 20
"""Of one request_id, until its client gives up."""
_BULK = 20


@dataclass(slots=True)
class Known:
    """What the clients of one trial were told.

    Args:
        name: unlike other trials': of what they write.
        acknowledged: elements that were written.
        open: elements that may have been.
        versions: the latest version of each cell that was acknowledged or read.
        changes: how often each cell was changed, and acknowledged to be.
        open_changes: how often each may have been changed beyond that.
        reads: how many there were.
        back: reads that saw less than was known before they began.
        acknowledged_at: when each write was acknowledged, by the event loop's clock.

    """

    name: str
    acknowledged: set[str] = field(default_factory=set)
    open: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    versions: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    open_changes: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    back: list[str] = field(default_factory=list)
    acknowledged_at: list[float] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def acknowledge(self) -> None:
        """Take note of a write that was acknowledged now."""
        self.acknowledged_at.append(asyncio.get_running_loop().time())
        self._news.set()

    async def acknowledged_after(self, moment: float) -> float:
        """Return when the first write was acknowledged after a moment, on the event loop's clock."""
        while not self.acknowledged_at or self.acknowledged_at[-1] < moment:
            self._news.clear()
            await self._news.wait()
        return next(at for at in self.acknowledged_at if at >= moment)

    def told(self, elements: Sequence[str], end: End, *, doubtful: bool) -> None:
        """Take note of what was said of the elements that a call wrote.

        Args:
            elements: they.
            end: of the call.
            doubtful: whether an earlier call of the same request may have written them.

        """
        if end.code == "ok":
            self.acknowledged.update(elements)
            self.acknowledge()
        elif end.is_open or doubtful:
            self.open.update(elements)
        else:
            self.refused.update(elements)


@dataclass(frozen=True, slots=True)
class Compared:
    """What clients know, compared with what a cluster keeps.

    Args:
        lost: acknowledged writes that aren't there.
        doubled: writes that are there more than once.
        refused: writes that are there, and were said not to be.

    """

    lost: Sequence[str]
    doubled: Sequence[str]
    refused: Sequence[str]


def compared(known: Known, elements: Iterable[str], versions: Mapping[str, int]) -> Compared:
    """Compare what is known with the elements of the set, and the versions of the cells by their ids."""
    there = Counter([*elements, *versions])
    lost = sorted(known.acknowledged - there.keys())
    doubled = sorted(one for one, count in there.items() if count > 1)
    for cell, changes in known.changes.items():
        version = versions.get(cell, 0)
        if version < changes:
            lost.append(f"{changes - version} changes of {cell}")
        if version > changes + known.open_changes[cell]:
            doubled.append(
                f"{cell} at {version} by {changes} changes and {known.open_changes[cell]} open ones"
            )
    refused = (known.refused - known.acknowledged - known.open) & there.keys()
    return Compared(lost, doubled, sorted(refused))


class Load:
    """The clients of one trial.

    Args:
        caller: calls the gateway.
        known: what they are told.
        chance: of moments and choices.

    """

    def __init__(self, caller: Caller, known: Known, chance: Random) -> None:
        self._caller = caller
        self._known = known
        self._chance = chance
        self._numbers = itertools.count()
        self._cells = [f"{known.name}-cell{number}" for number in range(4)]
        self._is_over = False
        once = [self._add_once, self._add_once, self._bulk_once, self._change_once]
        plain = [self._add, self._add, self._change, self._change, self._read, self._read, self._read]
        self._clients: Sequence[Callable[[], Awaitable[None]]] = [*plain, *once]

    async def begin(self) -> None:
        """Create the cells."""
        for cell in self._cells:
            end = await self._caller.call(f"{CELLS}/CreateCell", {"cell": {"id": cell, "value": "0"}})
            assert end.code == "ok", end
            self._known.versions[cell] = int(end.body["version"])
            self._known.changes[cell] = self._known.versions[cell]

    async def run(self, fault: Awaitable[None]) -> None:
        """Call until the fault is over."""
        async with asyncio.TaskGroup() as group:
            for client in self._clients:
                group.create_task(self._work(client))
            try:
                await fault
            finally:
                self._is_over = True

    async def _work(self, client: Callable[[], Awaitable[None]]) -> None:
        while not self._is_over:
            await client()
            await asyncio.sleep(self._chance.uniform(0.01, 0.05))

    async def _add(self) -> None:
        element = self._new()
        fields = {"member": {"setId": self._known.name, "element": element}}
        end = await self._caller.call(f"{MEMBERS}/CreateMember", fields)
        self._known.told([element], end, doubtful=False)

    async def _add_once(self) -> None:
        element = self._new()
        await self._once(
            f"{MEMBERS}/CreateMember", {"member": {"setId": self._known.name, "element": element}}, [element]
        )

    async def _bulk_once(self) -> None:
        elements = [f"{self._known.name}-{self._new()}" for _ in range(_BULK)]
        await self._once(
            f"{CELLS}/BulkUpsertCells", {"cells": [{"id": one, "value": "1"} for one in elements]}, elements
        )

    async def _once(self, method: str, fields: dict[str, object], elements: Sequence[str]) -> End:
        """Repeat a request until it is answered, or its client gives up; take note of what it wrote."""
        request = {**fields, "requestId": str(UUID(int=self._chance.getrandbits(128), version=4))}
        doubtful = False
        for _ in range(_ATTEMPTS):
            end = await self._caller.call(method, request)
            if end.code == "ok":
                break
            doubtful = doubtful or end.is_open
            await asyncio.sleep(self._chance.uniform(0.02, 0.2))
        self._known.told(elements, end, doubtful=doubtful)
        return end if end.code == "ok" or not doubtful else End("unknown", {})

    async def _change(self) -> None:
        cell = self._chance.choice(self._cells)
        end = await self._caller.call(f"{CELLS}/UpdateCell", self._changed(cell))
        self._changed_by(cell, end)

    async def _change_once(self) -> None:
        cell = self._chance.choice(self._cells)
        self._changed_by(cell, await self._once(f"{CELLS}/UpdateCell", self._changed(cell), []))

    def _changed(self, cell: str) -> dict[str, object]:
        return {"cell": {"id": cell, "value": str(next(self._numbers))}, "updateMask": "value"}

    def _changed_by(self, cell: str, end: End) -> None:
        known = self._known
        if end.code == "ok":
            known.changes[cell] += 1
            known.versions[cell] = max(known.versions[cell], int(end.body["version"]))
            known.acknowledge()
        elif end.is_open:
            known.open_changes[cell] += 1

    async def _read(self) -> None:
        cell, known = self._chance.choice(self._cells), self._known
        before = known.versions[cell]
        end = await self._caller.call(f"{CELLS}/GetCell", {"id": cell})
        if end.code != "ok":
            return
        known.reads += 1
        version = int(end.body["version"])
        if version < before:
            known.back.append(f"{cell} at {version} after {before}")
        known.versions[cell] = max(known.versions[cell], version)

    def _new(self) -> str:
        return str(next(self._numbers))
