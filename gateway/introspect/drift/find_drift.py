"""Drift of the database from the schema, as serve asks for it at start."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import asyncpg
from sqlalchemy import MetaData

from gateway.introspect.drift.compare import compare, compare_surroundings
from gateway.introspect.drift.differences import Change, Difference, Kind
from gateway.introspect.drift.matching import named_as_found
from gateway.introspect.drift.partitions import without_partitions
from gateway.introspect.drift.refused_options import refused_options
from gateway.introspect.drift.unmanaged_tables import unmanaged_differences
from gateway.introspect.tables.catalog import Connection, read_catalog
from gateway.introspect.tables.ddl import QUALIFY_NAMES
from gateway.introspect.tables.distribution import with_found_distributions, with_wanted_distributions
from gateway.introspect.tables.model_tables import needs_of, partitions_of, read_model, tables_of
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.introspect.tables.temporary_tables import renamed, respelled, undone

_NO_WRITES = " the server takes no writes: it is a standby, or default_transaction_read_only is on"


@dataclass(frozen=True, slots=True)
class Sides:
    """Model and catalog, in the same spelling."""

    wanted: Catalog
    found: Catalog

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What differs."""
        return compare(self.wanted, self.found)


class ModelRefusedError(Exception):
    """PostgreSQL can't hold the schema's tables: an expression is wrong, or what they need can't be made.

    Args:
        text: PostgreSQL's words, behind a blank, or its places, a line each.
        known: what is missing around the tables, which may be why.

    """

    def __init__(self, text: str, known: tuple[Difference, ...]) -> None:
        super().__init__(f"PostgreSQL can't hold the schema's tables:{text}")
        self.known = known


async def drift(connection: Connection, metadata: MetaData) -> tuple[Difference, ...]:
    """Return what differs between the schema and the database.

    Serve refuses to start when any of them `forbids_serving`; the others are worth a line in the log.

    Args:
        connection: a connection outside a transaction. Nothing is changed: temporary tables are made, to
            have PostgreSQL spell the schema's expressions as it spells the stored ones, and rolled back.
        metadata: the schema's tables; the gateway's own are compared too. Of those that others manage it is
            only what statements need (gateway.introspect.drift.unmanaged_tables).

    Raises ModelRefusedError where no database could match.

    """
    await connection.execute("BEGIN")
    try:
        unmanaged = await unmanaged_differences(connection, metadata)
        return (*(await read_sides(connection, metadata)).differences, *unmanaged)
    except ModelRefusedError as error:
        if error.known:
            return error.known
        raise
    finally:
        await connection.execute("ROLLBACK")


async def read_sides(
    connection: Connection,
    metadata: MetaData,
    others: frozenset[Name] = frozenset(),
    renames: Mapping[Name, Mapping[str, str]] = MappingProxyType({}),
) -> Sides:
    """Return model and catalog, read inside the open transaction, which is as before afterwards.

    Args:
        connection: inside a transaction.
        metadata: the schema's tables.
        others: tables beside the schema's that are read too, because a migration made them.
        renames: new names of columns by their old ones, of each table: the catalog is as after these.

    Raises ModelRefusedError where PostgreSQL can't hold the schema's tables.

    """
    tables = tables_of(metadata)
    needs, parts = needs_of(tables), frozenset(partitions_of(tables))
    async with undone(connection):
        await connection.execute(QUALIFY_NAMES)
        catalog = await read_catalog(connection, needs.tables | others | parts, needs.enums)
        found = without_partitions(await with_found_distributions(connection, catalog), parts)
    found = await renamed(connection, found, renames)
    try:
        wanted, doubtful = await _read_wanted(connection, metadata, found)
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise ModelRefusedError(_NO_WRITES, ()) from error
    except asyncpg.PostgresError as error:
        known = compare_surroundings(needs, found)
        places = await _places(connection, metadata, found)
        raise ModelRefusedError("".join(f"\n  {place}" for place in places) or f" {error}", known) from error
    found = await respelled(connection, found, doubtful, found)
    return Sides(named_as_found(wanted, found), found)


async def _places(connection: Connection, metadata: MetaData, found: Catalog) -> tuple[str, ...]:
    try:
        return await refused_options(connection, tables_of(metadata), found)
    except asyncpg.PostgresError:
        return ()


async def _read_wanted(
    connection: Connection, metadata: MetaData, found: Catalog
) -> tuple[Catalog, frozenset[Name]]:
    """Return the model, and the names of the tables whose expressions were spelled twice."""
    async with undone(connection):
        tables = await read_model(connection, tables_of(metadata), found)
        wanted = with_wanted_distributions(tables, metadata)
        doubtful = _doubtful(compare(named_as_found(wanted, found), found))
        return await respelled(connection, wanted, doubtful, found), doubtful


def _doubtful(differences: Iterable[Difference]) -> frozenset[Name]:
    """Return the tables whose expressions differ in text, and so may still mean the same."""
    expressions = {Kind.CHECK, Kind.DEFAULT, Kind.GENERATED, Kind.INDEX}
    seen: dict[Change, set[tuple[Name, Kind]]] = {change: set() for change in Change}
    for difference in differences:
        if difference.table and difference.kind in expressions:
            seen[difference.change].add((difference.table, difference.kind))
    # One is missing and another too many: they may be the same, under two names.
    either = seen[Change.MISSING] & seen[Change.EXTRA]
    return frozenset(table for table, _ in seen[Change.DIFFERENT] | either)
