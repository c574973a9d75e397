"""From differences to statements: what brings a catalog to the model, in an order that PostgreSQL accepts."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from gateway.introspect.drift.matching import parts_of
from gateway.introspect.tables import ddl
from gateway.introspect.tables.definitions import (
    Part,
    column_definition,
    create_index,
    create_table,
    definition,
)
from gateway.introspect.tables.distribution import CITUS
from gateway.introspect.tables.table_records import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Index,
    Key,
    Name,
    Table,
)
from gateway.migrate.plan.columns import alter_column
from gateway.migrate.plan.dependent_objects import TableChange, table_changes
from gateway.migrate.plan.distribution import (
    commit_in_two_phases,
    distribute_tables,
    over_one_connection,
)
from gateway.migrate.plan.online import (
    Place,
    build,
    built_outside,
    prove_not_null,
    set_not_null,
    to_prove,
    unproven,
    validate,
    validate_not_null,
    waiting_references,
)
from gateway.migrate.plan.partitions import changed_partitions, detach, new_partitions
from gateway.migrate.plan.scope import Managed
from gateway.migrate.plan.steps import Run, Step
from gateway.schema.tables.literals import literal

_WORDS = {Key: "key", Check: "check", ForeignKey: "foreign key", Index: "index"}


def plan(
    wanted: Catalog, found: Catalog, managed: Managed, online: Collection[Name] = ()
) -> tuple[Step, ...]:
    """Return the statements, none where nothing differs.

    Args:
        wanted: what the database is to hold; see gateway.migrate.plan.scope.
        found: what it holds of the same tables, and of those that are to be dropped.
        managed: what earlier migrations made: only of it anything is taken away for a while.
        online: tables whose rows others read and write meanwhile: what takes long does so without a lock
            that they need (gateway.migrate.plan.online).

    """
    changes = table_changes(wanted, found, managed, online)
    changed = [change for _, change in sorted(changes.items())]
    new = [table for name, table in sorted(wanted.tables.items()) if name not in found.tables]
    old = [found.tables[name] for name in managed.own_tables & found.tables.keys() - wanted.tables.keys()]
    # A partition would go with its table, unsaid.
    old.sort(key=lambda table: (not table.is_partition, table.name))
    built = [pair for change in changed for pair in built_outside(change)]
    references = [*_new_references(new), *_missing_references(changed)]
    waiting = waiting_references(wanted, built)
    return over_one_connection(
        wanted,
        *_labels(wanted, found),
        *_surroundings(wanted, found),
        *_drop_parts(changed, old, managed),
        *_drop_columns(changed),
        *map(_create_table, new),
        *(step for table in new for step in new_partitions(table, found.loose)),
        *(step for change in changed for step in _change_columns(change)),
        *(step for change in changed for step in _add_parts(change)),
        *(step for change in changed for step in changed_partitions(change, found.loose)),
        *(_create_index(table, index) for table in new for index in table.indexes.values()),
        *distribute_tables(new),
        *commit_in_two_phases(wanted, found),
        *(step for name, step in references if name not in waiting),
        *_comments(wanted, changes),
        *(step for table in old for step in _drop_table(table, wanted)),
        *(build(table, part) for table, part in built),
        *(step for name, step in references if name in waiting),
        *(step for change in changed if change.online for step in _validate(change)),
        *(step for change in changed for step in set_not_null(change)),
    )


def _labels(wanted: Catalog, found: Catalog) -> Iterator[Step]:
    """Add labels before all else: they are committed for themselves, and with them what is before them."""
    for name, labels in sorted(wanted.enums.items()):
        if name in found.enums:
            yield from _add_labels(name, labels, found.enums[name])


def _surroundings(wanted: Catalog, found: Catalog) -> Iterator[Step]:
    for schema in sorted(wanted.schemas - found.schemas):
        yield Step(ddl.create_schema(schema), f"schema {schema} is missing")
    for extension in sorted(wanted.extensions - found.extensions - {CITUS}):
        yield Step(ddl.create_extension(extension), f"extension {extension} is missing")
    for name, labels in sorted(wanted.enums.items()):
        if name not in found.enums:
            yield Step(ddl.create_enum(name, labels), f"enum type {name} is missing")


def _add_labels(name: Name, wanted: Sequence[str], found: Sequence[str]) -> Iterator[Step]:
    """Each new label goes behind its predecessor, or in front of the first that is there."""
    for at, label in enumerate(wanted):
        if label in found:
            continue
        place = f"AFTER {literal(wanted[at - 1])}" if at else _before_first(found)
        yield Step(
            f"ALTER TYPE {ddl.quoted(name)} ADD VALUE IF NOT EXISTS {literal(label)} {place}".strip(),
            f"enum type {name}: label {label} is missing",
            run=Run.COMMITTED,
        )


def _before_first(found: Sequence[str]) -> str:
    return f"BEFORE {literal(found[0])}" if found else ""


def _create_table(table: Table) -> Step:
    return Step(create_table(table, ddl.quoted(table.name)), f"table {table.name} is missing")


def _drop_parts(changes: Sequence[TableChange], old: Sequence[Table], managed: Managed) -> Iterator[Step]:
    """Drop foreign keys first, for they hold on to keys; then indexes and checks, then keys."""
    for change in changes:
        yield from _drop_lost(change, managed, change.found.foreign_keys.values())
    for table in old:
        if not table.is_partition:
            yield from (_drop_constraint(table, key, "its table goes") for key in table.foreign_keys.values())
    for change in changes:
        found = change.found
        parts: tuple[Part, ...] = (
            *found.indexes.values(),
            *found.checks.values(),
            *found.keys.values(),
        )
        yield from _drop_lost(change, managed, parts)


def _drop_lost(change: TableChange, managed: Managed, parts: Iterable[Part]) -> Iterator[Step]:
    coming = {part.name: part for part in parts_of(change.wanted)}
    for part in parts:
        if part.name not in change.lost:
            continue
        new = coming.get(part.name)
        lost = _is_loss(part, new, made=managed.made_part(change.found.name, part))
        # What goes with a column is lost with it, and named with it.
        alone = not change.dropped & set(part.reads if isinstance(part, Index) else part.columns)
        destroys = f"drops {_said(change.found, part)}" if lost and alone else ""
        reason = _why_dropped(change.found, part, new)
        if isinstance(part, Index):
            name = Name(change.found.name.schema, part.name)
            yield Step(f"DROP INDEX {ddl.quoted(name)}", reason, destroys)
        else:
            yield _drop_constraint(change.found, part, reason, destroys)


def _is_loss(part: Part, new: Part | None, *, made: bool) -> bool:
    """Return whether rows that the part refuses may get in, now that `new` stands in its place."""
    match part, new:
        case Index(unique=False), _:
            return False
        case Key() | Index(), Key() | Index():
            return not _implies(new, part)
        case ForeignKey(), ForeignKey():
            return (part.columns, part.target) != (new.columns, new.target)
        case Check(), Check():
            return not made and part.expression != new.expression
        case _:
            return True


def _implies(new: Key | Index, old: Key | Index) -> bool:
    """Return whether no two rows that the old key refuses pass the new one."""
    if isinstance(new, Index) and (
        not new.unique or (new.where and new.where != getattr(old, "where", None))
    ):
        return False
    return new.nulls_not_distinct >= old.nulls_not_distinct and _key_columns(new) <= _key_columns(old)


def _key_columns(part: Key | Index) -> frozenset[str]:
    return frozenset(part.columns if isinstance(part, Key) else part.plain or part.reads)


def _why_dropped(table: Table, part: Part, new: Part | None) -> str:
    if new is None:
        return f"{_said(table, part)}: the schema no longer has it"
    if new == part:
        return f"{_said(table, part)}: in the way of another change, it comes again"
    return f"{_said(table, part)} is {definition(part)}, the schema says {definition(new)}"


def _said(table: Table, part: Part) -> str:
    return f"{_WORDS[type(part)]} {part.name} of {table.name}"


def _drop_constraint(table: Table, part: Part, reason: str, destroys: str = "") -> Step:
    return Step(f"{_alter(table)} DROP CONSTRAINT {ddl.quote(part.name)}", reason, destroys)


def _drop_columns(changes: Iterable[TableChange]) -> Iterator[Step]:
    for change in changes:
        for column in change.found.columns.values():
            where = f"column {change.found.name}.{column.name}"
            drop = f"{_alter(change.found)} DROP COLUMN {ddl.quote(column.name)}"
            # A computed column is computed again: nothing is lost with it.
            destroys = "" if column.generated else f"drops {where}"
            if column.name in change.dropped:
                yield Step(drop, f"{where}: the schema no longer has it", destroys)
            elif column.name in change.replaced:
                yield Step(drop, f"{where} is to be computed anew", destroys)


def _drop_table(table: Table, wanted: Catalog) -> Iterator[Step]:
    why = f"table {table.name}: the schema no longer has it"
    for whole in wanted.tables.values():
        if table.name in whole.partitions:
            yield Step(detach(whole.name, table.name), why)
    yield Step(f"DROP TABLE {ddl.quoted(table.name)}", why, f"drops table {table.name}")


def _change_columns(change: TableChange) -> Iterator[Step]:
    for column in _computed_last(change.wanted):
        found = change.found.columns.get(column.name)
        if found is None or column.name in change.replaced:
            add = f"{_alter(change.wanted)} ADD COLUMN {column_definition(column)}"
            yield Step(add, f"column {change.wanted.name}.{column.name} is missing{_said_of_fill(column)}")
        else:
            filled = column.name not in to_prove(change)
            yield from alter_column(change.wanted.name, column, found, filled=filled)


def _said_of_fill(column: Column) -> str:
    if column.fill is None or column.default != column.fill:
        return ""
    return (
        f": {column.fill} fills the rows that are there, "
        "and those of gateways from before it until --contract drops the default"
    )


def _computed_last(table: Table) -> Iterator[Column]:
    yield from (column for column in table.columns.values() if column.generated is None)
    yield from (column for column in table.columns.values() if column.generated is not None)


def _add_parts(change: TableChange) -> Iterator[Step]:
    table = change.wanted
    elsewhere = {part.name for _, part in built_outside(change)}
    parts: tuple[Part, ...] = (*table.keys.values(), *table.checks.values())
    for part in parts:
        if part.name not in change.kept | elsewhere:
            yield _add_constraint(table, unproven(change, part))
    yield from prove_not_null(change)
    if not change.online:
        yield from _validate(change)
    for index in table.indexes.values():
        if index.name not in change.kept | elsewhere:
            yield _create_index(table, index)


def _validate(change: TableChange) -> Iterator[Step]:
    """Yield the validation of what was added without a look at the rows that were there."""
    found = {part.name: part for part in parts_of(change.found)}
    parts: tuple[Check | ForeignKey, ...] = (
        *change.wanted.checks.values(),
        *change.wanted.foreign_keys.values(),
    )
    for part in parts:
        differs = part.name in change.kept and found[part.name] != part
        added = part.name not in change.kept and unproven(change, part) != part
        if differs or added:
            yield validate(
                change, part.name, f"{_said(change.found, part)} may not hold for rows from before it"
            )
    yield from validate_not_null(change)


def _new_references(new: Iterable[Table]) -> Iterator[tuple[Place, Step]]:
    for table in new:
        for key in table.foreign_keys.values():
            yield Place(table.name, key.name), _add_constraint(table, key)


def _missing_references(changes: Iterable[TableChange]) -> Iterator[tuple[Place, Step]]:
    for change in changes:
        for key in change.wanted.foreign_keys.values():
            if key.name not in change.kept:
                step = _add_constraint(change.wanted, unproven(change, key))
                yield Place(change.wanted.name, key.name), step


def _create_index(table: Table, index: Index) -> Step:
    return Step(create_index(index, ddl.quoted(table.name)), f"{_said(table, index)} is missing")


def _add_constraint(table: Table, part: Part) -> Step:
    add = f"{_alter(table)} ADD CONSTRAINT {ddl.quote(part.name)} {definition(part)}"
    return Step(add, f"{_said(table, part)} is missing")


def _comments(wanted: Catalog, changes: Mapping[Name, TableChange]) -> Iterator[Step]:
    for name, table in sorted(wanted.tables.items()):
        change = changes.get(name)
        why = "is missing: its comment" if change is None else "has another comment"
        if table.comment != (change.found.comment if change else None):
            comment = f"COMMENT ON TABLE {ddl.quoted(name)} IS {_text(table.comment)}"
            yield Step(comment, f"table {name} {why}")
        for column in table.columns.values():
            if column.comment != _comment_left(column.name, change):
                target = f"{ddl.quoted(name)}.{ddl.quote(column.name)}"
                comment = f"COMMENT ON COLUMN {target} IS {_text(column.comment)}"
                yield Step(comment, f"column {name}.{column.name} {why}")


def _comment_left(column: str, change: TableChange | None) -> str | None:
    """Return the comment that the column has after all other steps: one that was made again has none."""
    if change is None or column in change.replaced or column not in change.found.columns:
        return None
    return change.found.columns[column].comment


def _text(comment: str | None) -> str:
    return "NULL" if comment is None else literal(comment)


def _alter(table: Table) -> str:
    return f"ALTER TABLE {ddl.quoted(table.name)}"
