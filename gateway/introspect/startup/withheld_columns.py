"""At start: the columns that some role may not set in new rows, though it may set others of the table's."""

from collections.abc import Collection, Mapping

from gateway.db.database import Database
from gateway.introspect.tables.model_tables import table_name
from gateway.introspect.tables.table_records import Name
from gateway.request.calls.call import Call
from gateway.schema.tables.metadata import Tables
from gateway.sql.statement import Statement

_WITHHELD = Statement(
    """
    SELECT DISTINCT n.nspname::text, c.relname::text, a.attname::text
    FROM unnest($1::text[], $2::text[]) AS wanted(namespace, name)
    JOIN pg_catalog.pg_namespace AS n ON n.nspname = wanted.namespace
    JOIN pg_catalog.pg_class AS c ON c.relnamespace = n.oid AND c.relname = wanted.name
    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN pg_catalog.pg_roles AS r ON CASE WHEN $3::text[] = '{}' THEN r.rolname = current_user
        ELSE r.rolname = ANY($3::text[]) END
    WHERE has_any_column_privilege(r.oid, c.oid, 'INSERT')
        AND NOT has_column_privilege(r.oid, c.oid, a.attnum, 'INSERT')
    """,
    binds=("schemas", "tables", "roles"),
    fields=(),
    writes=False,
    name="withheld columns",
    constants={},
)


async def withheld_columns(
    database: Database, roles: Collection[str], tables: Tables, call: Call
) -> Mapping[str, frozenset[str]]:
    """Return those columns of each resource, by its message's full name; tables without any aren't there.

    Args:
        database: by the gateway's own role.
        roles: of the callers; empty where all calls run by the gateway's own.
        tables: of the schema.
        call: the gateway's own.

    """
    names = {name: table_name(table) for name, table in tables.tables.items()}
    asked = [[name.schema for name in names.values()], [name.name for name in names.values()], sorted(roles)]
    found: dict[Name, set[str]] = {}
    for schema, table, column in await database.fetch(_WITHHELD, asked, call):
        found.setdefault(Name(schema, table), set()).add(column)
    return {name: frozenset(found[table]) for name, table in names.items() if table in found}
