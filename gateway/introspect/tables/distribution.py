"""How Citus spreads tables over its nodes: as its catalog has it, and as the model wants it.

What it keeps is in pg_dist_partition, a row for each table that is not PostgreSQL's alone:
https://docs.citusdata.com/en/stable/develop/api_metadata.html#partition-table.
"""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import MetaData

from gateway.introspect.tables.catalog import Connection
from gateway.introspect.tables.table_records import Catalog, Distribution, Name
from gateway.schema import model
from gateway.schema.tables.internal import INTERNAL_SCHEMA
from gateway.schema.tables.metadata import DISTRIBUTION

CITUS = "citus"
"""The extension."""
TWO_PHASES = "rowgate_two_phases"
"""The trigger by which all nodes commit what writes the gateway's own tables, or none does."""

# Kinds are told by partmethod (h: by hash, n: by none) and repmodel (t: on all nodes). What is colocated with
# nothing is on the coordinator, and known to Citus for a foreign key's sake.
_DISTRIBUTED = """
SELECT n.nspname::text AS schema, c.relname::text AS name, p.partmethod::text AS method,
    p.repmodel::text AS model, pg_catalog.column_to_column_name(c.oid, p.partkey) AS "column",
    CASE WHEN p.partmethod = 'h' THEN (
        SELECT pg_catalog.array_agg(ARRAY[on_.nspname, oc.relname]::text[])
        FROM pg_catalog.pg_dist_partition o
        JOIN pg_catalog.pg_class oc ON oc.oid = o.logicalrelid
        JOIN pg_catalog.pg_namespace on_ ON on_.oid = oc.relnamespace
        WHERE o.colocationid = p.colocationid AND o.logicalrelid <> p.logicalrelid
    ) END AS colocated
FROM pg_catalog.pg_dist_partition p
JOIN pg_catalog.pg_class c ON c.oid = p.logicalrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE p.colocationid <> 0
"""
_TOGETHER = """
SELECT n.nspname::text AS schema, c.relname::text AS name
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE t.tgname = $1 AND t.tgenabled IN ('O', 'A')
"""


async def with_found_distributions(connection: Connection, catalog: Catalog) -> Catalog:
    """Return what the database holds, with how its tables are spread.

    Args:
        connection: inside a transaction.
        catalog: the database, with its extensions.

    """
    if CITUS not in catalog.extensions:
        return catalog
    rows = await connection.fetch(_DISTRIBUTED)
    found = {
        Name(row["schema"], row["name"]): Distribution(
            row["column"],
            frozenset(Name(*one) for one in row["colocated"] or ()),
            otherwise=""
            if row["method"] == "h" or row["model"] == "t"
            else "spread with its schema, or by ranges",
        )
        for row in rows
    }
    return _spread(catalog, found, await tables_in_two_phases(connection))


async def tables_in_two_phases(connection: Connection) -> set[Name]:
    """Return the tables of the gateway's own whose writes are committed with the shards."""
    return {Name(*row) for row in await connection.fetch(_TOGETHER, TWO_PHASES)}


def with_wanted_distributions(catalog: Catalog, metadata: MetaData) -> Catalog:
    """Return the model's tables, with how they are to be spread, and the extension that takes."""
    wanted = distributions_of(metadata)
    if not wanted:
        return catalog
    own = {name for name in catalog.tables if name.schema == INTERNAL_SCHEMA}
    return replace(_spread(catalog, wanted, own), extensions=catalog.extensions | {CITUS})


def distributions_of(metadata: MetaData) -> Mapping[Name, Distribution]:
    """Return how the model's tables are to be spread, without those of one node."""
    return {
        Name(table.schema or "public", table.name): _wanted(table.info[DISTRIBUTION])
        for table in metadata.tables.values()
        if table.info.get(DISTRIBUTION) is not None
    }


def _wanted(distribution: model.Distribution) -> Distribution:
    beside = distribution.colocate_with
    return Distribution(distribution.column, frozenset() if beside is None else frozenset({Name(*beside)}))


def _spread(catalog: Catalog, found: Mapping[Name, Distribution], together: set[Name]) -> Catalog:
    return replace(
        catalog,
        tables={
            name: replace(table, distribution=found.get(name), in_two_phases=name in together)
            for name, table in catalog.tables.items()
        },
    )
