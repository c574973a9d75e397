"""A primary with a standby that streams from it: embedded servers, of which the second can be promoted."""

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from gateway.db.embedded import EmbeddedPostgres
from tests.db.servers import FAST, sql
from tests.harness.polling import next_poll

_HAS = "SELECT 1 WHERE pg_last_wal_replay_lsn() >= $1::text::pg_lsn"


@dataclass(frozen=True, slots=True)
class Replicated:
    """Two servers.

    Args:
        primary: the DSN of the one that takes writes.
        standby: the DSN of the other one.

    """

    primary: str
    standby: str

    async def promote(self) -> None:
        """Let the standby take writes when it has all of the primary's, which isn't told."""
        [(written,)] = await sql(self.primary, "SELECT pg_current_wal_flush_lsn()::text")
        async with asyncio.timeout(60):
            while not await sql(self.standby, _HAS, written):
                await next_poll()
        assert await sql(self.standby, "SELECT pg_promote(wait_seconds => 60)") == [(True,)]


@contextmanager
def replicated(folder: Path) -> Iterator[Replicated]:
    """Run a primary and its standby in a folder, until the context ends."""
    primary = EmbeddedPostgres(folder / "primary", settings=FAST)
    dsn = primary.start()
    assert primary.stop()
    (folder / "standby").mkdir()
    # With its owner, who may be another user.
    subprocess.run(["cp", "-a", folder / "primary" / "data", folder / "standby" / "data"], check=True)
    signal = folder / "standby" / "data" / "standby.signal"
    signal.touch()
    [socket] = parse_qs(urlsplit(dsn).query)["host"]
    upstream = {"primary_conninfo": f"host={socket} user=postgres"}
    standby = EmbeddedPostgres(folder / "standby", settings={**FAST, **upstream})
    primary.start()
    try:
        yield Replicated(dsn, standby.start())
    finally:
        standby.stop()
        primary.stop()
