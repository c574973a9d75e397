"""The executors of calls: of the database alone, or with its replicas, and with rows that are kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.app.sharing import keeps_rows
from gateway.app.storage import Storage
from gateway.config.settings import Settings
from gateway.db.cache.changes import Changed, Changes
from gateway.db.cache.executors import CachedDatabase, CachedReads, CachedWrites
from gateway.db.cache.row_cache import RowCache
from gateway.db.executor import Executor, KeyReads, SingleWrites
from gateway.policy.permissions import methods_of
from gateway.schema.model import Action, Resource, Schema, StandardMethod


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


def executors_of(storage: Storage, settings: Settings) -> Executors:
    """Return how the calls of a schema reach its database."""
    replicas = storage.replicas
    if replicas is None:
        return Executors(storage.serving, storage.reads, storage.writes, storage.database)
    database, reads = replicas.database(storage.serving), replicas.reads(storage.reads)
    if not (keeps_rows(storage.schema, settings) and storage.caller_roles is None):
        return Executors(database, reads, storage.writes, storage.database)
    cache = RowCache(settings.cache.max_bytes)
    changed = _changed(storage.schema, cache)
    return Executors(
        CachedDatabase(database, changed),
        CachedReads(reads, cache, replicas.log),
        CachedWrites(storage.writes, changed),
        CachedDatabase(storage.database, changed),
        cache,
    )


def _changed(schema: Schema, cache: RowCache) -> Changed:
    """Return what drops the rows that each method changes; others may change all."""
    kept = {_table(one) for one in schema.resources.values() if one.cache_seconds}
    followers = _followers(schema.resources.values())
    of_methods = {
        method.full_name: _changes_of(method, followers, kept)
        for method in methods_of(schema)
        if isinstance(method, StandardMethod)
    }
    return Changed(cache, of_methods, Changes("", frozenset(kept)))


def _changes_of(method: StandardMethod, followers: Mapping[str, frozenset[str]], kept: set[str]) -> Changes:
    own = _table(method.resource)
    written = {own, *map(_table, method.related.values())}
    others = written.union(*(followers.get(table, frozenset()) for table in written)) - {own}
    return Changes(own, frozenset(others & kept))


def _followers(resources: Iterable[Resource]) -> Mapping[str, frozenset[str]]:
    """Return the tables whose rows PostgreSQL changes with those of each, at any depth."""
    direct: dict[str, set[str]] = {}
    for resource in resources:
        for key in resource.foreign_keys:
            if key.enforced and not {key.on_delete, key.on_update} <= {Action.NO_ACTION, Action.RESTRICT}:
                direct.setdefault(f"{key.target_schema}.{key.target_table}", set()).add(_table(resource))
    return {table: frozenset(_reached(table, direct)) for table in direct}


def _reached(table: str, direct: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [table]
    while waiting:
        more = direct.get(waiting.pop(), set()) - found
        found |= more
        waiting.extend(more)
    return found


def _table(resource: Resource) -> str:
    return f"{resource.schema}.{resource.table}"
