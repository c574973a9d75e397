"""What the methods of a schema change of the rows that are kept."""

from collections.abc import Callable, Container, Iterable, Mapping

from gateway.db.cache.changes import Changes
from gateway.policy.permissions import methods_of
from gateway.schema.model import Action, ForeignKey, MethodKind, Resource, Schema, StandardMethod
from gateway.schema.values import ValueKind

_DELETES = frozenset({MethodKind.DELETE, MethodKind.BATCH_DELETE, MethodKind.DELETE_BY_FILTER})
_INSERTS = frozenset({MethodKind.CREATE, MethodKind.BATCH_CREATE})
_KEPT_AS_SENT = frozenset(
    {
        *("smallint", "integer", "bigint", "boolean", "bytea", "date", "text", "uuid"),
        *("timestamp with time zone", "timestamp without time zone", "time without time zone"),
    }
)
"""Types of which a row has one key alone. Others round what is sent, or hold different texts to be equal."""
_LETS_BE = frozenset({Action.NO_ACTION, Action.RESTRICT})


def changes_of(schema: Schema, by_authors: Container[str]) -> tuple[Mapping[str, Changes], Changes]:
    """Return what calls change, by their methods' full names, and what those of others may change.

    Args:
        schema: with what is known of its tables from the database.
        by_authors: the names of methods that authors' code answers, or has hooks for: it may change anything.

    """
    resources = schema.resources.values()
    known = _Known(resources)
    of_methods = {
        method.full_name: known.changes(method)
        for method in methods_of(schema)
        if isinstance(method, StandardMethod) and method.full_name not in by_authors
    }
    return of_methods, Changes("", known.kept)


class _Known:
    """What is known of tables.

    Args:
        resources: of which they are.

    """

    def __init__(self, resources: Iterable[Resource]) -> None:
        resources = list(resources)
        self.kept = frozenset(_table(one) for one in resources if one.cache_seconds)
        self._views = frozenset(_table(one) for one in resources if one.is_view)
        self._by_row = {_table(one) for one in resources if _has_one_key(one)}
        self._alike = _alike(resources)
        self._updated_along = _followers(resources, lambda key: key.on_update not in _LETS_BE)
        self._referring = _followers(resources, lambda _: True)

    def changes(self, method: StandardMethod) -> Changes:
        """Return what calls of a method change."""
        own = _table(method.resource)
        related = frozenset(map(_table, method.related.values()))
        written = self._with_alike(related | {own})
        if written & self._views:
            return Changes("", self.kept)
        along = self._with_alike(self._along(method.kind, written, nested=bool(related)))
        others = self.kept & (written - {own} | along | self._views)
        if own in self.kept and own not in self._by_row:
            others |= {own}
        return Changes(own if own in self.kept - others else "", others)

    def _along(self, kind: MethodKind, written: frozenset[str], *, nested: bool) -> frozenset[str]:
        """Return the tables of which rows may go, or change, with those of others."""
        if kind in _INSERTS:
            return frozenset()
        # What refers to a row goes with it by force; and a nested update deletes what it leaves out.
        followers = self._referring if nested or kind in _DELETES else self._updated_along
        return frozenset().union(*(followers.get(table, frozenset()) for table in written))

    def _with_alike(self, tables: frozenset[str]) -> frozenset[str]:
        """Return tables with those that have rows in common with them."""
        return tables.union(*(self._alike.get(table, frozenset()) for table in tables))


def _has_one_key(resource: Resource) -> bool:
    return all(
        one.type.sql in _KEPT_AS_SENT or one.type.kind is ValueKind.ENUM for one in resource.key_fields
    )


def _alike(resources: Iterable[Resource]) -> Mapping[str, frozenset[str]]:
    """Return the tables that have rows in common with each: one is a part of the other's, say."""
    holders: dict[str, set[str]] = {}
    for one in resources:
        for table in _tables(one):
            holders.setdefault(table, set()).add(_table(one))
    return {_table(one): frozenset().union(*(holders[table] for table in _tables(one))) for one in resources}


def _tables(resource: Resource) -> set[str]:
    parts = resource.partitions.tables if resource.partitions is not None else ()
    named = {f"{one.schema}.{one.table}" for one in parts}
    return {_table(resource)} | named | {f"{resource.schema}.{name}" for name in resource.parts}


def _followers(
    resources: Iterable[Resource], counts: Callable[[ForeignKey], bool]
) -> Mapping[str, frozenset[str]]:
    """Return the tables that refer to each by keys that count, at any depth."""
    direct: dict[str, set[str]] = {}
    for resource in resources:
        for key in resource.foreign_keys:
            if key.enforced and counts(key):
                target = f"{key.target_schema}.{key.target_table}"
                direct.setdefault(target, set()).add(_table(resource))
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
