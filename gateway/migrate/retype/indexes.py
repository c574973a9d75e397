"""Indexes of columns whose types change: each gets a counterpart over the new columns, built before."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from hashlib import sha256

from gateway.introspect.drift.matching import parts_of
from gateway.introspect.tables.ddl import quote, quoted
from gateway.introspect.tables.definitions import create_index
from gateway.introspect.tables.table_records import Index, Key, Name, Table
from gateway.migrate.plan.online import Buildable, index_of
from gateway.migrate.plan.scope import Managed
from gateway.migrate.plan.steps import Run, Step
from gateway.migrate.retype.shadow_columns import Shadow

_DIGITS = 12


def obstacle(wanted: Table, part: Buildable) -> str:
    """Return why a part keeps a column of its own in its place; empty where it doesn't."""
    if isinstance(part, Key):
        return f"key {part.name} holds it" if part.primary or part.deferrable else _change_of(wanted, part)
    if part.where is not None or not part.plain or set(part.reads) - set(part.plain) - set(_included(part)):
        return f"index {part.name} is over an expression, or some rows"
    return _change_of(wanted, part) if part.unique else ""


def _change_of(wanted: Table, part: Buildable) -> str:
    return "" if part in parts_of(wanted) else f"{part.name} changes with it, which guards rows"


def to_replace(wanted: Table, found: Table, columns: Collection[str]) -> list[Buildable]:
    """Return the indexes over these columns that stay as they are, also those of unique keys."""
    parts: tuple[Buildable, ...] = (*found.keys.values(), *found.indexes.values())
    return [
        part
        for part in parts
        if part in parts_of(wanted)
        and set(columns) & set(part.columns if isinstance(part, Key) else part.reads)
    ]


def build_counterpart(
    table: Table, part: Buildable, columns: Collection[str], managed: Managed
) -> Iterator[Step]:
    """Yield the step that builds the counterpart; none where it is there and recorded."""
    name = _name(part)
    if name not in table.indexes or not managed.made("index", table.name, name):
        index = _over_new(part if isinstance(part, Index) else index_of(part), table.name, columns)
        yield Step(
            create_index(replace(index, name=name), quoted(table.name), concurrently=True),
            f"index {part.name} of {table.name} is needed over what takes the place of its columns",
            run=Run.OUTSIDE,
            index=(table.name, name),
        )


def take_place(table: Table, part: Buildable) -> Iterator[Step]:
    """Yield what puts the counterpart in the index's place."""
    reason = f"index {part.name} of {table.name} gives way to the one over the new columns"
    if isinstance(part, Key):
        yield Step(f"ALTER TABLE {quoted(table.name)} DROP CONSTRAINT {quote(part.name)}", reason)
    else:
        yield Step(f"DROP INDEX {quoted(Name(table.name.schema, part.name))}", reason)
    counterpart = quoted(Name(table.name.schema, _name(part)))
    yield Step(f"ALTER INDEX {counterpart} RENAME TO {quote(part.name)}", reason)


def _name(part: Buildable) -> str:
    return f"rowgate_new_{sha256(part.name.encode()).hexdigest()[:_DIGITS]}"


def _over_new(index: Index, table: Name, columns: Collection[str]) -> Index:
    """Return the index with the new columns' names in place of the columns'."""
    texts = zip(index.columns, index.plain or map(_name_in, index.columns), strict=True)
    return replace(
        index,
        columns=tuple(_renamed(text, name, table, columns) for text, name in texts),
        include=tuple(_renamed(text, _name_in(text), table, columns) for text in index.include),
    )


def _renamed(text: str, name: str, table: Name, columns: Collection[str]) -> str:
    """Return what an index has of a column, such as `"At" DESC`, for the new column."""
    if name not in columns:
        return text
    printed = '"{}"'.format(name.replace('"', '""')) if text.startswith('"') else name
    return quote(Shadow(table, name).new) + text.removeprefix(printed)


def _name_in(text: str) -> str:
    """Return the name of a column as PostgreSQL prints it, quoted where it must be."""
    return text[1:-1].replace('""', '"') if text.startswith('"') else text


def _included(index: Index) -> list[str]:
    return [_name_in(text) for text in index.include]
