"""The record of what migrations made: tables, columns, constraints, indexes and enum types.

A database is shared, and a name says nothing of who made what bears it. So a migration looks at what is there
before its first statement, and notes before its COMMIT what is there besides and comes from its own
transaction. A table counts as recorded only while it is the one that was made, not another of its name; a
constraint or an index only while its definition is the one that was noted.
All of it is SQL, so that revisions and printed scripts keep the record as well.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from gateway.introspect.tables.ddl import QUALIFY_NAMES, quoted
from gateway.introspect.tables.table_records import Name
from gateway.introspect.tables.temporary_tables import undone
from gateway.migrate.locks.lock import Connection
from gateway.schema.tables.literals import literal

VERSION_TABLE = "revision"
"""The table, beside the gateway's own, that holds the database's revision."""

DIRECT = ""
"""The lineage of changes made without a migrations folder."""


class Recorded(NamedTuple):
    """A table, enum type, column, constraint or index; the first two have no name beside the table's."""

    kind: str
    table: Name
    name: str = ""


class Origin(NamedTuple):
    """By what something was made."""

    lineage: str
    number: int | None = None
    """The number of the field that a column was made from, where that is known."""


REFUSED = "RG001"
"""The SQLSTATE by which a migration's own statements refuse it."""

_OBJECTS = """
    WITH own AS (
        SELECT oid, nspname::text AS name FROM pg_catalog.pg_namespace
        WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
    ), tables AS (
        SELECT c.oid, n.name AS schema, c.relname::text AS name, c.xmin
        FROM pg_catalog.pg_class c JOIN own n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p')
    ), objects (class, id, sub, made_by, kind, holder, schema_name, table_name, object_name) AS (
        SELECT 'pg_class', oid, 0, xmin, 'table', oid, schema, name, '' FROM tables
        UNION ALL
        SELECT 'pg_class', t.oid, a.attnum, a.xmin, 'column', t.oid, t.schema, t.name, a.attname::text
        FROM tables t
        JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT 'pg_constraint', k.oid, 0, k.xmin, 'constraint', t.oid, t.schema, t.name, k.conname::text
        FROM tables t
        JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u', 'c', 'f')
        UNION ALL SELECT 'pg_class', c.oid, 0, c.xmin, 'index', t.oid, t.schema, t.name, c.relname::text
        FROM tables t JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
        JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
        WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid
                          AND k.contype IN ('p', 'u', 'x'))
        UNION ALL SELECT 'pg_type', t.oid, 0, t.xmin, 'type', t.oid, n.name, t.typname::text, ''
        FROM pg_catalog.pg_type t JOIN own n ON n.oid = t.typnamespace WHERE t.typtype = 'e'
    )
"""

_BUILDING = "building"
"""The definition of an index that a migration is about to build."""

# Asked only of what migrations made: it waits for whoever has locked the table.
_DEFINITION = """CASE kind WHEN 'constraint' THEN pg_catalog.pg_get_constraintdef(id)
                WHEN 'index' THEN pg_catalog.pg_get_indexdef(id) ELSE '' END"""

# A table made again is another one, as its object id tells. A restored dump has other ids, of the record too.
# A record from before there were fields' numbers in it is read as well.
_RECORDED = f"""{_OBJECTS}, named AS MATERIALIZED (
        SELECT o.*, m.definition, m.lineage,
            (pg_catalog.to_jsonb(m)->>'field_number')::integer AS field_number
        FROM rowgate.managed_object m JOIN objects o USING (kind, schema_name, table_name, object_name)
        WHERE (m.holder_id, m.column_number) = (o.holder, o.sub)
            OR m.record_id <> 'rowgate.managed_object'::pg_catalog.regclass
    )
    SELECT class, id, sub, kind, schema_name, table_name, object_name, lineage, field_number
    FROM named WHERE definition IN ({_DEFINITION}, {literal(_BUILDING)})
"""  # noqa: S608 - made of constants

# Names in definitions are printed by these two settings, which are the script's afterwards as before.
_BLOCK = """DO $record$
DECLARE
    path text := current_setting('search_path');
    quoting text := current_setting('quote_all_identifiers');
    lost text;
BEGIN
    PERFORM set_config('search_path', 'pg_catalog, pg_temp', true);
    PERFORM set_config('quote_all_identifiers', 'off', true);
{body}
    PERFORM set_config('search_path', path, true);
    PERFORM set_config('quote_all_identifiers', quoting, true);
END $record$"""

# Constraints and indexes of others that went with a recorded column, whoever wrote what drops it.
_LOST = """
    SELECT string_agg(pg_catalog.format('%s %I of %I.%I', kind, object_name, schema_name, table_name), ', ')
    FROM rowgate_before b
    WHERE kind IN ('constraint', 'index')
        AND NOT EXISTS (SELECT FROM rowgate_after a WHERE (a.class, a.id) = (b.class, b.id))
        AND NOT EXISTS (
            SELECT FROM rowgate_after a
            WHERE (a.kind, a.holder, a.object_name) = (b.kind, b.holder, b.object_name)
        )
        AND EXISTS (SELECT FROM rowgate_after a WHERE a.kind = 'table' AND a.id = b.holder)
        AND b.holder IN (
            SELECT r.id FROM rowgate_recorded r
            WHERE r.kind = 'column'
                AND NOT EXISTS (
                    SELECT FROM rowgate_after a WHERE (a.class, a.id, a.sub) = (r.class, r.id, r.sub)
                )
        )
"""

# Two scripts at once would each keep what it found: the second waits for the first.
BEGIN = _BLOCK.format(
    body=f"""
    IF to_regnamespace('rowgate') IS NULL THEN
        CREATE SCHEMA rowgate;
    END IF;
    IF to_regclass('rowgate.managed_object') IS NULL THEN
        CREATE TABLE rowgate.managed_object (
            kind text NOT NULL,
            schema_name text NOT NULL,
            table_name text NOT NULL,
            object_name text NOT NULL,
            definition text NOT NULL,
            lineage text NOT NULL,
            holder_id oid NOT NULL,
            column_number integer NOT NULL,
            record_id oid NOT NULL,
            field_number integer,
            CONSTRAINT managed_object_pkey PRIMARY KEY (kind, schema_name, table_name, object_name)
        );
        COMMENT ON TABLE rowgate.managed_object IS 'What migrations of Rowgate made, and may change.';
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_catalog.pg_attribute
        WHERE attrelid = to_regclass('rowgate.managed_object') AND attname = 'field_number'
    ) THEN
        ALTER TABLE rowgate.managed_object ADD COLUMN field_number integer;
    END IF;
    LOCK TABLE rowgate.managed_object IN SHARE ROW EXCLUSIVE MODE;
    CREATE TEMPORARY TABLE rowgate_before ON COMMIT DROP AS {_OBJECTS} SELECT * FROM objects;
    CREATE TEMPORARY TABLE rowgate_recorded ON COMMIT DROP AS {_RECORDED};
"""  # noqa: S608 - made of constants
)
"""The first statement of every migration's transaction."""


def end(lineage: str, numbers: Mapping[Recorded, int] = MappingProxyType({})) -> str:
    """Return the last statement of a migration's transaction: what is left of the record, and what is new.

    A constraint or an index that PostgreSQL builds again, since its column's type changes, is nothing new.
    A column keeps its field's number under another name; one that takes another's place takes its number.

    Args:
        lineage: the first revision of the migrations folder; DIRECT without one.
        numbers: the numbers of the fields that columns are made from, as far as they are new.

    """
    return _BLOCK.format(
        body=f"""
    CREATE TEMPORARY TABLE rowgate_after ON COMMIT DROP AS
    {_OBJECTS} SELECT * FROM objects;
    DELETE FROM rowgate_before b USING rowgate_recorded r
    WHERE (b.class, b.id, b.sub) = (r.class, r.id, r.sub);
    lost := ({_LOST});
    IF lost IS NOT NULL THEN
        RAISE EXCEPTION USING ERRCODE = '{REFUSED}', MESSAGE = 'with a dropped column would go: '
            || lost || '; Rowgate didn''t make that: drop it first, if nobody needs it';
    END IF;
    DELETE FROM rowgate.managed_object;
    INSERT INTO rowgate.managed_object
    SELECT kind, schema_name, table_name, object_name, {_DEFINITION}, lineage, holder, sub,
        'rowgate.managed_object'::regclass, coalesce(new_number, field_number, (
            SELECT f.field_number FROM rowgate_recorded f
            WHERE f.kind = 'column' AND (f.class, f.id, f.object_name) = (o.class, o.id, o.object_name)
        ))
    FROM (
        SELECT a.*, r.lineage, r.field_number
        FROM rowgate_after a JOIN rowgate_recorded r USING (class, id, sub)
        UNION ALL
        SELECT a.*, {literal(lineage)}, NULL FROM rowgate_after a
        WHERE a.made_by = pg_current_xact_id()::xid
            AND NOT EXISTS (
                SELECT FROM rowgate_recorded r WHERE (r.class, r.id, r.sub) = (a.class, a.id, a.sub)
            )
            AND NOT EXISTS (
                SELECT FROM rowgate_before b WHERE (b.class, b.id, b.sub) = (a.class, a.id, a.sub)
            )
            AND NOT EXISTS (
                SELECT FROM rowgate_before b WHERE b.kind IN ('constraint', 'index')
                    AND (b.kind, b.holder, b.object_name) = (a.kind, a.holder, a.object_name)
            )
    ) o LEFT JOIN (
        {_values(numbers)}
    ) n (kind, schema_name, table_name, object_name, new_number)
        USING (kind, schema_name, table_name, object_name);
    DROP TABLE rowgate_before, rowgate_after, rowgate_recorded;
"""  # noqa: S608 - a literal, and constants
    )


def _values(numbers: Mapping[Recorded, int]) -> str:
    rows = [
        f"({', '.join(map(literal, (column.kind, *column.table, column.name)))}, {number})"
        for column, number in numbers.items()
    ]
    return f"VALUES {', '.join(rows)}" if rows else "SELECT '', '', '', '', 0 WHERE false"


def number(column: Recorded, to: int) -> str:
    """Return the statement that records that a column belongs to another field than it was made from."""
    place = zip(
        ("kind", "schema_name", "table_name", "object_name"),
        (column.kind, *column.table, column.name),
        strict=True,
    )
    where = " AND ".join(f"{name} = {literal(value)}" for name, value in place)
    return f"UPDATE pg_temp.rowgate_recorded SET field_number = {to}\nWHERE {where}"  # noqa: S608 - literals


def claim(names: Iterable[Name], lineage: str) -> str:
    """Return the statement that gives what migrations made of these tables and enum types to a folder."""
    listed = ", ".join(f"({literal(name.schema)}, {literal(name.name)})" for name in sorted(names))
    return (
        f"UPDATE pg_temp.rowgate_recorded SET lineage = {literal(lineage)}\n"  # noqa: S608 - literals
        f"WHERE (schema_name, table_name) IN ({listed})"
    )


def adopt(table: Name, parts: Iterable[Recorded]) -> str:
    """Return the statement that records what is there already of one table, or an enum type."""
    listed = ", ".join(sorted(f"({literal(part.kind)}, {literal(part.name)})" for part in parts))
    return (
        "INSERT INTO pg_temp.rowgate_recorded\n"
        "SELECT class, id, sub, kind, schema_name, table_name, object_name, ''\n"
        "FROM pg_temp.rowgate_before b\n"
        f"WHERE schema_name = {literal(table.schema)} AND table_name = {literal(table.name)}\n"
        f"    AND (kind, object_name) IN ({listed})\n"
        "    AND NOT EXISTS (\n"
        "        SELECT FROM pg_temp.rowgate_recorded r\n"
        "        WHERE (r.class, r.id, r.sub) = (b.class, b.id, b.sub)\n"
        "    )"
    )


def building(table: Name, index: str) -> str:
    """Return the statement that records an index before it is built: whoever builds it may be killed."""
    place = ", ".join(map(literal, ("index", *table, index, _BUILDING, DIRECT)))
    return (
        "INSERT INTO rowgate.managed_object (kind, schema_name, table_name, object_name, definition,\n"
        "    lineage, holder_id, column_number, record_id)\n"
        f"VALUES ({place}, to_regclass({literal(quoted(table))}), 0, 'rowgate.managed_object'::regclass)\n"
        "ON CONFLICT (kind, schema_name, table_name, object_name) DO UPDATE SET\n"
        "    definition = excluded.definition, holder_id = excluded.holder_id, record_id = excluded.record_id"
    )


def leftover(table: Name, index: str) -> str:
    """Return the statement that drops an index of that name that a migration began to build, and didn't."""
    name = quoted(Name(table.schema, index))
    return (
        "DO $leftover$\nBEGIN\n"
        "    IF EXISTS (\n"
        "        SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid\n"
        f"        WHERE i.indrelid = to_regclass({literal(quoted(table))})"
        f" AND c.relname = {literal(index)} AND NOT i.indisvalid\n"
        "    ) THEN\n"
        f"        DROP INDEX {name};\n"
        "    END IF;\nEND $leftover$"
    )


async def read_record(connection: Connection) -> dict[Recorded, Origin]:
    """Return what earlier migrations made, as it is now, each with its lineage and field.

    Args:
        connection: inside a transaction, which is as before afterwards.

    """
    async with undone(connection):
        if await connection.fetchval("SELECT to_regclass('rowgate.managed_object') IS NULL"):
            return {}
        await connection.execute(QUALIFY_NAMES)
        rows = await connection.fetch(_RECORDED)
    return {
        Recorded(kind, Name(schema, table), name): Origin(lineage, number)
        for *_, kind, schema, table, name, lineage, number in rows
    }
