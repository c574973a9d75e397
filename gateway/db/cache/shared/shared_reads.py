"""Reads that look among the rows that gateways share, and what they read then, which is shared later.

That is once the primary was heard of. Until then another server may have become the primary, and have
answered: a row isn't known to have the position that it was read with, and who finds it couldn't tell.
"""

import asyncio
from sys import getsizeof
from time import monotonic
from typing import NamedTuple

from gateway.background_task import BackgroundTask
from gateway.db.cache.row_cache import Found
from gateway.db.cache.shared.shared_rows import SharedRows, Sought
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.request.calls.log_position import ANYWHERE

_PAUSE = 0.25
"""The primary is heard of so often."""
_MOST_BYTES = 8 * 2**20
"""So much of rows may wait; others aren't shared."""
_ENTRY_BYTES = 400
_TOGETHER = 64
"""So many go out before others: calls wait for what stands before them."""


class _Late(NamedTuple):
    """A row that is to be shared.

    Args:
        since: when it was read.
        sought: what was found of it before.
        found: as it was read.
        of_replica: whether a replica has answered.
        size: about how many bytes it takes.

    """

    since: float
    sought: Sought
    found: Found
    of_replica: bool
    size: int


class SharedReads:
    """Looks for rows, and shares others.

    Args:
        rows: that are shared.
        log: the primary's.

    """

    def __init__(self, rows: SharedRows, log: PrimaryLog) -> None:
        self.find = rows.find
        self.counts = rows.counts
        self._rows = rows
        self._log = log
        self._late: list[_Late] = []
        self._bytes = 0
        self._task = BackgroundTask("rows for the cache")

    def start(self) -> None:
        """Share what is offered from now on."""
        self._task.start(self._keep_sharing())

    async def stop(self) -> None:
        """Share no more. `stop` before `start`, and twice, is safe."""
        await self._task.stop()

    def offer(self, sought: Sought, found: Found, *, of_replica: bool) -> None:
        """Share a row later, if there is room for it, and the primary is the same then."""
        size = _ENTRY_BYTES + sum(map(getsizeof, found.row))
        if self._bytes + size <= _MOST_BYTES:
            self._late.append(_Late(monotonic(), sought, found, of_replica, size))
            self._bytes += size

    async def _keep_sharing(self) -> None:
        while True:
            await asyncio.sleep(_PAUSE)
            heard_at = self._log.heard_at
            known = [one for one in self._late if one.since < heard_at]
            self._late = [one for one in self._late if one.since >= heard_at]
            self._bytes = sum(one.size for one in self._late)
            for start in range(0, len(known), _TOGETHER):
                await self._share(known[start : start + _TOGETHER])

    async def _share(self, some: list[_Late]) -> None:
        asked = [
            self._rows.fill(one.sought, one.found, of_replica=one.of_replica)
            for one in some
            if self._is_known(one.found)
        ]
        if waiting := [one for one in asked if one is not None]:
            await asyncio.wait(waiting)

    def _is_known(self, found: Found) -> bool:
        """Return whether a row has its position: the primary is on the same timeline still."""
        latest = self._log.latest
        return latest is not None and found.position[:2] in (latest[:2], ANYWHERE[:2])
