"""Columns that get another name because a flag says so; nothing is told from names alone."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from gateway.introspect import Sides
from gateway.introspect.tables.ddl import DEFAULT_SCHEMA, quote, quoted
from gateway.introspect.tables.table_records import Name
from gateway.migrate.errors import MigrationError
from gateway.migrate.plan.field_numbers import Fields
from gateway.migrate.plan.record import Recorded, number
from gateway.migrate.plan.scope import Managed
from gateway.migrate.plan.steps import Step


def with_renames(managed: Managed, sides: Sides, fields: Fields) -> Managed:
    """Return what may be changed, once columns are renamed as the flags say.

    What was renamed by an earlier migration already, or isn't made yet, is passed over.

    Args:
        managed: what may be changed, and the flags.
        sides: model and database, before any renaming.
        fields: the field of each column.

    Raises MigrationError for a flag that names no column that Rowgate made, or no other that the schema has.

    """
    renamed: dict[Name, dict[str, str]] = {}
    settled: set[Recorded] = set()
    for text in managed.renames:
        old, _, new = text.partition("=")
        column = _column(text, old, sides)
        names = renamed.setdefault(column.table, {})
        both = {column, column._replace(name=new)}
        if new != column.name and all(_is_known(one, managed, fields) for one in both):
            continue
        if not _is_to_do(text, column, new, sides, names):
            continue
        if not managed.made(*column):
            raise _refused(text, "Rowgate didn't make that column: rename it yourself, or keep its name")
        names[column.name] = new
        settled.add(column._replace(name=new))
    record = {_moved(made, renamed): origin for made, origin in managed.record.items()}
    return replace(managed, record=record, renamed=renamed, settled=frozenset(settled))


def other_names_of(managed: Managed) -> dict[Name, dict[str, str]]:
    """Return the columns that get another name, without those of which a flag says that they keep theirs."""
    changed = {
        table: {old: new for old, new in names.items() if old != new}
        for table, names in managed.renamed.items()
    }
    return {table: names for table, names in changed.items() if names}


def rename_columns(managed: Managed, fields: Fields) -> Iterator[Step]:
    """Yield what renames columns, or records that one belongs to a field of another number."""
    for table, names in managed.renamed.items():
        for old, new in names.items():
            column = Recorded("column", table, new)
            if old != new:
                yield _rename(table, old, new)
            elif column in fields and managed.record[column].number != fields[column].number:
                to = fields[column].number
                yield Step(number(column, to), f"column {table}.{new} is that of field number {to}")


def _rename(table: Name, old: str, new: str) -> Step:
    return Step(
        f"ALTER TABLE {quoted(table)} RENAME COLUMN {quote(old)} TO {quote(new)}",
        f"column {table}.{old} is called {new}: gateways from before it fail on the table from here on",
        breaks=f"renames column {table}.{old} to {new}",
    )


def _column(text: str, old: str, sides: Sides) -> Recorded:
    columns = [
        Recorded("column", table, old.removeprefix(spelling))
        for table in sides.wanted.tables
        for spelling in _spellings(table)
        if old.startswith(spelling)
    ]
    if len(columns) != 1:
        wrong = "names several" if columns else "names no table of the schema"
        raise _refused(text, f"{wrong}: write it as `public.orders.total=amount`")
    return columns[0]


def _spellings(table: Name) -> tuple[str, ...]:
    """Return how a column of it may begin."""
    return (f"{table}.", *([f"{table.name}."] if table.schema == DEFAULT_SCHEMA else []))


def _is_to_do(text: str, column: Recorded, new: str, sides: Sides, names: Mapping[str, str]) -> bool:
    """Return whether the database has the old name, and not the new one but where both are one."""
    if new not in sides.wanted.tables[column.table].columns:
        raise _refused(text, f"the schema has no column {new or '(nothing)'} there")
    if column.table not in sides.found.tables:
        return False
    there = {names.get(name, name) for name in sides.found.tables[column.table].columns}
    if column.name not in there and new not in there:
        raise _refused(text, f"the database has no column {column.name} there")
    if column.name in there and new in there and column.name != new:
        raise _refused(text, f"the database has both {column.name} and {new}")
    return column.name in there


def _is_known(column: Recorded, managed: Managed, fields: Fields) -> bool:
    """Return whether the record says of a column what the schema says."""
    origin, field = managed.record.get(column), fields.get(column)
    return origin is not None and field is not None and origin.number == field.number


def _moved(made: Recorded, renamed: Mapping[Name, Mapping[str, str]]) -> Recorded:
    if made.kind != "column":
        return made
    return made._replace(name=renamed.get(made.table, {}).get(made.name, made.name))


def _refused(text: str, wrong: str) -> MigrationError:
    return MigrationError(f"--rename {text}: {wrong}")
