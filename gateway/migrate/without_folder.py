"""Direct changes: the database is brought to the model without a migrations folder."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import TypeAlias

import asyncpg
from sqlalchemy import MetaData

from gateway.introspect import ModelRefusedError, Sides, read_sides
from gateway.introspect.drift.compare import compare
from gateway.introspect.drift.differences import Change, Difference, Kind
from gateway.introspect.drift.extensions import help_for
from gateway.introspect.tables.model_tables import table_name, unmanaged_tables_of
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.migrate.errors import DestructiveChangeError, MigrationError, NotOursError
from gateway.migrate.locks.lock import Connect, Connection, alone, opened
from gateway.migrate.locks.waits import LockTimeoutError, LockWaits
from gateway.migrate.plan import renamed_tables
from gateway.migrate.plan.distribution import refuse_without_citus
from gateway.migrate.plan.dropped_with_columns import refuse_collateral
from gateway.migrate.plan.field_numbers import (
    fields_of,
    new_numbers,
    perhaps_renamed,
    refuse_other_names,
)
from gateway.migrate.plan.fills import (
    refuse_nulls,
    refuse_unfillable,
    tables_with_rows,
    with_fitting_fills,
)
from gateway.migrate.plan.record import (
    BEGIN,
    DIRECT,
    REFUSED,
    Recorded,
    adopt,
    building,
    end,
    leftover,
    read_record,
)
from gateway.migrate.plan.renames import other_names_of, rename_columns, with_renames
from gateway.migrate.plan.scope import Managed, adopted_parts, partitions_in, reachable, require_known
from gateway.migrate.plan.steps import Plan, Run, Step, groups
from gateway.migrate.plan.unfinished import drop_unfinished, unfinished
from gateway.migrate.retype.choice import choose
from gateway.migrate.retype.shadow_columns import without_shadows
from gateway.migrate.retype.sql import UNFIT
from gateway.migrate.retype.whole import planned_with

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
    renames: Collection[str] = (),
    tell: Tell = _tell_nobody,
    waits: LockWaits = WAITS,
) -> tuple[Step, ...]:
    """Bring the database to the model, one migration at a time; return what was done.

    All that takes no long lock is done in one transaction. New labels of an enum type are committed first, as
    PostgreSQL lets nobody use a label before that; indexes of tables with rows, and the look at these, come
    afterwards.

    Args:
        metadata: the schema's tables; the gateway's own are made too.
        connect: how a connection is opened; two are.
        adopted: tables and enum types that may be changed though no migration made them.
        allow_destructive: whether data or constraints may be lost.
        contract: whether defaults go that fill new columns for gateways from before them.
        renames: columns that get another name, as `public.orders.total=amount`.
        tell: is told what will be done, before anything is.
        waits: how long is waited for locks.

    Raises DestructiveChangeError without leave to lose data, NotOursError where what Rowgate didn't make
    would have to be changed, MigrationError where PostgreSQL refuses.

    """
    asked = Managed(adopted=frozenset(adopted), contract=contract, renames=tuple(renames))
    async with alone(connect), opened(connect) as connection:
        work = _Direct(connection, metadata, asked, waits, allow_destructive=allow_destructive)
        async with connection.transaction():
            planned = await work.plan()
            tell(planned)
        done: list[Step] = []
        try:
            while planned.steps and (steps := await waits.tried(connect, work.run_first)):
                work.refuse_repeated(steps, done)
                done += steps
        except MigrationError as error:
            # Never from itself: who follows its causes would come to no end.
            raise _with_what_stays(error, done) from error.__cause__
        return tuple(done)


@dataclass(frozen=True, slots=True)
class _Direct:
    """Direct changes, planned anew before each transaction: so the next run goes on where one failed."""

    connection: Connection
    metadata: MetaData
    asked: Managed
    waits: LockWaits
    _: KW_ONLY
    allow_destructive: bool

    async def plan(self) -> Plan:
        planned = await plan_changes(self.connection, self.metadata, self.asked)
        if not self.allow_destructive:
            refuse_losses(planned)
        return planned

    async def run_first(self) -> tuple[Step, ...]:
        """Run what of the plan is committed first, and return it."""
        async with self.connection.transaction():
            planned = await self.plan()
            steps = next(groups(planned.steps), ())
            if steps and steps[0].run is Run.COMMITTED:
                await _run_all(self.connection, steps)
            elif steps and not steps[0].run.is_alone:
                await self._run_recorded(steps, planned.numbers)
                self.refuse_repeated((await self.plan()).steps, steps)
        if steps and steps[0].run in (Run.OUTSIDE, Run.BATCHES):
            await self._build(steps[0])
        return steps

    async def _run_recorded(self, steps: Sequence[Step], numbers: Mapping[Recorded, int]) -> None:
        """Run steps, and record what they make."""
        await self.connection.execute(self.waits.statement)
        await _run(self.connection, BEGIN)
        await _run_all(self.connection, steps)
        await _run(self.connection, end(DIRECT, numbers))

    async def _build(self, step: Step) -> None:
        for begins, statements in outside(step, self.waits):
            if not begins:
                await _run_each(self.connection, statements)
                continue
            async with self.connection.transaction():
                await _run_each(self.connection, statements)

    @staticmethod
    def refuse_repeated(steps: Sequence[Step], done: Sequence[Step]) -> None:
        """Raise where what was done is to be done again: that is a defect, and would go on without end."""
        left = [step.line for step in steps if not step.repeats and step.sql in {one.sql for one in done}]
        if left:
            raise MigrationError("after all statements the database still differs:\n  " + "\n  ".join(left))


def outside(step: Step, waits: LockWaits) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Yield the statements around one that runs outside of transactions, and whether they are in one.

    What a build that failed left goes first. The index is recorded before it is built, so that it is known
    also where its builder was killed, and as it is afterwards.
    """
    if step.run is Run.BATCHES:
        yield False, (*waits.batches_statements, step.sql, "RESET lock_timeout", "RESET statement_timeout")
        yield True, (waits.statement, BEGIN, step.proof, end(DIRECT))
        return
    if step.index is None:
        raise ValueError(f"no index is named for {step.sql}")
    table, index = step.index
    yield True, (waits.statement, BEGIN, leftover(table, index), building(table, index))
    yield False, (waits.patient_statement, step.sql, "RESET lock_timeout")
    record = adopt(table, [Recorded("index", table, index)])
    yield True, (waits.statement, BEGIN, record, end(DIRECT))


def _with_what_stays(error: MigrationError, done: Sequence[Step]) -> MigrationError:
    if not done or type(error) is not MigrationError:
        return error
    stay = "the statement before it stays" if len(done) == 1 else f"the {len(done)} statements before it stay"
    return MigrationError(f"{error}\n{stay}, and the next migration goes on from there")


async def plan_changes(connection: Connection, metadata: MetaData, asked: Managed) -> Plan:
    """Return what is to be done, inside a transaction.

    Args:
        connection: inside a transaction.
        metadata: the schema's tables.
        asked: what may be changed, but for the record, which is read.

    Raises NotOursError, and MigrationError for what can't be done.

    """
    managed, sides, whole = await read_state(connection, metadata, asked)
    refuse_without_citus(sides.wanted, sides.found)
    fields = fields_of(metadata)
    refuse_other_names(fields, sides.found, managed)
    reached = reachable(sides.wanted, sides.found, managed)
    left = differences_left(sides.wanted, reached)
    grave = [difference for difference in left if difference.forbids_serving]
    if grave:
        raise NotOursError(grave)
    await refuse_unfillable(connection, reached, sides.found)
    online = await tables_with_rows(connection, reached, sides.found, all_of_them=asked.elsewhere)
    if not asked.elsewhere:
        await refuse_nulls(connection, reached, sides.found, online, other_names_of(managed))
    retypes = await choose(connection, reached, whole, managed, online)
    changes = planned_with(retypes, reached, sides.found, managed, online)
    steps = (
        *_adoptions(sides, managed),
        *drop_unfinished(await unfinished(connection, reached, managed), changes),
        *rename_columns(managed, fields),
        *changes,
    )
    await refuse_collateral(connection, reached, sides.found, managed)
    in_order = tuple(sorted(steps, key=lambda step: step.run is not Run.COMMITTED))
    unknown = tuple(perhaps_renamed(fields, sides.found, managed))
    notes = tuple(renamed_tables.perhaps_renamed(sides.wanted, sides.found, managed))
    return Plan(in_order, left, new_numbers(fields, sides.found, managed), unknown, notes)


async def read_state(
    connection: Connection, metadata: MetaData, asked: Managed
) -> tuple[Managed, Sides, Catalog]:
    """Return what may be changed, model and catalog with the tables that the model no longer has.

    The last is the catalog with what changes of type put beside columns, and nobody else has to know.
    """
    managed = replace(asked, record=await read_record(connection))
    unmanaged = frozenset(map(table_name, unmanaged_tables_of(metadata)))
    _refuse_unmanaged(asked.adopted & unmanaged)
    others = managed.own_tables - unmanaged
    try:
        sides = await read_sides(connection, metadata, others)
        if asked.renames:
            managed = with_renames(managed, sides, fields_of(metadata))
            sides = await read_sides(connection, metadata, others, other_names_of(managed))
    except ModelRefusedError as error:
        raise MigrationError(f"{error}{help_for(error.known)}") from error
    require_known(asked.adopted, sides.wanted, sides.found)
    bare = replace(sides, found=without_shadows(sides.found, sides.wanted, managed))
    return managed, await with_fitting_fills(connection, bare), sides.found


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


def refuse_losses(planned: Plan) -> None:
    """Raise DestructiveChangeError where steps lose data or constraints, naming each."""
    losses = [step.destroys for step in planned.steps if step.destroys]
    if losses:
        raise DestructiveChangeError(losses, planned.unknown)


def refused(error: asyncpg.PostgresError, statement: str) -> MigrationError:
    """Return what to tell of a statement that PostgreSQL refused."""
    if isinstance(error, asyncpg.LockNotAvailableError):
        return LockTimeoutError(statement)
    if error.sqlstate == REFUSED:
        return MigrationError(f"refused, and nothing of it stays: {error}")
    if error.sqlstate == UNFIT:
        return MigrationError(f"{error}\nmend it, and migrate again")
    return MigrationError(
        f"PostgreSQL refused, and {_remains(statement)}:\n  {statement}\n  {error}{_hint(error, statement)}"
    )


def _remains(statement: str) -> str:
    if "INDEX CONCURRENTLY" in statement:
        return "an index that isn't used stays, which the next migration drops"
    return "nothing of it stays"


def _hint(error: asyncpg.PostgresError, statement: str) -> str:
    if isinstance(error, asyncpg.NotNullViolationError):
        return "\n  rows that are there have no value for it: fill it first, as by UPDATE … WHERE … IS NULL"
    if " VALIDATE CONSTRAINT " in statement:
        return "\n  rows that are there break it, and new ones can't: mend them, and migrate again"
    return ""


async def _run_all(connection: Connection, steps: Sequence[Step]) -> None:
    """Run steps; raises MigrationError with PostgreSQL's words."""
    await _run_each(connection, [step.sql for step in steps])


async def _run_each(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        await _run(connection, statement)


async def _run(connection: Connection, statement: str) -> None:
    try:
        await connection.execute(statement)
    except asyncpg.PostgresError as error:
        raise refused(error, statement) from error


def _adoptions(sides: Sides, managed: Managed) -> tuple[Step, ...]:
    """Return what records the adopted tables and enum types, as if migrations had made them."""
    partitions = partitions_in(sides.wanted)
    parts = {
        name: adopted_parts(sides.wanted.tables[name], sides.found.tables[name])
        if name in sides.wanted.tables
        else [Recorded("table" if name in partitions else "type", name)]
        for name in sorted(managed.adopted)
    }
    return tuple(
        Step(adopt(name, new), f"--adopt names {name}")
        for name, all_parts in parts.items()
        if (new := [part for part in all_parts if part not in managed.record])
    )
