"""Names and scratch tables as SQL text. SQLAlchemy quotes every identifier that needs it."""

from collections.abc import Iterator, Sequence

from sqlalchemy import Constraint, Table
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement
from sqlalchemy.types import TypeEngine

from gateway.introspect.tables.table_records import Name
from gateway.schema.tables.literals import literal

DEFAULT_SCHEMA = "public"

QUALIFY_NAMES = "SET LOCAL search_path TO pg_catalog, pg_temp; SET LOCAL quote_all_identifiers TO off"
"""After it PostgreSQL prints every name with its schema, but its own, and quotes those that need it."""

TYPES_FIRST = (
    "SELECT set_config('search_path', "
    "pg_catalog.concat_ws(', ', nullif(current_setting('search_path'), ''), 'pg_temp'), true)"
)
"""After it `point` is the type, also beside a temporary table called so: unnamed, pg_temp comes first."""

_DIALECT = postgresql.asyncpg.dialect()  # type: ignore[no-untyped-call]
_PREPARER = _DIALECT.identifier_preparer


def quote(name: str) -> str:
    """Return an identifier, quoted where it must be."""
    return str(_PREPARER.quote(name))


def quoted(name: Name) -> str:
    """Return `schema.name`, each quoted where it must be."""
    return f"{quote(name.schema)}.{quote(name.name)}"


def type_text(kind: TypeEngine[object]) -> str:
    """Return a type as DDL spells it."""
    return str(kind.compile(dialect=_DIALECT))


def constraint_name(constraint: Constraint) -> str:
    """Return the name that a constraint has in the database, by the naming convention."""
    formatted = _PREPARER.format_constraint(constraint)
    if not formatted:
        raise ValueError(f"a constraint of table {constraint.table} has no name")
    return formatted[1:-1].replace('""', '"') if formatted.startswith('"') else str(formatted)


def create_schema(schema: str) -> str:
    """Return CREATE SCHEMA."""
    return f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"


def create_extension(extension: str) -> str:
    """Return CREATE EXTENSION."""
    return f"CREATE EXTENSION IF NOT EXISTS {quote(extension)}"


def create_enum(name: Name, labels: Sequence[str]) -> str:
    """Return CREATE TYPE … AS ENUM."""
    return f"CREATE TYPE {quoted(name)} AS ENUM ({', '.join(map(literal, labels))})"


def scratch_name(table: str) -> str:
    """Return the quoted name of a temporary table."""
    return f"pg_temp.{quote(table)}"


def create_scratch(table: Table) -> Iterator[str]:
    """Yield what makes a temporary table of the same name, with the same keys, checks and indexes."""
    real = quoted(Name(table.schema or DEFAULT_SCHEMA, table.name))
    scratch = scratch_name(table.name)
    create = _text(CreateTable(table, include_foreign_key_constraints=[]))
    yield create.replace(f"CREATE TABLE {real} ", f"CREATE TABLE {scratch} ", 1)
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield _text(CreateIndex(index)).replace(f" ON {real} ", f" ON {scratch} ", 1)


def _text(element: ExecutableDDLElement) -> str:
    compiled = element.compile(
        dialect=_DIALECT, schema_translate_map={None: DEFAULT_SCHEMA}, render_schema_translate=True
    )
    return str(compiled).strip()
