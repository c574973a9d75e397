"""A standby that synchronous replication waits for: it takes the log, and can be stopped and started."""

import asyncio
from asyncio.subprocess import Process, create_subprocess_exec
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.db.servers import DEBIAN_15, sql
from tests.harness.polling import next_poll
from tests.migrate.database import PROGRAMS

_NAME = "standby"
WAITS = "FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
"""The sessions that wait for the standby."""


@dataclass
class Standby:
    """What receives a server's log, as a standby does.

    Args:
        dsn: the server's.
        program: PostgreSQL's receiver, of the server's version.
        folder: where the log goes.

    """

    dsn: str
    program: Path
    folder: str
    _running: Process | None = None

    async def start(self) -> None:
        """Receive; return when PostgreSQL counts it as the synchronous standby."""
        options = ("--synchronous", "--no-loop", "-D", self.folder, "-d", self.dsn)
        self._running = await create_subprocess_exec(self.program, *options, env={"PGAPPNAME": _NAME})
        async with asyncio.timeout(60):
            while not await sql(self.dsn, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"):
                await next_poll()

    async def stop(self) -> None:
        """Receive no more; return when PostgreSQL knows."""
        if self._running is not None:
            self._running.kill()
            await self._running.wait()
            self._running = None
        async with asyncio.timeout(60):
            while await sql(self.dsn, "SELECT 1 FROM pg_stat_replication"):
                await next_poll()

    async def end_wait(self, by: str = "pg_cancel_backend") -> None:
        """Cancel the next wait for it, or end its session by pg_terminate_backend."""
        async with asyncio.timeout(60):
            while not await sql(self.dsn, f"SELECT {by}(pid) {WAITS}"):
                await next_poll()


@asynccontextmanager
async def synchronous_standby(dsn: str) -> AsyncIterator[Standby]:
    """Let commits of the server wait for a standby, which runs, until the context ends."""
    [(version,)] = await sql(dsn, "SELECT current_setting('server_version_num')::int / 10000")
    binaries = DEBIAN_15 if version == 15 else PROGRAMS
    with TemporaryDirectory(prefix="rowgate-standby-") as folder:
        standby = Standby(dsn, binaries / "pg_receivewal", folder)
        await _set(dsn, _NAME)
        try:
            await standby.start()
            yield standby
        finally:
            await _set(dsn, "")
            await standby.stop()


async def _set(dsn: str, names: str) -> None:
    await sql(dsn, f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
    await sql(dsn, "SELECT pg_reload_conf()")
    async with asyncio.timeout(60):
        while await sql(dsn, "SHOW synchronous_standby_names") != [(names,)]:
            await next_poll()
