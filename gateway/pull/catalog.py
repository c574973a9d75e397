"""The relations of a database: what there is to be served, and what the role may do with each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from gateway.introspect.tables.catalog import RELATIONS, Connection, read_catalog
from gateway.introspect.tables.ddl import QUALIFY_NAMES
from gateway.introspect.tables.distribution import with_found_distributions
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.schema.tables.internal import INTERNAL_SCHEMA

# Everything with rows, but what is PostgreSQL's, a session's, an extension's view or the gateway's own.
_RELATIONS = """
SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind,
    c.relispartition AS is_partition,
    ARRAY(SELECT p FROM pg_catalog.unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
          WHERE pg_catalog.has_schema_privilege(n.oid, 'USAGE')
            AND pg_catalog.has_table_privilege(c.oid, p)) AS privileges,
    pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT') AS reads_some
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind::text = ANY($3) AND c.relpersistence <> 't'
    AND NOT (c.relkind = 'v' AND EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'))
    AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', $1)
    AND (n.nspname = ANY($2) OR pg_catalog.cardinality($2) = 0)
ORDER BY n.nspname, c.relname
"""

_UNUSABLE = """
SELECT pg_catalog.quote_ident(nspname) AS name FROM pg_catalog.pg_namespace
WHERE NOT pg_catalog.has_schema_privilege(oid, 'USAGE')
"""

_ENUMS = """
SELECT n.nspname::text AS schema, t.typname::text AS name
FROM pg_catalog.pg_type t
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'e'
"""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table, view or the like.

    Args:
        name: its schema and name.
        kind: pg_class.relkind.
        is_partition: whether its rows are another table's.
        privileges: what the role may do: SELECT, INSERT, UPDATE, DELETE.
        reads_some: whether it may read some of the columns.

    """

    name: Name
    kind: str
    is_partition: bool
    privileges: frozenset[str]
    reads_some: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a database holds.

    Args:
        database: its name.
        relations: all of them, by schema and name.
        catalog: what it says of them.
        unusable: the schemas, in SQL's spelling, whose types the role may not name.

    """

    database: str
    relations: Sequence[Relation]
    catalog: Catalog
    unusable: Collection[str]


async def read_database(connection: Connection, schemas: Collection[str]) -> Found:
    """Return what the schemas hold, all but PostgreSQL's without any, by one transaction that reads.

    Args:
        connection: outside a transaction.
        schemas: their names.

    """
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    try:
        await connection.execute(QUALIFY_NAMES)
        [database] = await connection.fetch("SELECT pg_catalog.current_database()::text AS name")
        rows = await connection.fetch(_RELATIONS, INTERNAL_SCHEMA, sorted(schemas), RELATIONS)
        relations = [
            Relation(
                Name(row["schema"], row["name"]),
                row["kind"],
                row["is_partition"],
                frozenset(row["privileges"]),
                row["reads_some"],
            )
            for row in rows
        ]
        enums = [Name(row["schema"], row["name"]) for row in await connection.fetch(_ENUMS)]
        unusable = [row["name"] for row in await connection.fetch(_UNUSABLE)]
        read = await read_catalog(connection, [one.name for one in relations], enums, RELATIONS)
        catalog = await with_found_distributions(connection, read)
    finally:
        await connection.execute("ROLLBACK")
    return Found(database["name"], relations, catalog, unusable)
