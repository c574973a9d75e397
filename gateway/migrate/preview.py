"""Previews of a migration: the SQL to read or to run elsewhere, and the differences to check for."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import MetaData

from gateway.introspect import Change, Difference, Kind
from gateway.introspect.drift.compare import compare, is_filled
from gateway.introspect.tables.table_records import Catalog, Name
from gateway.migrate.locks.lock import Connect, Connection, alone, opened
from gateway.migrate.locks.waits import LockWaits
from gateway.migrate.plan.field_numbers import fields_of, other_names
from gateway.migrate.plan.record import BEGIN, DIRECT, Recorded, end
from gateway.migrate.plan.scope import Managed, reachable
from gateway.migrate.plan.steps import Run, Step, groups
from gateway.migrate.plan.unfinished import unfinished
from gateway.migrate.retype.shadow_columns import shadow_columns
from gateway.migrate.without_folder import (
    WAITS,
    differences_left,
    is_order_of_labels,
    outside,
    plan_changes,
    read_state,
    refuse_losses,
)

if TYPE_CHECKING:
    from gateway.migrate.revisions.folder import Folder


@dataclass(frozen=True, slots=True)
class Found:
    """What `--check` finds, in words.

    Args:
        open: what a migration has to do, or keeps the gateway from serving.
        left: what else differs from the schema, harmlessly: Rowgate didn't make it.
        fills: defaults that stay until a migration is told to contract.
        pending: whether revisions are pending, which `open` names too.

    """

    open: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    fills: tuple[str, ...] = ()
    pending: bool = False


async def preview(
    metadata: MetaData,
    connect: Connect,
    folder: "Folder | None" = None,
    *,
    adopted: Collection[Name] = (),
    allow_destructive: bool = False,
    contract: bool = False,
    renames: Collection[str] = (),
    waits: LockWaits = WAITS,
) -> str:
    """Return what a migration would run now, as a script for psql; empty where there is nothing to do.

    Args:
        metadata: the schema's tables.
        connect: how a connection is opened. Nothing is changed.
        folder: the migrations folder; None for direct changes.
        adopted: tables and enum types that may be changed though no migration made them.
        allow_destructive: whether the script may lose data or constraints.
        contract: whether defaults go that fill new columns for gateways from before them.
        renames: columns that get another name, as `public.orders.total=amount`.
        waits: how long the script waits for locks.

    Raises DestructiveChangeError and MigrationError, as the migration itself would.

    """
    asked = Managed(adopted=frozenset(adopted), contract=contract, renames=tuple(renames))
    async with alone(connect), opened(connect) as connection, connection.transaction():
        if folder is not None:
            return await _of_folder(folder, connection, waits, allow_destructive=allow_destructive)
        planned = await plan_changes(connection, metadata, asked)
    if not allow_destructive:
        refuse_losses(planned)
    return _script(planned.steps, planned.numbers, waits)


async def _of_folder(
    folder: "Folder", connection: Connection, waits: LockWaits, *, allow_destructive: bool
) -> str:
    from gateway.migrate.revisions import upgrade  # noqa: PLC0415 - it needs Alembic

    current = await upgrade.current_revision(connection)
    if not allow_destructive:
        upgrade.refuse_losses_of(folder.pending(current))
    return upgrade.offline_sql(folder, current, waits)


async def differences(
    metadata: MetaData,
    connect: Connect,
    folder: "Folder | None" = None,
    *,
    adopted: Collection[Name] = (),
    contract: bool = False,
) -> Found:
    """Return, for a reader, the pending revisions and what differs between model and database.

    What only the database has is no difference, unless a migration made it: it is left alone.
    """
    lineage = folder.lineage if folder is not None else DIRECT
    asked = Managed(adopted=frozenset(adopted), lineage=lineage, contract=contract)
    async with alone(connect), opened(connect) as connection, connection.transaction():
        pending = await _pending(folder, connection) if folder is not None else ()
        managed, sides, whole = await read_state(connection, metadata, asked)
        reached = reachable(sides.wanted, sides.found, managed)
        begun = await unfinished(connection, reached, managed)
    left = differences_left(sides.wanted, reached)
    fills = (*_fills(reached, sides.found), *_former(reached, whole, managed))
    work = [difference for difference in compare(reached, sides.found) if _is_work(difference)]
    return Found(
        open=(
            *(f"revision {name} is pending" for name in pending),
            *map(str, other_names(fields_of(metadata), sides.found, managed)),
            *map(str, work),
            *map(str, begun),
            *(str(difference) for difference in left if difference.forbids_serving),
            *(fills if contract else ()),
        ),
        left=tuple(str(difference) for difference in left if not difference.forbids_serving),
        fills=() if contract else fills,
        pending=bool(pending),
    )


async def _pending(folder: "Folder", connection: Connection) -> tuple[str, ...]:
    """Return the names of the folder's pending revisions."""
    from gateway.migrate.revisions.folder import name_of  # noqa: PLC0415 - it needs Alembic
    from gateway.migrate.revisions.upgrade import current_revision  # noqa: PLC0415 - as above

    return tuple(map(name_of, folder.pending(await current_revision(connection))))


def _fills(reached: Catalog, found: Catalog) -> Iterator[str]:
    """Yield the defaults that filled new columns, and serve no gateway that knows them."""
    for name, table in sorted(reached.tables.items()):
        for column in table.columns.values():
            there = found.tables[name].columns.get(column.name) if name in found.tables else None
            if there is not None and column.fill is not None and is_filled(column, there):
                yield f"column {name}.{column.name} has the default {there.default} for older gateways"


def _former(reached: Catalog, whole: Catalog, managed: Managed) -> Iterator[str]:
    """Yield the columns that stood in the place of others of another type."""
    for name, table in sorted(whole.tables.items()):
        for shadow, column in shadow_columns(table, reached.tables.get(name), managed):
            if column.name == shadow.old:
                yield f"column {name}.{column.name} keeps values in the type of older gateways"


def _is_work(difference: Difference) -> bool:
    """Return whether a migration changes it: PostgreSQL can't drop labels of enum types."""
    is_old_label = difference.kind is Kind.LABEL and difference.change is Change.EXTRA
    return not is_old_label and not is_order_of_labels(difference)


def _script(steps: Sequence[Step], numbers: Mapping[Recorded, int], waits: LockWaits) -> str:
    """Return steps as a script: each group in a transaction, but for what runs in none."""
    return "\n".join(part for group in groups(steps) for part in _group(group, numbers, waits))


def _group(steps: Sequence[Step], numbers: Mapping[Recorded, int], waits: LockWaits) -> Iterator[str]:
    if steps[0].run is Run.COMMITTED:
        yield f"{steps[0]}\n"
    elif steps[0].run in (Run.OUTSIDE, Run.BATCHES):
        yield f"-- {steps[0].line}\n"
        for begins, statements in outside(steps[0], waits):
            yield from _statements([f"{statement};\n" for statement in statements], begins=begins)
    else:
        around = f"{waits.statement};\n", f"{BEGIN};\n", f"{end(DIRECT, numbers)};\n"
        yield from _statements([*around[:2], *(f"{step}\n" for step in steps), around[2]], begins=True)


def _statements(statements: Sequence[str], *, begins: bool) -> Iterator[str]:
    if begins:
        yield "BEGIN;\n"
    yield from statements
    if begins:
        yield "COMMIT;\n"
