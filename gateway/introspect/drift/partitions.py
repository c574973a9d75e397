"""Partitions by list: those that the schema names beside those that a table has."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TypeAlias

from gateway.introspect.drift.differences import Change, Difference, Kind
from gateway.introspect.tables.definitions import partition_of
from gateway.introspect.tables.table_records import Catalog, Name, Table

Partitions: TypeAlias = Mapping[Name, frozenset[str]]
"""The values of each partition, in text."""


def without_partitions(found: Catalog, parts: Collection[Name]) -> Catalog:
    """Return the catalog with the partitions that the schema names at their tables alone."""
    attached = {part for table in found.tables.values() for part in table.partitions}
    bearing = {*found.tables, *found.others}
    return replace(
        found,
        tables={name: table for name, table in found.tables.items() if name not in parts},
        loose=frozenset(part for part in parts if part in bearing - attached),
    )


def partitioning_differences(wanted: Table, found: Table, loose: Collection[Name]) -> Iterator[Difference]:
    """Yield what differs in how a table is divided, and in its partitions."""
    if wanted.partition_key == found.partition_key:
        yield from partition_differences(wanted.name, wanted.partitions, found.partitions, loose)
        return
    yield Difference(
        Kind.PARTITIONED,
        Change.DIFFERENT,
        table=wanted.name,
        wanted=f"PARTITION BY {wanted.partition_key}",
        found=f"PARTITION BY {found.partition_key}" if found.partition_key else "not divided",
    )


def partition_differences(
    table: Name, wanted: Partitions, found: Partitions, loose: Collection[Name]
) -> Iterator[Difference]:
    """Yield what differs in the partitions of a table, each under its own name.

    Args:
        table: whose they are.
        wanted: the partitions that the schema names.
        found: those that the table has.
        loose: what bears the name of one, and is none of the table's.

    """
    for name, values in sorted(wanted.items()):
        said = partition_of(table, values)
        if found.get(name) == values:
            continue
        if name in found:
            there = partition_of(table, found[name])
        elif name in loose:
            there = "no partition of it"
        else:
            yield Difference(Kind.PARTITION, Change.MISSING, table=name, wanted=said)
            continue
        yield Difference(Kind.PARTITION, Change.DIFFERENT, table=name, wanted=said, found=there)
    for name in sorted(found.keys() - wanted.keys()):
        yield Difference(Kind.PARTITION, Change.EXTRA, table=name, found=partition_of(table, found[name]))
