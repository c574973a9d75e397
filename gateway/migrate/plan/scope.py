"""The scope of a migration: the model, but for what Rowgate didn't make and no flag names.

All that follows goes by the outcome: what the reachable catalog lacks is dropped, what it has besides is
made, and what no migration made stands in it as it was found.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.introspect.drift.compare import is_filled
from gateway.introspect.drift.matching import parts_of, with_parts
from gateway.introspect.tables.definitions import Part
from gateway.introspect.tables.table_records import Catalog, Column, Index, Name, Table
from gateway.migrate.errors import MigrationError
from gateway.migrate.plan.record import DIRECT, Origin, Recorded
from gateway.schema.tables.internal import INTERNAL_SCHEMA


@dataclass(frozen=True, slots=True)
class Managed:
    """What a migration may change.

    Args:
        record: what earlier migrations made, each with its lineage and field.
        adopted: tables and enum types that the user named: what the schema says of them may be changed too.
        lineage: the first revision of the migrations folder; DIRECT without one.
        contract: whether defaults go that fill new columns for gateways from before them.
        elsewhere: whether it is planned for other databases too, where every table may hold rows.
        renames: flags that give columns other names, as `public.orders.total=amount`.
        renamed: what of it is to be done: new names by the old ones, of each table.
        settled: columns, by the new names, of which flags say that they are their fields'.

    """

    record: Mapping[Recorded, Origin] = field(default_factory=dict)
    adopted: frozenset[Name] = frozenset()
    lineage: str = DIRECT
    contract: bool = False
    elsewhere: bool = False
    renames: tuple[str, ...] = ()
    renamed: Mapping[Name, Mapping[str, str]] = field(default_factory=dict)
    settled: frozenset[Recorded] = frozenset()

    @property
    def own_tables(self) -> frozenset[Name]:
        """Tables that this folder made and may drop. Direct changes drop none: others may need them."""
        return frozenset(
            made.table
            for made, origin in self.record.items()
            if made.kind == "table"
            and origin.lineage == self.lineage != DIRECT
            and made.table.schema != INTERNAL_SCHEMA
        )

    def made(self, kind: str, table: Name, name: str = "") -> bool:
        """Return whether a migration made it."""
        return Recorded(kind, table, name) in self.record

    def may_change(self, kind: str, table: Name, name: str = "") -> bool:
        """Return whether it may be brought to what the schema says; the gateway's own tables always may."""
        return self.made(kind, table, name) or table in self.adopted or table.schema == INTERNAL_SCHEMA

    def made_part(self, table: Name, part: Part) -> bool:
        """Return whether a migration made the constraint or index."""
        return self.made(kind_of(part), table, part.name)


def kind_of(part: Part) -> str:
    """Return the record's word for a key, check, foreign key or index."""
    return "index" if isinstance(part, Index) else "constraint"


def reachable(wanted: Catalog, found: Catalog, managed: Managed) -> Catalog:
    """Return what the database holds after a migration.

    Args:
        wanted: the model, its parts named as they were found.
        found: the catalog of the model's tables, and of `managed.own_tables`.
        managed: what may be changed.

    """
    tables = {
        name: reached_partitions(_table(table, found.tables[name], managed), table, found, managed)
        if name in found.tables
        else reached_partitions(table, table, found, managed)
        for name, table in wanted.tables.items()
        if name not in found.others
    }
    enums = {
        name: labels if name not in found.enums or managed.may_change("type", name) else found.enums[name]
        for name, labels in wanted.enums.items()
    }
    return replace(wanted, tables=tables, others=found.others, loose=found.loose, enums=enums)


def reached_partitions(reached: Table, wanted: Table, found: Catalog, managed: Managed) -> Table:
    """Return the table with the partitions that it has after a migration.

    Tables that are there become partitions where they are adopted, and no table is divided.
    """
    there = found.tables.get(wanted.name)
    had = there.partitions if there is not None else {}
    ours = {
        name: values
        for name, values in wanted.partitions.items()
        if had.get(name) == values
        or name in managed.adopted
        or (name not in had and name not in found.loose)
        or (name in had and managed.may_change("table", name))
    }
    key = wanted.partition_key if there is None else there.partition_key
    return replace(reached, partition_key=key, partitions={**had, **ours})


def adopted_parts(wanted: Table, found: Table) -> list[Recorded]:
    """Return what a table is adopted with: itself, and what the schema names of it."""
    there = {part.name for part in parts_of(found)}
    return [
        Recorded("table", found.name),
        *(Recorded("column", found.name, name) for name in wanted.columns if name in found.columns),
        *(Recorded(kind_of(part), found.name, part.name) for part in parts_of(wanted) if part.name in there),
    ]


def require_known(adopted: frozenset[Name], wanted: Catalog, found: Catalog) -> None:
    """Raise MigrationError for a name to adopt that the schema hasn't, or that the database hasn't yet."""
    known = {*wanted.tables, *wanted.enums, *partitions_in(wanted)}
    there = {*found.tables, *found.enums, *found.loose, *partitions_in(found)}
    for name in sorted(adopted):
        if name not in known:
            raise MigrationError(f"--adopt {name}: the schema has no such table or enum type")
        if name not in there:
            raise MigrationError(f"--adopt {name}: the database has no such table or enum type")


def partitions_in(catalog: Catalog) -> frozenset[Name]:
    """Return all partitions of a catalog's tables."""
    return frozenset(name for table in catalog.tables.values() for name in table.partitions)


def _table(wanted: Table, found: Table, managed: Managed) -> Table:
    if not managed.may_change("table", found.name):
        return found
    columns = {
        name: _column(column, found.columns.get(name), managed, found.name)
        for name, column in wanted.columns.items()
    }
    theirs = {
        name: column
        for name, column in found.columns.items()
        if name not in wanted.columns and not managed.made("column", found.name, name)
    }
    reached = replace(
        wanted,
        columns=columns | theirs,
        children=found.children,
        rules=found.rules,
        cascades=found.cascades,
        distribution=found.distribution,
    )
    return with_parts(reached, _parts(wanted, found, managed))


def _column(wanted: Column, found: Column | None, managed: Managed, table: Name) -> Column:
    if found is None:
        return replace(wanted, default=wanted.default or wanted.fill)
    if not managed.may_change("column", table, wanted.name):
        return found
    stays = is_filled(wanted, found) and wanted.type == found.type and not managed.contract
    return replace(wanted, default=found.default) if stays else wanted


def _parts(wanted: Table, found: Table, managed: Managed) -> list[Part]:
    there = {part.name: part for part in parts_of(found)}
    ours = {part.name: part for part in parts_of(wanted)}
    reached = [
        part
        if name not in there or managed.may_change(kind_of(there[name]), found.name, name)
        else there[name]
        for name, part in ours.items()
    ]
    theirs = (
        part for name, part in there.items() if name not in ours and not managed.made_part(found.name, part)
    )
    return [*reached, *theirs]
