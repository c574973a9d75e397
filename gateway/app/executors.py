"""The executors of calls: of the database alone, or with its replicas, and with rows that are kept."""

from collections.abc import Container
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.app.changes import changes_of
from gateway.app.shared_cache import open_shared_cache
from gateway.app.sharing import keeps_rows
from gateway.app.storage import Storage
from gateway.config.settings import Settings
from gateway.db.cache.changes import Changed
from gateway.db.cache.executors import CachedDatabase, CachedWrites
from gateway.db.cache.reads import CachedReads
from gateway.db.cache.row_cache import RowCache
from gateway.db.executor import Executor, KeyReads, SingleWrites

if TYPE_CHECKING:
    from gateway.db.cache.shared.shared_cache import SharedCache


@dataclass(frozen=True, slots=True)
class Executors:
    """How calls reach the database.

    Args:
        database: runs statements and transactions.
        reads: by key.
        writes: of single rows.
        own: by the gateway's own role, for handlers.
        cache: the rows that are kept; None where none are.
        shared: those that gateways keep together; None where they keep none.

    """

    database: Executor
    reads: KeyReads
    writes: SingleWrites
    own: Executor
    cache: RowCache | None = None
    shared: "SharedCache | None" = None


async def executors_of(
    storage: Storage, settings: Settings, by_authors: Container[str], secret: bytes, opened: AsyncExitStack
) -> Executors:
    """Return how the calls of a schema reach its database; raises ConfigError for a wrong `cache.url`.

    Args:
        storage: the database.
        settings: all of them.
        by_authors: the names of methods that authors' code answers, or has hooks for.
        secret: that of page tokens.
        opened: closes what is opened.

    """
    replicas = storage.replicas
    if replicas is None:
        return Executors(storage.serving, storage.reads, storage.writes, storage.database)
    database, reads = replicas.database(storage.serving), replicas.reads(storage.reads)
    if not (keeps_rows(storage.schema, settings) and storage.caller_roles is None):
        return Executors(database, reads, storage.writes, storage.database)
    cache = RowCache(settings.cache.max_bytes)
    shared = await open_shared_cache(storage, settings.cache, secret, cache, opened)
    rows, looks = (None, None) if shared is None else (shared.rows, shared.reads)
    changed = Changed(cache, *changes_of(storage.schema, by_authors), rows)
    return Executors(
        CachedDatabase(database, changed),
        CachedReads(reads, cache, replicas.log, looks),
        CachedWrites(storage.writes, changed),
        CachedDatabase(storage.database, changed),
        cache,
        shared,
    )
