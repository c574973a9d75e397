"""A few rows for the tables that a product left empty, and what materialized views make of them."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import asyncpg

# Which columns a table takes values for, and what these are.
_COLUMNS = """
SELECT a.attrelid::regclass::text AS relation, pg_catalog.quote_ident(a.attname) AS name,
    pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, t.typcategory::text AS category,
    pg_catalog.format_type(CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END, NULL) AS base,
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS required
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND n.nspname !~ '^(pg_|information_schema$)'
    AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attrelid, a.attnum
"""
_MATERIALIZED = "SELECT oid::regclass::text AS relation FROM pg_catalog.pg_class WHERE relkind = 'm'"

# A text for the value of row n, where its number isn't one.
_TEXTS: Mapping[str, str] = {
    "boolean": "n % 2",
    "bytea": r"'\x0' || n",
    "bit": "n % 2",
    "cidr": "'192.0.2.' || n",
    "date": "'2026-01-0' || n",
    "inet": "'192.0.2.' || n",
    "interval": "n || ' hours'",
    "json": "'{}'",
    "jsonb": "'{}'",
    "macaddr": "'08:00:2b:01:02:0' || n",
    "point": "'(1,' || n || ')'",
    "time without time zone": "'10:00:0' || n",
    "time with time zone": "'10:00:0' || n || '+02'",
    "timestamp without time zone": "'2026-01-0' || n",
    "timestamp with time zone": "'2026-01-0' || n",
    "uuid": "pg_catalog.md5(n::text)",
    "xml": "'<a/>'",
}


async def fill(dsn: str) -> None:
    """Put rows into empty tables, past references and triggers.

    Three rows have all values, two more only those that must be there, so that the others are NULL or
    defaults; a table whose checks want others stays empty.
    """
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET session_replication_role = replica")
        columns: dict[str, list[asyncpg.Record]] = {}
        for row in await connection.fetch(_COLUMNS):
            columns.setdefault(row["relation"], []).append(row)
        empty = [
            relation
            for relation in columns
            if not await connection.fetchval(f"SELECT EXISTS (SELECT FROM {relation})")  # noqa: S608 - a name
        ]
        for relation in empty:
            required = [one for one in columns[relation] if one["required"]]
            await _insert(connection, relation, columns[relation], "1, 3")
            await _insert(connection, relation, required, "4, 5")
        await connection.execute("SET session_replication_role = origin")
        for row in await connection.fetch(_MATERIALIZED):
            await connection.execute(f"REFRESH MATERIALIZED VIEW {row['relation']}")
    finally:
        await connection.close()


async def _insert(
    connection: asyncpg.Connection, relation: str, columns: Sequence[asyncpg.Record], numbers: str
) -> None:
    """Insert rows, where the table takes them."""
    names = ", ".join(one["name"] for one in columns)
    values = ", ".join(f"({_text(one)})::text::{one['type']}" for one in columns)
    into = f"{relation} ({names}) OVERRIDING SYSTEM VALUE" if names else relation
    with suppress(asyncpg.IntegrityConstraintViolationError, asyncpg.DataError):
        await connection.execute(
            f"INSERT INTO {into} SELECT {values} FROM pg_catalog.generate_series({numbers}) n"  # noqa: S608 - names
        )


def _text(column: asyncpg.Record) -> str:
    if column["category"] == "A":
        return "'{}'"
    if column["category"] == "E":
        return f"(pg_catalog.enum_range(NULL::{column['type']}))[1]"
    return _TEXTS.get(column["base"], "n")
