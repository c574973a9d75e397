"""From differences to statements: what brings a catalog to the model, in an order that PostgreSQL accepts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from gateway.introspect import ddl
from gateway.introspect.definitions import Part, column_definition, create_index, create_table, definition
from gateway.introspect.records import Catalog, Column, Index, Name, Table
from gateway.migrate.columns import alter_column
from gateway.migrate.impact import Managed, TableChange, table_changes
from gateway.migrate.steps import Step


def plan(wanted: Catalog, found: Catalog, managed: Managed) -> tuple[Step, ...]:
    """Return the statements, none where nothing differs.

    What only the database has is left alone, unless it is in `managed` or forbids every insert.

    Args:
        wanted: the model.
        found: the catalog of the model's tables, and of the managed tables that the model no longer has.
        managed: what earlier migrations made.

    """
    changes = table_changes(wanted, found, managed)
    new = [table for name, table in sorted(wanted.tables.items()) if name not in found.tables]
    old = [table for name, table in sorted(found.tables.items()) if name not in wanted.tables]
    return (
        *_surroundings(wanted, found),
        *_drop_parts(changes.values(), old),
        *_drop_columns(changes.values()),
        *map(_create_table, new),
        *(step for _, change in sorted(changes.items()) for step in _change_columns(change)),
        *(step for _, change in sorted(changes.items()) for step in _add_parts(change)),
        *(step for table in new for step in _indexes(table)),
        *(step for table in new for step in _foreign_keys(table, frozenset())),
        *(
            step
            for _, change in sorted(changes.items())
            for step in _foreign_keys(change.wanted, _kept(change))
        ),
        *_comments(wanted, changes),
        *map(_drop_table, old),
    )


def _surroundings(wanted: Catalog, found: Catalog) -> Iterator[Step]:
    for schema in sorted(wanted.schemas - found.schemas):
        yield Step(ddl.create_schema(schema))
    for extension in sorted(wanted.extensions - found.extensions):
        yield Step(ddl.create_extension(extension))
    for name, labels in sorted(wanted.enums.items()):
        if name not in found.enums:
            yield Step(ddl.create_enum(name, labels))
        else:
            yield from _add_labels(name, labels, found.enums[name])


def _add_labels(name: Name, wanted: Sequence[str], found: Sequence[str]) -> Iterator[Step]:
    """Each new label goes behind its predecessor, or in front of the first that is there."""
    for at, label in enumerate(wanted):
        if label in found:
            continue
        place = f"AFTER {ddl.literal(wanted[at - 1])}" if at else _before_first(found)
        yield Step(
            f"ALTER TYPE {ddl.quoted(name)} ADD VALUE IF NOT EXISTS {ddl.literal(label)} {place}".strip(),
            alone=True,
        )


def _before_first(found: Sequence[str]) -> str:
    return f"BEFORE {ddl.literal(found[0])}" if found else ""


def _create_table(table: Table) -> Step:
    return Step(create_table(table, ddl.quoted(table.name)))


def _drop_parts(changes: Iterable[TableChange], old: Sequence[Table]) -> Iterator[Step]:
    """Drop foreign keys first, for they hold on to keys; then indexes and checks, then keys."""
    changes = sorted(changes, key=lambda change: change.found.name)
    for table, lost in (
        *((c.found, c.lost) for c in changes),
        *((t, frozenset(t.foreign_keys)) for t in old),
    ):
        yield from (_drop_constraint(table, name) for name in table.foreign_keys if name in lost)
    for change in changes:
        schema = change.found.name.schema
        for name in change.found.indexes:
            if name in change.lost:
                yield Step(f"DROP INDEX {ddl.quoted(Name(schema, name))}")
        for name in (*change.found.checks, *change.found.keys):
            if name in change.lost:
                yield _drop_constraint(change.found, name)


def _drop_constraint(table: Table, name: str) -> Step:
    return Step(f"ALTER TABLE {ddl.quoted(table.name)} DROP CONSTRAINT {ddl.quote(name)}")


def _drop_columns(changes: Iterable[TableChange]) -> Iterator[Step]:
    for change in sorted(changes, key=lambda change: change.found.name):
        for column in change.found.columns.values():
            if column.name in change.dropped | change.replaced:
                # A computed column is computed again: nothing is lost with it.
                destroys = "" if column.generated else f"drops column {change.found.name}.{column.name}"
                yield Step(f"{_alter(change.found)} DROP COLUMN {ddl.quote(column.name)}", destroys)


def _drop_table(table: Table) -> Step:
    return Step(f"DROP TABLE {ddl.quoted(table.name)}", f"drops table {table.name}")


def _change_columns(change: TableChange) -> Iterator[Step]:
    for column in _computed_last(change.wanted):
        found = change.found.columns.get(column.name)
        if found is None or column.name in change.replaced:
            yield Step(f"{_alter(change.wanted)} ADD COLUMN {column_definition(column)}")
        else:
            yield from alter_column(change.wanted.name, column, found)


def _computed_last(table: Table) -> Iterator[Column]:
    yield from (column for column in table.columns.values() if column.generated is None)
    yield from (column for column in table.columns.values() if column.generated is not None)


def _add_parts(change: TableChange) -> Iterator[Step]:
    table, kept = change.wanted, _kept(change)
    parts: list[Part] = [*table.keys.values(), *table.checks.values()]
    for part in parts:
        if part.name not in kept:
            yield Step(f"{_alter(table)} ADD CONSTRAINT {ddl.quote(part.name)} {definition(part)}")
    yield from (_create_index(table, index) for index in table.indexes.values() if index.name not in kept)


def _kept(change: TableChange) -> frozenset[str]:
    found = change.found
    return frozenset({*found.keys, *found.checks, *found.foreign_keys, *found.indexes}) - change.lost


def _indexes(table: Table) -> Iterator[Step]:
    yield from (_create_index(table, index) for index in table.indexes.values())


def _create_index(table: Table, index: Index) -> Step:
    return Step(create_index(index, ddl.quoted(table.name)))


def _foreign_keys(table: Table, kept: frozenset[str]) -> Iterator[Step]:
    for key in table.foreign_keys.values():
        if key.name not in kept:
            yield Step(f"{_alter(table)} ADD CONSTRAINT {ddl.quote(key.name)} {definition(key)}")


def _comments(wanted: Catalog, changes: Mapping[Name, TableChange]) -> Iterator[Step]:
    for name, table in sorted(wanted.tables.items()):
        change = changes.get(name)
        if table.comment != (change.found.comment if change else None):
            yield Step(f"COMMENT ON TABLE {ddl.quoted(name)} IS {_text(table.comment)}")
        for column in table.columns.values():
            if column.comment != _comment_left(column.name, change):
                target = f"{ddl.quoted(name)}.{ddl.quote(column.name)}"
                yield Step(f"COMMENT ON COLUMN {target} IS {_text(column.comment)}")


def _comment_left(column: str, change: TableChange | None) -> str | None:
    """Return the comment that the column has after all other steps: one that was made again has none."""
    if change is None or column in change.replaced or column not in change.found.columns:
        return None
    return change.found.columns[column].comment


def _text(comment: str | None) -> str:
    return "NULL" if comment is None else ddl.literal(comment)


def _alter(table: Table) -> str:
    return f"ALTER TABLE {ddl.quoted(table.name)}"
