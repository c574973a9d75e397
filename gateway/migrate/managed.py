"""The record of what migrations made: only that may a later one drop.

A database is shared: with tables of other services, and with columns, checks and indexes that somebody added
by hand. The model says what should be there, never what shouldn't. So each migration notes what exists after
it and did not before, and nothing else is ever dropped.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.introspect.records import Name
from gateway.migrate.impact import Managed
from gateway.migrate.lock import Connection

DIRECT = ""
"""The lineage of changes made without a migrations folder."""


class Part(NamedTuple):
    """A column, constraint or index of a table; the table itself where the name is empty."""

    schema: str
    table: str
    name: str


CREATE = """
CREATE TABLE IF NOT EXISTS rowgate.managed_part (
    schema_name text NOT NULL,
    table_name text NOT NULL,
    part_name text NOT NULL,
    lineage text NOT NULL,
    CONSTRAINT managed_part_pkey PRIMARY KEY (schema_name, table_name, part_name)
)
"""

_PARTS = """
WITH tables AS (
    SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('information_schema') AND n.nspname !~ '^pg_'
)
SELECT schema, name AS "table", '' AS part FROM tables
UNION SELECT t.schema, t.name, a.attname::text FROM tables t
    JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
UNION SELECT t.schema, t.name, k.conname::text FROM tables t
    JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'c', 'f')
UNION SELECT t.schema, t.name, c.relname::text FROM tables t
    JOIN pg_catalog.pg_index i ON i.indrelid = t.oid JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
"""


async def existing_parts(connection: Connection) -> frozenset[Part]:
    """Return every table, column, constraint and index of the database's own schemas."""
    return frozenset(Part(*row) for row in await connection.fetch(_PARTS))


async def read_managed(connection: Connection, lineage: str) -> Managed:
    """Return what earlier migrations made; of whole tables, those of the same lineage.

    Args:
        connection: any.
        lineage: the first revision of the migrations folder; empty for direct changes, which drop no table:
            two services may keep their tables in one database.

    """
    if await connection.fetchval("SELECT to_regclass('rowgate.managed_part') IS NULL"):
        return Managed()
    rows = await connection.fetch(
        "SELECT schema_name, table_name, part_name, lineage FROM rowgate.managed_part "
        "WHERE schema_name <> 'rowgate'"
    )
    return Managed(
        tables=frozenset(
            Name(r[0], r[1]) for r in rows if not r[2] and r[3] == lineage and lineage != DIRECT
        ),
        parts=frozenset((Name(r[0], r[1]), r[2]) for r in rows if r[2]),
    )


async def note(connection: Connection, before: Iterable[Part], lineage: str) -> None:
    """Note what is there now and was not before, and forget what is gone; in the migration's transaction."""
    await connection.execute(CREATE)
    after = await existing_parts(connection)
    new = sorted(after - frozenset(before))
    held = {
        Part(*row)
        for row in await connection.fetch(
            "SELECT schema_name, table_name, part_name FROM rowgate.managed_part"
        )
    }
    gone = sorted(held - after)
    if gone:
        await connection.execute(
            "DELETE FROM rowgate.managed_part WHERE (schema_name, table_name, part_name) IN "
            "(SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))",
            *map(list, zip(*gone, strict=True)),
        )
    if new:
        await connection.execute(
            "INSERT INTO rowgate.managed_part SELECT *, $4 FROM unnest($1::text[], $2::text[], $3::text[]) "
            "ON CONFLICT (schema_name, table_name, part_name) DO UPDATE SET lineage = excluded.lineage",
            *map(list, zip(*new, strict=True)),
            lineage,
        )
