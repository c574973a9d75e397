"""Direct changes: the database is brought to the model without a migrations folder."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TypeAlias

import asyncpg
from sqlalchemy import MetaData

from gateway.introspect import ModelRefusedError, Sides, read_sides
from gateway.introspect.compare import compare
from gateway.introspect.differences import Change, Difference, Kind
from gateway.introspect.model_tables import table_name, unmanaged_tables_of
from gateway.introspect.table_records import Catalog, Name
from gateway.migrate.errors import DestructiveChangeError, MigrationError, NotOursError
from gateway.migrate.locks.lock import Connect, Connection, alone, opened
from gateway.migrate.locks.waits import LockTimeoutError, LockWaits
from gateway.migrate.plan.dropped_with_columns import refuse_collateral
from gateway.migrate.plan.fills import refuse_unfillable, with_fitting_fills
from gateway.migrate.plan.plan import plan
from gateway.migrate.plan.record import BEGIN, DIRECT, REFUSED, Recorded, adopt, end, read_record
from gateway.migrate.plan.scope import Managed, adopted_parts, reachable, require_known
from gateway.migrate.plan.steps import Plan, Step

Tell: TypeAlias = Callable[[Plan], None]
WAITS = LockWaits()
"""As long as is waited unless a setting says otherwise."""


def _tell_nobody(_plan: Plan) -> None:
    """Say nothing."""


async def apply(
    metadata: MetaData,
    connect: Connect,
    *,
    adopted: Collection[Name] = (),
    allow_destructive: bool = False,
    contract: bool = False,
    tell: Tell = _tell_nobody,
    waits: LockWaits = WAITS,
) -> tuple[Step, ...]:
    """Bring the database to the model, in one transaction and one migration at a time; return what was done.

    New labels of an enum type are committed first: PostgreSQL lets nobody use a label before that.

    Args:
        metadata: the schema's tables; the gateway's own are made too.
        connect: how a connection is opened; two are.
        adopted: tables and enum types that may be changed though no migration made them.
        allow_destructive: whether data or constraints may be lost.
        contract: whether defaults go that fill new columns for gateways from before them.
        tell: is told what will be done, before anything is.
        waits: how long is waited for locks.

    Raises DestructiveChangeError without leave to lose data, NotOursError where what Rowgate didn't make
    would have to be changed, MigrationError where PostgreSQL refuses.

    """
    asked = Managed(adopted=frozenset(adopted), contract=contract)
    async with alone(connect), opened(connect) as connection:

        async def migrated() -> tuple[Step, ...]:
            async with connection.transaction():
                steps = (
                    await _allowed(connection, metadata, asked, allow_destructive=allow_destructive)
                ).steps
                await _run_recorded(connection, metadata, steps, asked, waits)
            return steps

        async with connection.transaction():
            planned = await _allowed(connection, metadata, asked, allow_destructive=allow_destructive)
            tell(planned)
            labels = tuple(step for step in planned.steps if step.alone)
            await _run_all(connection, labels)
        if not planned.steps:
            return ()
        return (*labels, *await waits.tried(connect, migrated))


async def _allowed(
    connection: Connection, metadata: MetaData, asked: Managed, *, allow_destructive: bool
) -> Plan:
    planned = await plan_changes(connection, metadata, asked)
    if not allow_destructive:
        refuse_losses(planned.steps)
    return planned


async def plan_changes(connection: Connection, metadata: MetaData, asked: Managed) -> Plan:
    """Return what is to be done, inside a transaction.

    Args:
        connection: inside a transaction.
        metadata: the schema's tables.
        asked: what may be changed, but for the record, which is read.

    Raises NotOursError, and MigrationError for what can't be done.

    """
    managed, sides = await read_state(connection, metadata, asked)
    reached = reachable(sides.wanted, sides.found, managed)
    left = differences_left(sides.wanted, reached)
    grave = [difference for difference in left if difference.forbids_serving]
    if grave:
        raise NotOursError(grave)
    await refuse_unfillable(connection, reached, sides.found)
    steps = plan(reached, sides.found, managed)
    await refuse_collateral(connection, reached, sides.found, managed)
    return Plan((*_adoptions(sides, managed), *steps), left)


async def read_state(connection: Connection, metadata: MetaData, asked: Managed) -> tuple[Managed, Sides]:
    """Return what may be changed, and model and catalog with the tables that the model no longer has."""
    managed = replace(asked, record=await read_record(connection))
    unmanaged = frozenset(map(table_name, unmanaged_tables_of(metadata)))
    _refuse_unmanaged(asked.adopted & unmanaged)
    try:
        sides = await read_sides(connection, metadata, managed.own_tables - unmanaged)
    except ModelRefusedError as error:
        raise MigrationError(str(error)) from error
    require_known(asked.adopted, sides.wanted, sides.found)
    return managed, await with_fitting_fills(connection, sides)


def _refuse_unmanaged(adopted: frozenset[Name]) -> None:
    for name in sorted(adopted):
        raise MigrationError(f"--adopt {name}: the schema says managed: false, so migrations leave it alone")


def differences_left(wanted: Catalog, reached: Catalog) -> tuple[Difference, ...]:
    """Return what of the schema the database lacks after a migration, or has otherwise; more is fine."""
    return tuple(
        difference
        for difference in compare(wanted, reached)
        if difference.change is not Change.EXTRA
        and difference.kind is not Kind.COMMENT
        and not is_order_of_labels(difference)
    )


def is_order_of_labels(difference: Difference) -> bool:
    """Return whether it is what PostgreSQL can't change, and nobody needs changed."""
    return difference.kind is Kind.ENUM and difference.change is Change.DIFFERENT


def refuse_losses(steps: Sequence[Step]) -> None:
    """Raise DestructiveChangeError where steps lose data or constraints, naming each."""
    losses = [step.destroys for step in steps if step.destroys]
    if losses:
        raise DestructiveChangeError(losses)


def refused(error: asyncpg.PostgresError, statement: str) -> MigrationError:
    """Return what to tell of a statement that PostgreSQL refused."""
    if isinstance(error, asyncpg.LockNotAvailableError):
        return LockTimeoutError(statement)
    if error.sqlstate == REFUSED:
        return MigrationError(f"refused, and nothing of it stays: {error}")
    hint = ""
    if isinstance(error, asyncpg.NotNullViolationError):
        hint = "\n  rows that are there have no value for it: fill it first, as by UPDATE … WHERE … IS NULL"
    return MigrationError(f"PostgreSQL refused, and nothing of it stays:\n  {statement}\n  {error}{hint}")


async def _run_recorded(
    connection: Connection,
    metadata: MetaData,
    steps: Sequence[Step],
    asked: Managed,
    waits: LockWaits,
) -> None:
    """Run steps and record what they make; then look again: what is left is an internal error."""
    if not steps:
        return
    await connection.execute(waits.statement)
    await _run(connection, BEGIN)
    await _run_all(connection, steps)
    await connection.execute(end(DIRECT))
    left = (await plan_changes(connection, metadata, asked)).steps
    if left:
        raise MigrationError(
            "after all statements the database still differs:\n  " + "\n  ".join(step.line for step in left)
        )


async def _run_all(connection: Connection, steps: Sequence[Step]) -> None:
    """Run steps; raises MigrationError with PostgreSQL's words."""
    for step in steps:
        await _run(connection, step.sql)


async def _run(connection: Connection, statement: str) -> None:
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        raise refused(error, statement) from error


def _adoptions(sides: Sides, managed: Managed) -> tuple[Step, ...]:
    """Return what records the adopted tables and enum types, as if migrations had made them."""
    parts = {
        name: adopted_parts(sides.wanted.tables[name], sides.found.tables[name])
        if name in sides.wanted.tables
        else [Recorded("type", name)]
        for name in sorted(managed.adopted)
    }
    return tuple(
        Step(adopt(name, new), f"--adopt names {name}")
        for name, all_parts in parts.items()
        if (new := [part for part in all_parts if part not in managed.record])
    )
