"""Hot standbys of an embedded PostgreSQL, whose replay a test may hold up."""

from pathlib import Path

import bench.standby
from gateway.db.embedded import EmbeddedPostgres
from tests.harness.databases import FORGETFUL, fetch

_SETTINGS = {"wal_retrieve_retry_interval": "100ms"}
"""It looks for a primary that has been away, without the five seconds that are usual."""


def standby_of(primary: str, folder: Path, **settings: str) -> EmbeddedPostgres:
    """Return a standby, not yet started, that streams from a primary, as those of the benchmarks do."""
    return bench.standby.standby_of(primary, folder, **FORGETFUL | _SETTINGS | settings)


async def pause(standby: str) -> None:
    """Have a standby replay nothing until `resume`."""
    await fetch(standby, "SELECT pg_wal_replay_pause()")


async def resume(standby: str) -> None:
    """Have a standby replay on."""
    await fetch(standby, "SELECT pg_wal_replay_resume()")
