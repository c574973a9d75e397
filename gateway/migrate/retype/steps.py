"""The steps of a change of type beside its column, from wherever it stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from gateway.introspect.drift.compare import is_filled
from gateway.introspect.drift.matching import parts_of, with_parts
from gateway.introspect.tables import ddl
from gateway.introspect.tables.table_records import Catalog, Check, Column, ForeignKey, Name, Table
from gateway.migrate.plan.online import Buildable
from gateway.migrate.plan.scope import Managed
from gateway.migrate.plan.steps import Run, Step
from gateway.migrate.retype import indexes, sql
from gateway.migrate.retype.choice import Retype, State
from gateway.migrate.retype.shadow_columns import Shadow, shadow_columns


def steps_beside(
    changes: Sequence[Retype], reached: Catalog, found: Catalog, managed: Managed
) -> Iterator[Step]:
    """Yield what brings columns to their new types, but for what is done of any column afterwards.

    Args:
        changes: the changes, and how far they have come.
        reached: what the database will hold.
        found: what it holds, without what stands beside columns.
        managed: what may be changed.

    """
    begun = [change for change in changes if change.state is State.NOT_BEGUN]
    # All are looked at before the first is changed, which takes the table.
    yield from (_look(change) for change in begun if not change.is_exact)
    yield from _taken(change.table.name for change in begun)
    for change in begun:
        yield from _discard(change.table, change.shadow, f"{_where(change)} gets another type once more")
        yield from _prepare(change)
    yield from (_fill(change) for change in changes if change.state is not State.FILLED)
    replaced = list(_replaced(changes, reached, found))
    for table, part, columns in replaced:
        yield from indexes.build_counterpart(table, part, columns, managed)
    yield from _taken(change.table.name for change in changes)
    for change in changes:
        name = change.table.name
        going = _going(change, reached.tables[name], found.tables[name])
        yield from _swap(change, [part.name for part in going], _fill_of(change, managed))
        # What goes with two columns goes once.
        reached, found = swapped([change], reached, found, managed)
    for table, part, _ in replaced:
        yield from indexes.take_place(table, part)
    if managed.contract:
        yield from (_drop_former(change.table, change.shadow) for change in changes)


def _replaced(
    changes: Sequence[Retype], reached: Catalog, found: Catalog
) -> Iterator[tuple[Table, Buildable, frozenset[str]]]:
    """Yield the indexes of which other ones take the place, with their tables and the columns that change."""
    tables = {change.table.name: change.table for change in changes}
    for name, table in tables.items():
        columns = frozenset(change.found.name for change in changes if change.table.name == name)
        for part in indexes.to_replace(reached.tables[name], found.tables[name], columns):
            yield table, part, columns


def _taken(tables: Iterable[Name]) -> Iterator[Step]:
    """Yield what waits for autovacuum, which gives way after a second, while nobody waits behind it.

    It comes where so many rows were filled. The locks that follow keep readers and writers out from when
    they are asked for.
    """
    for name in sorted(set(tables)):
        lock = f"LOCK TABLE {ddl.quoted(name)} IN SHARE UPDATE EXCLUSIVE MODE"
        yield Step(lock, f"table {name}: autovacuum gives way before anybody has to wait", repeats=True)


def _where(change: Retype) -> str:
    return f"column {change.table.name}.{change.found.name}"


def _look(change: Retype) -> Step:
    reason = f"{_where(change)} may hold values that {change.wanted.type} can't"
    return Step(sql.look(change.table, change.found.name, change.found.type, change.wanted.type), reason)


def _discard(table: Table, shadow: Shadow, why: str) -> Iterator[Step]:
    """Yield what takes away the columns beside one, and what fills them."""
    if shadow.new in table.columns:
        yield from _discard_new(table, shadow, why)
    if shadow.old in table.columns:
        yield _drop_column(table, shadow.old, why)


def _discard_new(table: Table, shadow: Shadow, why: str) -> Iterator[Step]:
    yield Step(f"DROP TRIGGER IF EXISTS {shadow.trigger} ON {ddl.quoted(table.name)}", why)
    yield Step(sql.drop_function(shadow.function), why)
    yield _drop_column(table, shadow.new, why)


def _drop_column(table: Table, column: str, why: str) -> Step:
    drop = f"ALTER TABLE {ddl.quoted(table.name)} DROP COLUMN {ddl.quote(column)}"
    # One that is in the way of a change goes before it, and what the change leaves has its name.
    return Step(drop, why, repeats=True)


def _drop_former(table: Table, shadow: Shadow) -> Step:
    where = f"column {table.name}."
    why = f"{where}{shadow.old} holds what {where}{shadow.column} held in its former type"
    return _drop_column(table, shadow.old, why)


def _prepare(change: Retype) -> Iterator[Step]:
    shadow, table = change.shadow, ddl.quoted(change.table.name)
    name, new = ddl.quote(change.found.name), ddl.quote(shadow.new)
    filled = f"{new} IS NOT NULL" if not change.found.nullable else f"{name} IS NULL OR {new} IS NOT NULL"
    yield Step(
        f"ALTER TABLE {table} ADD COLUMN {new} {change.wanted.type}",
        f"{_where(change)} is {change.found.type}, the schema says {change.wanted.type}: "
        "a column beside it is filled, and takes its place",
    )
    reason = f"{_where(change)}: new rows fill the column beside it"
    yield Step(sql.trigger_function(shadow, change.found.type, change.wanted.type), reason)
    yield Step(
        f"CREATE TRIGGER {shadow.trigger} BEFORE INSERT OR UPDATE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {ddl.quoted(shadow.function)}()",
        reason,
    )
    yield Step(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {shadow.trigger}", reason)
    yield Step(
        f"ALTER TABLE {table} ADD CONSTRAINT {ddl.quote(shadow.check)} CHECK ({filled}) NOT VALID",
        f"{_where(change)}: every row is to fill the column beside it",
    )


def _fill(change: Retype) -> Step:
    table = ddl.quoted(change.table.name)
    return Step(
        sql.backfill(change.table, change.shadow, change.found.type, change.wanted.type),
        f"{_where(change)}: rows that are there fill the column beside it, a few pages at a time",
        run=Run.BATCHES,
        proof=f"ALTER TABLE {table} VALIDATE CONSTRAINT {ddl.quote(change.shadow.check)}",
    )


def _swap(change: Retype, going: Sequence[str], default: str | None) -> Iterator[Step]:
    """Yield what lets the new column take the old one's place, in one transaction.

    Args:
        change: the change.
        going: constraints that go with the old column; they are added again.
        default: what fills the column for gateways that don't know it.

    """
    shadow = change.shadow
    alter = f"ALTER TABLE {ddl.quoted(change.table.name)}"
    name, new = ddl.quote(change.found.name), ddl.quote(shadow.new)
    reason = f"{_where(change)}: every row fills the column beside it, which takes its place"
    yield Step(f"DROP TRIGGER {shadow.trigger} ON {ddl.quoted(change.table.name)}", reason)
    yield Step(sql.drop_function(shadow.function), reason)
    if not change.found.nullable:
        yield Step(f"{alter} ALTER COLUMN {new} SET NOT NULL", reason)
        yield Step(f"{alter} ALTER COLUMN {name} DROP NOT NULL", reason)
    for constraint in (shadow.check, *going):
        yield Step(f"{alter} DROP CONSTRAINT {ddl.quote(constraint)}", reason)
    if default is not None:
        yield Step(f"{alter} ALTER COLUMN {new} SET DEFAULT {default}", reason)
    if change.found.default is not None:
        yield Step(f"{alter} ALTER COLUMN {name} DROP DEFAULT", reason)
    yield Step(f"{alter} RENAME COLUMN {name} TO {ddl.quote(shadow.old)}", reason)
    yield Step(f"{alter} RENAME COLUMN {new} TO {name}", reason)


def left_over(
    reached: Catalog, found: Catalog, managed: Managed, changes: Sequence[Retype]
) -> Iterator[Step]:
    """Yield what takes away columns beside others that no change of type needs.

    One that was filled for a type that the schema no longer says goes at once, as what stands beside a column
    that goes; a former one stays until no older gateway runs.
    """
    steps = list(_left_over(reached, found, managed, changes))
    yield from _taken(table for table, _ in steps)
    yield from (step for _, step in steps)


def _left_over(
    reached: Catalog, found: Catalog, managed: Managed, changes: Sequence[Retype]
) -> Iterator[tuple[Name, Step]]:
    needed = {(change.table.name, change.found.name) for change in changes}
    for name, table in sorted(found.tables.items()):
        wanted = reached.tables.get(name)
        for shadow, column in shadow_columns(table, wanted, managed):
            goes = wanted is None or shadow.column not in wanted.columns
            if (name, shadow.column) in needed or wanted is None:
                continue
            where = f"column {name}.{shadow.column}"
            if column.name == shadow.new:
                steps = _discard_new(table, shadow, f"{where} keeps its type")
                yield from ((name, step) for step in steps)
            elif goes or managed.contract:
                yield name, _drop_former(table, shadow)


def swapped(
    changes: Sequence[Retype], reached: Catalog, found: Catalog, managed: Managed
) -> tuple[Catalog, Catalog]:
    """Return both sides as they are once the new columns stand in their places."""
    for change in changes:
        name = change.table.name
        default = _fill_of(change, managed)
        wanted, there = reached.tables[name], found.tables[name]
        column = Column(change.found.name, change.wanted.type, change.found.nullable, default)
        left = [part for part in parts_of(there) if part not in _going(change, wanted, there)]
        there = with_parts(replace(there, columns={**there.columns, column.name: column}), left)
        if default is not None:
            ours = replace(wanted.columns[column.name], default=default)
            wanted = replace(wanted, columns={**wanted.columns, column.name: ours})
        reached = replace(reached, tables={**reached.tables, name: wanted})
        found = replace(found, tables={**found.tables, name: there})
    return reached, found


def _fill_of(change: Retype, managed: Managed) -> str | None:
    """Return the default that gateways need that don't know the column yet."""
    stays = is_filled(change.wanted, change.found) and change.wanted.default is None and not managed.contract
    return change.found.default if stays else None


def _going(change: Retype, wanted: Table, found: Table) -> list[Check | ForeignKey]:
    """Return the constraints that would stay at the former column, and come again.

    One that the schema has no longer, or otherwise, is dropped like any other.
    """
    ours = {part.name: part for part in parts_of(wanted)}
    proof = f"({ddl.quote(change.found.name)} IS NOT NULL)"
    return [
        part
        for part in parts_of(found)
        if isinstance(part, Check | ForeignKey) and change.found.name in part.columns
        if replace(part, valid=True) == ours.get(part.name)
        or (isinstance(part, Check) and part.expression == proof and not change.wanted.nullable)
    ]
