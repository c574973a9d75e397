"""All that a process has of a store: rows that it shares, and what it is told of there."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from gateway.db.cache.row_cache import RowCache
from gateway.db.cache.shared.access import StoreAccess
from gateway.db.cache.shared.address import StoreAddress
from gateway.db.cache.shared.connection import StoreConnection
from gateway.db.cache.shared.hearing import Hearing
from gateway.db.cache.shared.sealed_rows import RowSeal
from gateway.db.cache.shared.shared_reads import SharedReads
from gateway.db.cache.shared.shared_rows import SharedRows
from gateway.db.cache.shared.told_changes import ToldChanges
from gateway.db.replicas.primary_log import PrimaryLog


class StoreSettings(NamedTuple):
    """How a store is used.

    Args:
        address: where it is.
        tls_ca: certificates that its own may be signed by, in place of the machine's.
        timeout: the longest wait of a call for it, in seconds.
        prefix: of all names in it.
        secret: that of page tokens.
        database: tells it from all others that share the store.

    """

    address: StoreAddress
    tls_ca: Path | None
    timeout: float
    prefix: str
    secret: bytes
    database: bytes


class SharedCache:
    """Rows that gateways keep together; the store need not answer yet.

    Args:
        settings: how the store is used.
        seconds: how long rows are kept, by table.
        cache: what this process keeps by itself.
        log: the primary's.

    """

    def __init__(
        self, settings: StoreSettings, seconds: Mapping[str, float], cache: RowCache, log: PrimaryLog
    ) -> None:
        told = ToldChanges()
        connect = partial(StoreConnection.open, settings.address, settings.tls_ca)
        make_seal = partial(RowSeal, settings.secret, settings.database, prefix=settings.prefix)
        access = StoreAccess(str(settings.address), connect, make_seal)
        self.rows = SharedRows(access, settings.timeout, seconds, told)
        self.reads = SharedReads(self.rows, log)
        self.hearing = Hearing(access, told, cache, seconds)

    def start(self) -> None:
        """Connect, and stay connected."""
        self.rows.link.start()
        self.reads.start()
        self.hearing.start()

    async def stop(self) -> None:
        """Let go of the store. `stop` before `start`, and twice, is safe."""
        await self.hearing.stop()
        await self.reads.stop()
        await self.rows.link.stop()
