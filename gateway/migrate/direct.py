"""Direct changes: the database is brought to the model without a migrations folder."""

from collections.abc import Sequence

import asyncpg
from sqlalchemy import MetaData

from gateway.introspect import Change, Difference, Kind, ModelRefusedError, Sides, read_sides
from gateway.introspect.ddl import quoted
from gateway.introspect.records import Name
from gateway.migrate.errors import DestructiveChangeError, MigrationError
from gateway.migrate.impact import Managed
from gateway.migrate.lock import Connect, Connection, alone, opened
from gateway.migrate.managed import DIRECT, existing_parts, note, read_managed
from gateway.migrate.plan import plan
from gateway.migrate.steps import Step


async def apply(metadata: MetaData, connect: Connect, *, allow_destructive: bool = False) -> tuple[Step, ...]:
    """Bring the database to the model, in one transaction and one migration at a time; return what was done.

    New labels of an enum type are committed first: PostgreSQL lets nobody use a label before that.

    Args:
        metadata: the schema's tables; the gateway's own are made too.
        connect: how a connection is opened; two are.
        allow_destructive: whether data may be lost.

    Raises DestructiveChangeError without leave to lose data, MigrationError where PostgreSQL refuses.

    """
    async with alone(connect), opened(connect) as connection:
        first = await _pass(connection, metadata, allow_destructive=allow_destructive)
        if not any(step.alone for step in first):
            return first
        return (*first, *await _pass(connection, metadata, allow_destructive=allow_destructive))


async def _pass(connection: Connection, metadata: MetaData, *, allow_destructive: bool) -> tuple[Step, ...]:
    async with connection.transaction():
        steps = await planned(connection, metadata, DIRECT)
        if not allow_destructive:
            refuse_losses(steps)
        chosen = tuple(step for step in steps if step.alone) or steps
        before = await existing_parts(connection) if chosen else frozenset()
        for step in chosen:
            await run(connection, step)
        if chosen == steps and steps:
            await note(connection, before, DIRECT)
            await _verify(connection, metadata)
        return chosen


async def planned(connection: Connection, metadata: MetaData, lineage: str) -> tuple[Step, ...]:
    """Return what is to be done, inside a transaction; raises MigrationError for what can't be done."""
    managed = await read_managed(connection, lineage)
    sides = await sides_of(connection, metadata, managed)
    await _refuse_unfillable(connection, sides)
    return plan(sides.wanted, sides.found, managed)


async def sides_of(connection: Connection, metadata: MetaData, managed: Managed) -> Sides:
    """Return model and catalog, with the tables that migrations made and the model no longer has."""
    try:
        return await read_sides(connection, metadata, managed.tables)
    except ModelRefusedError as error:
        raise MigrationError(str(error)) from error


def refuse_losses(steps: Sequence[Step]) -> None:
    """Raise DestructiveChangeError where steps lose data, naming each."""
    losses = [step.destroys for step in steps if step.destroys]
    if losses:
        raise DestructiveChangeError(losses)


async def run(connection: Connection, step: Step) -> None:
    """Run one step; raises MigrationError with PostgreSQL's words."""
    try:
        await connection.execute(step.sql)
    except asyncpg.PostgresError as error:
        raise refused(error, step.sql) from error


def refused(error: asyncpg.PostgresError, statement: str) -> MigrationError:
    """Return what to tell of a statement that PostgreSQL refused."""
    hint = ""
    if isinstance(error, asyncpg.NotNullViolationError):
        hint = "\n  rows that are there have no value for it: give the column a default, or fill it first"
    return MigrationError(f"PostgreSQL refused, and nothing of it stays:\n  {statement}\n  {error}{hint}")


async def _refuse_unfillable(connection: Connection, sides: Sides) -> None:
    """Raise for NOT NULL columns without a default that are to be added to tables with rows."""
    faults = [
        f"\n  column {name}.{column.name} can't be NOT NULL: the table has rows, and no default fills it; "
        "give it a default, or make it optional"
        for name, table in sides.wanted.tables.items()
        if name in sides.found.tables
        for column in table.columns.values()
        if column.name not in sides.found.tables[name].columns
        and not column.fills_itself
        and await has_rows(connection, name)
    ]
    if faults:
        raise MigrationError("refused, nothing was changed:" + "".join(faults))


async def has_rows(connection: Connection, table: Name) -> bool:
    """Return whether the table holds any row."""
    return bool(await connection.fetchval(f"SELECT EXISTS (SELECT FROM {quoted(table)})"))  # noqa: S608 - a quoted name


async def _verify(connection: Connection, metadata: MetaData) -> None:
    """Raise where the database still differs: a fault of ours, rather found here than by a request."""
    left = [d for d in (await read_sides(connection, metadata)).differences if is_work(d)]
    if left:
        raise MigrationError(
            "after all statements the database still differs:\n  " + "\n  ".join(map(str, left))
        )


def is_work(difference: Difference) -> bool:
    """Return whether a migration has to do something about it: not about what only the database has."""
    order_of_labels = difference.kind is Kind.ENUM and difference.change is Change.DIFFERENT
    return difference.change is not Change.EXTRA and not order_of_labels
