"""Calls that share statements, with a fault at any call or await of gateway/db/coalesce."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gateway.db.coalesce
from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce import KeyRead, PointReads
from gateway.errors import Internal, InvalidArgument, OutcomeUnknown
from gateway.sql.statement import Statement
from tests.db.coalesce.coalesced_reads import CALL
from tests.db.coalesce.coalesced_writes import (
    ACCOUNTS,
    HANDED_BACK,
    CoalescedWrites,
    make_accounts,
    open_writes,
)
from tests.faults.late import Injected
from tests.faults.opcodes import AWAITS, CALLS, Fault, Site, Tracer
from tests.harness.databases import Open

ACTS = ("exception", "cancellation")
FOLDER = Path(gateway.db.coalesce.__file__).parent
_ROWS = 6
_BOUNDS: dict[str, Any] = {"max_concurrent_batches": 2, "max_delay": 0.0005, "max_batch_size": 4}
_SECONDS = 60.0
# Rows that are changed several times, one that is refused, one that isn't there, one whose caller leaves.
_CHANGES = [(0, 1), (1, 1), (2, 1), (0, 2), (3, -1), (99, 1), (1, 2), (4, 1), (2, 2), (0, 3), (5, 1), (5, 2)]
_LEAVES = 7


def _read() -> KeyRead:
    single = f'SELECT "limit" FROM {ACCOUNTS} WHERE number = $1'  # noqa: S608 - the test's own names
    many = (
        'SELECT n, "limit" FROM unnest($1::int[]) WITH ORDINALITY AS k(number, n) '  # noqa: S608 - as above
        f"JOIN {ACCOUNTS} AS a USING (number)"
    )
    return KeyRead(
        Statement(single, ("number",), (), writes=False, name="read", constants={}),
        Statement(many, ("number",), (), writes=False, name="read many", constants={}),
    )


class BatchQueues:
    """Accounts that are changed and read."""

    def __init__(self, coalesced: CoalescedWrites) -> None:
        self._coalesced = coalesced
        self._reads = PointReads(coalesced.executor, CoalesceSettings(**_BOUNDS))
        self._read = _read()

    @classmethod
    async def open(cls, dsn: str, open_database: Open) -> "BatchQueues":
        """Make the accounts in an empty database."""
        await make_accounts(dsn, _ROWS)
        return cls(await open_writes(dsn, open_database, **_BOUNDS))

    async def sites(self) -> dict[Site, int]:
        """Return the calls and awaits that a run comes by, and how often."""
        tracer = Tracer([FOLDER], CALLS | AWAITS)
        with tracer.tracing():
            await self._calls()
        return tracer.seen

    async def fails(self, fault: Fault) -> str:
        """Run with a fault; return what is wrong afterwards, empty where nothing is."""
        before = await self._coalesced.stored()
        try:
            with Tracer([FOLDER], CALLS | AWAITS, fault).tracing():
                told = await self._calls()
        except TimeoutError:
            return f"{fault}: a caller hangs"
        after = await self._coalesced.stored()
        wrong = [*_wrong(told, before, after)]
        if self._coalesced.writes.in_use or self._reads.in_use:
            wrong.append("something is left")
        try:
            await asyncio.wait_for(self._coalesced.change(3, 5), _SECONDS)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            wrong.append(f"the next call fails: {error!r}")
        return f"{fault}: {'; '.join(wrong)}" if wrong else ""

    async def _calls(self) -> list[tuple[int, Any]]:
        """Return each change's row and outcome."""
        changes = [asyncio.create_task(self._coalesced.change(number, limit)) for number, limit in _CHANGES]
        reads = [asyncio.create_task(self._reads.fetch(self._read, [n], CALL)) for n in (0, 1, 99, 2, 1)]
        for _ in range(3):
            await asyncio.sleep(0)
        for task in (changes[_LEAVES], reads[-1]):
            task.cancel()
        found = await asyncio.wait_for(asyncio.gather(*changes, return_exceptions=True), _SECONDS)
        await asyncio.wait_for(asyncio.gather(*reads, return_exceptions=True), _SECONDS)
        return [(number, told) for (number, _), told in zip(_CHANGES, found, strict=True)]


def _wrong(told: Sequence[tuple[int, Any]], before: Any, after: Any) -> Iterator[str]:
    """Yield what is stored and wasn't told as done or unknown, and what was told as done and isn't stored."""
    done, unknown = Counter[int](), Counter[int]()
    for number, outcome in told:
        if isinstance(outcome, tuple):
            done[number] += 1
        elif isinstance(outcome, OutcomeUnknown | asyncio.CancelledError):
            unknown[number] += 1
        elif outcome != HANDED_BACK and not isinstance(outcome, InvalidArgument | Internal | Injected):
            yield f"row {number} was told {outcome!r}"
    for number in range(_ROWS):
        changes = after[number][1] - before[number][1]
        if not done[number] <= changes <= done[number] + unknown[number]:
            yield f"row {number} changed {changes} times, {done[number]} told, {unknown[number]} unknown"
