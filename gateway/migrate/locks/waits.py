"""Waits of a migration for locks: short ones, and after a pause again.

An ALTER TABLE that waits for a long transaction to end keeps whoever comes later from the table, readers too.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import asyncpg

from gateway.db.database_settings import milliseconds
from gateway.migrate.errors import MigrationError
from gateway.migrate.locks.lock import Connect, opened

T = TypeVar("T")

_PATIENCE = 60
"""How many times longer a statement waits that no reader or writer waits behind."""
_LOOKS = 4
"""How often it is asked who holds a lock, while one wait for it lasts."""

# A migration is whoever has the record of what it makes locked, or builds an index in its words: so it is
# found behind a pooler as well.
_HOLDERS = r"""
SELECT DISTINCT CASE WHEN c.oid IS NOT NULL THEN pg_catalog.format('table %I.%I', n.nspname, c.relname)
        WHEN waiting.locktype = 'virtualxid' THEN 'a snapshot' ELSE waiting.locktype END AS what,
    h.pid, h.application_name AS program, h.usename AS role, h.state,
    extract(epoch FROM now() - h.xact_start)::bigint AS seconds
FROM pg_catalog.pg_locks own
JOIN pg_catalog.pg_locks waiting ON waiting.pid = own.pid AND NOT waiting.granted
CROSS JOIN pg_catalog.unnest(pg_catalog.pg_blocking_pids(own.pid)) AS holder(pid)
JOIN pg_catalog.pg_stat_activity h ON h.pid = holder.pid
LEFT JOIN pg_catalog.pg_class c ON c.oid = waiting.relation
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE own.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
    AND (own.relation = to_regclass('rowgate.managed_object') AND own.mode = 'ShareRowExclusiveLock'
        OR own.pid IN (
            SELECT pid FROM pg_catalog.pg_stat_activity
            WHERE query ~ '^(DO \$(leftover|backfill)\$|CREATE (UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS )'))
"""


def _tell_nobody(_text: str) -> None:
    """Say nothing."""


class LockTimeoutError(MigrationError):
    """A statement that waited too long for a lock; nothing of its transaction stays.

    Args:
        statement: what waited.

    """

    def __init__(self, statement: str) -> None:
        super().__init__(f"PostgreSQL gave no lock in time, and nothing of it stays:\n  {statement}")


@dataclass(frozen=True, slots=True)
class LockWaits:
    """Bounds of a migration's waits for locks.

    Args:
        seconds: the longest wait of one statement; 0 is without end.
        pauses: seconds after which the transaction is tried again, one for each time.
        tell: is told, before a pause, what is waited for.

    """

    seconds: float = 5.0
    pauses: Sequence[float] = (1, 2, 4, 8)
    tell: Callable[[str], None] = _tell_nobody

    @property
    def statement(self) -> str:
        """What bounds the waits of a transaction: its first statement."""
        return f"SET LOCAL lock_timeout = {milliseconds(self.seconds)}"

    @property
    def patient_statement(self) -> str:
        """What bounds the waits of a statement outside of transactions: nobody waits behind it."""
        return f"SET lock_timeout = {milliseconds(_PATIENCE * self.seconds)}"

    @property
    def batches_statements(self) -> tuple[str, str]:
        """What bounds each wait of a statement that is many transactions, and lets all of it take long."""
        return f"SET lock_timeout = {milliseconds(self.seconds)}", "SET statement_timeout = 0"

    async def tried(self, connect: Connect, work: Callable[[], Awaitable[T]]) -> T:
        """Return what the work returns, which is done again where it waited too long for a lock.

        Raises MigrationError with who holds it where each try did.
        """
        seen, pauses = _Seen(), iter(self.pauses)
        while True:
            try:
                async with seen.watching(connect, self.seconds / _LOOKS):
                    return await work()
            except LockTimeoutError as error:
                pause = next(pauses, None)
                if pause is None:
                    raise MigrationError(f"{error}\n  {seen}\n{self._advice()}") from error
            self.tell(f"{seen}; trying again in {pause:g} s")
            await asyncio.sleep(pause)

    def _advice(self) -> str:
        return (
            f"tried {len(self.pauses) + 1} times, {self.seconds:g} s each: end what holds it "
            "(pg_terminate_backend), try again later, or let others wait behind it for longer "
            "(--migrate-lock-timeout)"
        )


class _Seen:
    """Who was last seen holding what a migration waits for."""

    def __init__(self) -> None:
        self._text = "another transaction holds a lock that it needs"

    def __str__(self) -> str:
        return self._text

    @asynccontextmanager
    async def watching(self, connect: Connect, interval: float) -> AsyncIterator[None]:
        """Look now and then, while something is done."""
        task = asyncio.create_task(self._watch(connect, interval)) if interval else None
        try:
            yield
        finally:
            if task is not None:
                task.cancel()
                await asyncio.wait([task])

    async def _watch(self, connect: Connect, interval: float) -> None:
        await asyncio.sleep(interval)
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            async with opened(connect) as connection:
                while True:
                    holders = await connection.fetch(_HOLDERS)
                    if holders:
                        self._text = "; ".join(map(_described, holders))
                    await asyncio.sleep(interval)


def _described(holder: asyncpg.Record) -> str:
    # Of other roles' sessions PostgreSQL tells no more than the process.
    facts = [holder["program"], f"role {holder['role']}", holder["state"]]
    facts.append(f"its transaction is {holder['seconds']} s old" if holder["seconds"] is not None else "")
    return f"{holder['what']} is held by process {holder['pid']} ({', '.join(filter(None, facts))})"
