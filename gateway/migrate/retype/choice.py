"""The way that each change of type goes: beside the column, or at once, and why."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

from gateway.introspect.drift.matching import parts_of
from gateway.introspect.tables.ddl import quoted
from gateway.introspect.tables.definitions import Part
from gateway.introspect.tables.table_records import Catalog, Column, ForeignKey, Index, Key, Name, Table
from gateway.migrate.locks.lock import Connection
from gateway.migrate.plan.online import Place
from gateway.migrate.plan.scope import Managed, kind_of
from gateway.migrate.plan.widening import keeps_every_row, keeps_every_value
from gateway.migrate.retype import indexes
from gateway.migrate.retype.shadow_columns import Shadow, without_shadows

LARGE_BYTES = 1 << 20
"""Size with its indexes from which a table isn't written anew at once; see decision 41."""

_TRIGGERS = """
SELECT n.nspname::text, c.relname::text, t.tgname::text
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgname LIKE 'zz\\_rowgate\\_fill\\_%' AND t.tgenabled = 'A'
"""

# Whatever PostgreSQL knows to need the column, but its default and its NOT NULL.
_DEPENDENTS = """
SELECT k.conname::text, i.relname::text, pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
    AND k.conrelid = d.refobjid
LEFT JOIN pg_catalog.pg_class i ON d.classid = 'pg_catalog.pg_class'::regclass AND i.oid = d.objid
    AND i.relkind = 'i'
WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $1::regclass AND a.attname = $2
    AND d.classid <> 'pg_catalog.pg_attrdef'::regclass AND k.contype IS DISTINCT FROM 'n'
UNION ALL
SELECT NULL, NULL, 'a privilege of its own' FROM pg_catalog.pg_attribute
WHERE attrelid = $1::regclass AND attname = $2 AND attacl IS NOT NULL
UNION ALL
SELECT NULL, NULL, 'a table that it is inherited from' FROM pg_catalog.pg_attribute
WHERE attrelid = $1::regclass AND attname = $2 AND attinhcount > 0
UNION ALL
SELECT NULL, NULL, pg_catalog.format('trigger %I, which each UPDATE fires', tgname)
FROM pg_catalog.pg_trigger
WHERE tgrelid = $1::regclass AND NOT tgisinternal AND tgenabled <> 'D' AND tgtype & 16 <> 0
    AND tgname NOT LIKE 'zz\\_rowgate\\_fill\\_%' AND pg_catalog.cardinality(tgattr::int2[]) = 0
"""


class State(Enum):
    """How far a change of type has come, as the catalog tells."""

    NOT_BEGUN = 0
    PREPARED = 1
    """The new column is there, and new rows fill it."""
    FILLED = 2
    """All rows do, which is proved."""


@dataclass(frozen=True, slots=True)
class Retype:
    """A change of a column's type that goes beside the column.

    Args:
        table: the table as it is found, with what stands beside its columns.
        wanted: the column as it shall be.
        found: the column as it is.
        state: how far it has come.

    """

    table: Table
    wanted: Column
    found: Column
    state: State = State.NOT_BEGUN

    @property
    def shadow(self) -> Shadow:
        """The names of what stands beside the column."""
        return Shadow(self.table.name, self.found.name)

    @property
    def is_exact(self) -> bool:
        """Whether the new type holds every value of the old one."""
        return keeps_every_value(self.found.type, self.wanted.type)


@dataclass(frozen=True, slots=True)
class Choice:
    """The changes of type of one migration.

    Args:
        found: what the database holds, with what stands beside columns.
        beside: those that go beside their columns.
        at_once: why others don't, by table and column, where that takes long.

    """

    found: Catalog
    beside: tuple[Retype, ...] = ()
    at_once: Mapping[Place, str] = field(default_factory=dict)


async def choose(
    connection: Connection, reached: Catalog, found: Catalog, managed: Managed, online: Collection[Name]
) -> Choice:
    """Return which way each change of type goes.

    Args:
        connection: inside a transaction.
        reached: what the database will hold.
        found: what it holds, with what stands beside columns.
        managed: what may be changed.
        online: tables that hold rows, or may.

    """
    triggers = {Place(Name(schema, table), name) for schema, table, name in await connection.fetch(_TRIGGERS)}
    bare = without_shadows(found, reached, managed)
    beside: list[Retype] = []
    at_once: dict[Place, str] = {}
    for name in sorted(reached.tables.keys() & bare.tables.keys()):
        for wanted, there in _rewritten(reached.tables[name], bare.tables[name]):
            change = Retype(found.tables[name], wanted, there)
            state = _state(change, managed, triggers)
            if state is State.NOT_BEGUN and (
                name not in online or not await _is_large(connection, name, managed)
            ):
                continue
            why = await _obstacle(connection, bare, reached.tables[name], change, managed)
            if why:
                at_once[Place(name, wanted.name)] = why
            else:
                beside.append(Retype(found.tables[name], wanted, there, state))
    return Choice(found, tuple(beside), at_once)


def _rewritten(reached: Table, found: Table) -> Iterator[tuple[Column, Column]]:
    """Yield the columns of which PostgreSQL would write every row anew."""
    for column in reached.columns.values():
        there = found.columns.get(column.name)
        if there is None or there.type == column.type or column.generated:
            continue
        if not (keeps_every_value(there.type, column.type) and keeps_every_row(there.type, column.type)):
            yield column, there


def _state(change: Retype, managed: Managed, triggers: Collection[Place]) -> State:
    table, shadow = change.table, change.shadow
    new, check = table.columns.get(shadow.new), table.checks.get(shadow.check)
    stands = (
        new is not None
        and new.type == change.wanted.type
        and managed.made("column", table.name, shadow.new)
        and Place(table.name, shadow.trigger) in triggers
    )
    if not stands or check is None or not managed.made("constraint", table.name, shadow.check):
        return State.NOT_BEGUN
    return State.FILLED if check.valid else State.PREPARED


async def _is_large(connection: Connection, table: Name, managed: Managed) -> bool:
    if managed.elsewhere:
        return True
    size = "SELECT pg_catalog.pg_total_relation_size($1::regclass)"
    return bool(await connection.fetchval(size, quoted(table)) > LARGE_BYTES)


async def _obstacle(
    connection: Connection, found: Catalog, reached: Table, change: Retype, managed: Managed
) -> str:
    """Return why a column can't be changed beside itself; empty where it can."""
    table = found.tables[reached.name]
    if why := _of_column(change, managed):
        return why
    for part in parts_of(table):
        why = _of_part(part, reached, change.found.name)
        if why:
            return why
    for constraint, index, described in await connection.fetch(
        _DEPENDENTS, quoted(table.name), change.found.name
    ):
        known = {part.name for part in parts_of(table) if managed.made(kind_of(part), table.name, part.name)}
        known.add(change.shadow.check)
        if constraint not in known and index not in known:
            return f"it has {described}"
    return ""


def _of_column(change: Retype, managed: Managed) -> str:
    if change.table.distribution is not None:
        return "Citus has no triggers for its rows"
    if not change.shadow.fits:
        return "its name is too long for a column beside it"
    if change.found.name in managed.renamed.get(change.table.name, {}).values():
        return "it gets another name too"
    if change.found.generated or change.found.identity or change.wanted.identity:
        return "PostgreSQL makes its values"
    return ""


def _of_part(part: Part, wanted: Table, column: str) -> str:
    match part:
        case Key() if column in part.columns:
            return indexes.obstacle(wanted, part)
        case Index() if column in part.reads:
            return indexes.obstacle(wanted, part)
        case ForeignKey() if part.target == wanted.name and column in part.target_columns:
            return f"foreign key {part.name} refers to it"
        case _:
            return ""
