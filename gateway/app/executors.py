"""The executors of calls: of the database alone, or with its replicas, and with rows that are kept."""

from collections.abc import Container
from dataclasses import dataclass

from gateway.app.changes import changes_of
from gateway.app.sharing import keeps_rows
from gateway.app.storage import Storage
from gateway.config.settings import Settings
from gateway.db.cache.changes import Changed
from gateway.db.cache.executors import CachedDatabase, CachedWrites
from gateway.db.cache.reads import CachedReads
from gateway.db.cache.row_cache import RowCache
from gateway.db.executor import Executor, KeyReads, SingleWrites


@dataclass(frozen=True, slots=True)
class Executors:
    """How calls reach the database.

    Args:
        database: runs statements and transactions.
        reads: by key.
        writes: of single rows.
        own: by the gateway's own role, for handlers.
        cache: the rows that are kept; None where none are.

    """

    database: Executor
    reads: KeyReads
    writes: SingleWrites
    own: Executor
    cache: RowCache | None = None


def executors_of(storage: Storage, settings: Settings, by_authors: Container[str] = ()) -> Executors:
    """Return how the calls of a schema reach its database.

    Args:
        storage: the database.
        settings: all of them.
        by_authors: the names of methods that authors' code answers, or has hooks for.

    """
    replicas = storage.replicas
    if replicas is None:
        return Executors(storage.serving, storage.reads, storage.writes, storage.database)
    database, reads = replicas.database(storage.serving), replicas.reads(storage.reads)
    if not (keeps_rows(storage.schema, settings) and storage.caller_roles is None):
        return Executors(database, reads, storage.writes, storage.database)
    cache = RowCache(settings.cache.max_bytes)
    changed = Changed(cache, *changes_of(storage.schema, by_authors))
    return Executors(
        CachedDatabase(database, changed),
        CachedReads(reads, cache, replicas.log),
        CachedWrites(storage.writes, changed),
        CachedDatabase(storage.database, changed),
        cache,
    )
