"""The sequences that number new rows."""

from sqlalchemy.dialects import postgresql

from gateway.schema.model import Field, Resource

_PREPARER = postgresql.dialect().identifier_preparer  # type: ignore[no-untyped-call]


def sequence_of(resource: Resource, field: Field) -> str:
    """Return the SQL that looks a column's sequence up: an identity's own, or the one its default draws from.

    That one need not belong to the column, as PostgreSQL's `pg_get_serial_sequence` asks: many a schema makes
    a sequence for itself, and names it in the default alone.
    """
    name = f"{_PREPARER.quote_identifier(resource.schema)}.{_PREPARER.quote_identifier(resource.table)}"
    table, column = _literal(name), _literal(field.column)
    return (
        f"(SELECT coalesce(max(s.oid), pg_get_serial_sequence({table}, {column})::regclass::oid)::regclass "  # noqa: S608 - names of the schema's
        "FROM pg_catalog.pg_attribute a "
        "JOIN pg_catalog.pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum "
        "JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.objid = f.oid "
        "AND d.refclassid = 'pg_catalog.pg_class'::regclass "
        "JOIN pg_catalog.pg_class s ON s.oid = d.refobjid AND s.relkind = 'S' "
        f"WHERE a.attrelid = to_regclass({table}) AND a.attname = {column})"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
