"""What differs in how Citus spreads a table."""

from collections.abc import Iterator

from gateway.introspect.drift.differences import Change, Difference, Kind
from gateway.introspect.tables.definitions import distribute
from gateway.introspect.tables.table_records import Distribution, Name, Table

_ON_ONE_NODE = "on one node"


def distribution_differences(wanted: Table, found: Table) -> Iterator[Difference]:
    """Yield it where there is any: rows beside those of more tables than are named are fine."""
    if not _fits(wanted.distribution, found.distribution):
        yield Difference(
            Kind.DISTRIBUTION,
            Change.DIFFERENT,
            table=wanted.name,
            wanted=_told(wanted.name, wanted.distribution, found.distribution),
            found=str(found.distribution or _ON_ONE_NODE),
        )
    if wanted.in_two_phases and not found.in_two_phases:
        yield Difference(Kind.TWO_PHASES, Change.MISSING, table=wanted.name)


def _fits(wanted: Distribution | None, found: Distribution | None) -> bool:
    if wanted is None or found is None:
        return wanted is found
    return wanted.column == found.column and not found.otherwise and wanted.colocated <= found.colocated


def _told(table: Name, wanted: Distribution | None, found: Distribution | None) -> str:
    """Return what the schema says, with the statement that makes a table so where it is on one node."""
    if wanted is None:
        return _ON_ONE_NODE
    return f"{wanted}: {distribute(table, wanted)}" if found is None else str(wanted)
