"""Partitions by list: what makes them, takes tables for them that are there, and changes their values."""

from collections.abc import Collection, Iterator

from gateway.introspect.tables import ddl
from gateway.introspect.tables.definitions import bound, partition_of
from gateway.introspect.tables.table_records import Name, Table
from gateway.migrate.plan.dependent_objects import TableChange
from gateway.migrate.plan.steps import Step

_LIKE = "INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS"
"""All that a partition has to have: keys and indexes come when it is attached, numbers are its table's."""


def new_partitions(table: Table, loose: Collection[Name]) -> Iterator[Step]:
    """Yield what gives a new table its partitions."""
    for name, values in sorted(table.partitions.items()):
        if name in loose:
            yield _attach(table.name, name, values)
        else:
            create = f"CREATE TABLE {ddl.quoted(name)} {partition_of(table.name, values)}"
            yield Step(create, f"table {name} is missing")


def changed_partitions(change: TableChange, loose: Collection[Name]) -> Iterator[Step]:
    """Yield what gives a table the partitions that it lacks, and others their values.

    A table that is made for itself and attached keeps nobody waiting who reads and writes the others:
    https://www.postgresql.org/docs/current/ddl-partitioning.html#DDL-PARTITIONING-DECLARATIVE-MAINTENANCE.
    """
    table, found = change.wanted, change.found.partitions
    missing = {name: values for name, values in table.partitions.items() if found.get(name) != values}
    for name in sorted(missing.keys() & found.keys()):
        yield Step(detach(table.name, name), f"table {name} holds other values than the schema says")
    for name, values in sorted(missing.items()):
        if name not in loose and name not in found:
            create = f"CREATE TABLE {ddl.quoted(name)} (LIKE {ddl.quoted(table.name)} {_LIKE})"
            yield Step(create, f"table {name} is missing")
        yield _attach(table.name, name, values)


def detach(table: Name, name: Name) -> str:
    """Return the statement after which a partition is a table of its own; no row of it may be referred to."""
    return f"ALTER TABLE {ddl.quoted(table)} DETACH PARTITION {ddl.quoted(name)}"


def _attach(table: Name, name: Name, values: Collection[str]) -> Step:
    attach = f"ALTER TABLE {ddl.quoted(table)} ATTACH PARTITION {ddl.quoted(name)} {bound(values)}"
    return Step(attach, f"table {name} is to hold rows of {table}")
