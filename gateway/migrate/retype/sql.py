"""The statements that fill a column from another, in PostgreSQL's own language, as scripts run them too.

Transactions in blocks: https://www.postgresql.org/docs/current/plpgsql-transactions.html.
"""

from gateway.introspect.tables.ddl import quote, quoted
from gateway.introspect.tables.table_records import Name, Table
from gateway.migrate.plan.record import REFUSED
from gateway.migrate.plan.widening import conversion
from gateway.migrate.retype.shadow_columns import Shadow
from gateway.schema.tables.literals import literal

UNFIT = "RG002"
"""The SQLSTATE of a value that the new type can't hold, found when rows were filled already."""

_BATCH = "100 ms"
"""How long a batch may keep writers from its rows, about."""
_FIRST_PAGES, _MOST_PAGES = 16, 4096


def converted(column: str, old: str, new: str) -> str:
    """Return the expression of a quoted column in its new type, as an assignment takes it."""
    return conversion(column, old, new).removeprefix(" USING ") or column


def look(table: Table, column: str, old: str, new: str) -> str:
    """Return the statement that fails, naming the row, where a row holds a value that doesn't fit."""
    body = _look(table, column, old, new, REFUSED)
    return f"DO $look$\nDECLARE\n    rowgate_row record;\n    rowgate_value {new};\nBEGIN\n{body}\nEND $look$"


def _look(table: Table, column: str, old: str, new: str, state: str) -> str:
    """Return what reads row by row: the one that it failed at is known then."""
    name = quote(column)
    key = next((key.columns for key in table.keys.values() if key.primary), ())
    columns = ", ".join([name, *map(quote, key)] if key else [name, "ctid AS rowgate_place"])
    told = ", ' and ', ".join(
        f"pg_catalog.format('%s = %L', {literal(part)}, rowgate_row.{quote(part)})" for part in key
    )
    where = told or "'ctid = ', rowgate_row.rowgate_place"
    begins = literal(f"column {table.name}.{column} can't become {new}: the row with ")
    return f"""    BEGIN
        FOR rowgate_row IN SELECT {columns} FROM {quoted(table.name)} WHERE {name} IS NOT NULL LOOP
            rowgate_value := {converted(f"rowgate_row.{name}", old, new)};
        END LOOP;
    EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
        RAISE EXCEPTION USING ERRCODE = '{state}', MESSAGE = pg_catalog.concat(
            {begins}, {where}, ' holds a value that doesn''t fit: ', SQLERRM);
    END;"""  # noqa: S608 - quoted names, and types as PostgreSQL prints them


def trigger_function(shadow: Shadow, old: str, new: str) -> str:
    """Return the statement that makes the function."""
    value = converted(f"NEW.{quote(shadow.column)}", old, new)
    return (
        f"CREATE OR REPLACE FUNCTION {quoted(shadow.function)}() RETURNS trigger LANGUAGE plpgsql\n"
        f"AS $fill$\nBEGIN\n    NEW.{quote(shadow.new)} := {value};\n    RETURN NEW;\nEND $fill$"
    )


def backfill(table: Table, shadow: Shadow, old: str, new: str) -> str:
    """Return the statement that fills the rows that are there.

    It goes through the table page by page, each batch in a transaction of its own: rows that come later are
    the trigger's. At first it passes by those that others hold, so that nobody can wait for it in a circle.
    It can be run again, and skips what is filled.
    """
    name, target = quote(shadow.column), quote(shadow.new)
    rows = quoted(table.name)
    fill = f"UPDATE {rows} SET {target} = {converted(name, old, new)}"  # noqa: S608 - quoted names
    todo = (
        "ctid >= pg_catalog.format('(%s,0)', rowgate_page)::tid "
        "AND ctid < pg_catalog.format('(%s,0)', rowgate_page + rowgate_size)::tid "
        f"AND {name} IS NOT NULL AND {target} IS NULL"
    )
    return f"""DO $backfill$
DECLARE
    rowgate_pages bigint := pg_catalog.pg_relation_size({literal(rows)})
        / pg_catalog.current_setting('block_size')::bigint;
    rowgate_page bigint;
    rowgate_size bigint;
    rowgate_begun timestamptz;
    rowgate_row record;
    rowgate_value {new};
BEGIN
    FOR rowgate_pass IN 1..2 LOOP
        rowgate_page := 0;
        rowgate_size := {_FIRST_PAGES};
        WHILE rowgate_page < rowgate_pages LOOP
            rowgate_begun := pg_catalog.clock_timestamp();
            BEGIN
                IF rowgate_pass = 1 THEN
                    {fill} WHERE ctid = ANY (ARRAY(
                        SELECT ctid FROM {rows} WHERE {todo} FOR NO KEY UPDATE SKIP LOCKED));
                ELSE
                    {fill} WHERE {todo};
                END IF;
            EXCEPTION WHEN data_exception OR integrity_constraint_violation THEN
{_indented(_look(table, shadow.column, old, new, UNFIT), 3)}
                RAISE;
            END;
            COMMIT;
            rowgate_page := rowgate_page + rowgate_size;
            rowgate_size := CASE
                WHEN pg_catalog.clock_timestamp() - rowgate_begun > interval '{_BATCH}'
                THEN greatest(rowgate_size / 2, 1)
                WHEN pg_catalog.clock_timestamp() - rowgate_begun < interval '{_BATCH}' / 2
                THEN least(rowgate_size * 2, {_MOST_PAGES})
                ELSE rowgate_size END;
        END LOOP;
    END LOOP;
END $backfill$"""  # noqa: S608 - quoted names, and types as PostgreSQL prints them


def _indented(text: str, levels: int) -> str:
    return "\n".join(f"{'    ' * levels}{line}" for line in text.splitlines())


def drop_function(function: Name) -> str:
    """Return the statement that drops the trigger's function."""
    return f"DROP FUNCTION IF EXISTS {quoted(function)}()"
