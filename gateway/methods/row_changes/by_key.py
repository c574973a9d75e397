"""Changes of rows by key, many at once: one statement per set of columns that change."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Table

from gateway.db.coalesce import RequestedWrite, RowWrite
from gateway.db.database import Row, Transaction
from gateway.errors import InvalidArgument
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.row_errors import RowErrors
from gateway.methods.row_changes.statement_shapes import MAX_SHAPES, grouped
from gateway.policy.presets import Presets
from gateway.policy.row_rules import ChangeRules, TableRules, caller_values
from gateway.request.keys import Key
from gateway.request.rows import Values
from gateway.request.transforms import NO_TRANSFORMS, Transform, Transforms
from gateway.schema.identity import key_identity
from gateway.schema.model import Resource
from gateway.sql.dialect import dialect_of
from gateway.sql.writes.change import FLAGS, Change
from gateway.sql.writes.kept_rows import kept_by_policy
from gateway.sql.writes.transforms import operand_column


@dataclass(frozen=True, slots=True)
class Edit:
    """One row to change.

    Args:
        key: which row.
        place: the item's proto path in a batch, such as `requests[3]`; empty outside of one.
        path: the proto path that the row's fields are below.
        expected: the version that the row must be at; None for any.
        values: UPDATE: what the columns become.
        defaults: UPDATE: the columns that take their default.
        transforms: UPDATE: what others become of their stored values.
        touches: UPDATE: whether the row counts as changed, version and time too, where nothing else changes.

    """

    key: Key
    place: str = ""
    path: str = ""
    expected: int | None = None
    values: Values = field(default_factory=dict)
    defaults: tuple[str, ...] = ()
    transforms: Transforms = NO_TRANSFORMS
    touches: bool = False

    @property
    def shape(self) -> "_Shape":
        """What decides which statement makes the change."""
        return _Shape(tuple(self.values), self.defaults, self.transforms.shape, self.touches)

    @property
    def operands(self) -> Values:
        """The operands of its transforms, as statements take them."""
        return {operand_column(column): value for column, value in self.transforms.operands.items()}


class _Shape(NamedTuple):
    """What decides which statement makes a change; see Edit."""

    columns: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    transforms: tuple[Transform, ...] = ()
    touches: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a change met. The flags are None where no row has the key.

    Args:
        found: whether a row has the key.
        live: whether it is not soft-deleted.
        fresh: whether it is at the expected version.
        allowed: whether the caller may change it so.
        done: whether the change was made.
        row: the row afterwards, where the change was made.
        unfit: the place of the first transform whose outcome its column can't hold; None where all fit.

    """

    found: bool
    live: bool | None
    fresh: bool | None
    allowed: bool | None
    done: bool
    row: Row
    unfit: int | None = None

    @property
    def is_kept(self) -> bool:
        """Whether nothing but the database stood in the way of the change."""
        ready = self.found and self.live and self.fresh and self.allowed and self.unfit is None
        return bool(ready) and not self.done


UPDATING = attrgetter("updating")
DELETING = attrgetter("deleting")
"""Return which of a table's rules hold for a kind of change."""


class Changes:
    """Changes rows of one table.

    Args:
        resource: what they are.
        table: the table.
        rules: of the table's rows; None where it has none.
        kind: those of this kind of change.
        presets: what is written of callers in the table's rows; None where nothing is.
        hides_rows: whether policies of the database say which rows are there for a caller.

    """

    def __init__(
        self,
        resource: Resource,
        table: Table,
        rules: TableRules | None,
        kind: Callable[[TableRules], ChangeRules],
        presets: Presets | None = None,
        *,
        hides_rows: bool = False,
    ) -> None:
        self._hides_rows = hides_rows
        self._resource = resource
        self._rules = rules
        self._presets = presets if resource.changed_by else None
        self._identity = key_identity(resource.key_fields)
        of_change = kind(rules) if rules is not None else None
        self._statement = lru_cache(MAX_SHAPES)(
            partial(dialect_of(resource).change_rows, resource, table, rules=of_change)
        )
        self._kinds = lru_cache(MAX_SHAPES)(partial(_kind, resource, table))

    @property
    def has_rules(self) -> bool:
        """Whether what may be changed depends on the caller."""
        return self._rules is not None

    async def apply(self, session: Session, change: Change, edits: Sequence[Edit]) -> list[Found]:
        """Make the changes; return what each met, in the order given.

        All rows are locked before any is changed, whatever the shapes, so that batches don't deadlock.
        Raises InvalidArgument (reason DUPLICATE_IN_BATCH) where two edits have one key.
        """
        if len(edits) == 1 and (row := await self._at_once(session, change, edits[0])):
            live = change is not Change.UNDELETE
            return [Found(found=True, live=live, fresh=True, allowed=True, done=True, row=row)]
        self._check_once(edits)
        groups = grouped(edits, lambda edit: edit.shape)
        if len(groups) > 1:
            await self._run(session, Change.HOLD, edits)
        met: dict[int, Found] = {}
        for places in groups.values():
            found = await self._run(session, change, [edits[i] for i in places])
            met.update(zip(places, found, strict=True))
        return [met[i] for i in range(len(edits))]

    async def left(self, session: Session, edits: Sequence[Edit]) -> list[Found]:
        """Return what became of rows that were to be deleted: `done` is each that isn't there any more."""
        met = await self._run(session, Change.SEIZE, edits)
        return await self._without_hidden(session, [replace(one, done=not one.found) for one in met])

    async def _at_once(self, session: Session, change: Change, edit: Edit) -> Row | None:
        """Make the change of one row by the quick statement; None where it didn't, or it can't tell."""
        # Outside of a transaction that was tried before (`requested_write`).
        requested_write = self.requested_write(change, edit) if isinstance(session, Transaction) else None
        if requested_write is None:
            return None
        rows = await session.fetch(*requested_write.write.alone(requested_write.args))
        return rows[0] if rows else None

    def requested_write(self, change: Change, edit: Edit) -> RequestedWrite | None:
        """Return the change as one statement that can be shared; None where it takes more to make it."""
        columns = tuple(edit.values) if change is Change.UPDATE else ()
        # A view's rows have no place to be changed by; rules are told of by the flags of change_rows.
        unlike = edit.defaults or edit.transforms.shape or self._resource.is_view or self._rules is not None
        # What a request sends is preset before it is read; these send nothing.
        unlike = unlike or (self._presets is not None and change in _MARKING)
        if unlike or change in _ANSWERS_ONLY or (change is Change.UPDATE and not columns):
            return None
        write = self.kind(change, columns, expects=edit.expected is not None)
        arguments = write.single.arguments({**edit.values, **edit.key}, edit.expected)
        return RequestedWrite(write, arguments, self._row(edit))

    def _writes(self, shape: _Shape) -> bool:
        """Whether an update of this shape sets anything."""
        counted = shape.touches and bool(self._resource.version or self._resource.updated_at)
        return counted or bool(shape.columns or shape.defaults or shape.transforms)

    def _row(self, edit: Edit) -> Hashable:
        return self._identity(edit.key.values())

    def kind(self, change: Change, columns: tuple[str, ...], *, expects: bool) -> RowWrite:
        """Return the statements that make a change of one row, and of many callers' rows."""
        return self._kinds(change, columns, expects=expects)

    async def _run(self, session: Session, change: Change, edits: Sequence[Edit]) -> list[Found]:
        preset = self._presets.of_changes(session.principal) if self._presets and change in _MARKING else {}
        shape = edits[0].shape if change is Change.UPDATE else _Shape(tuple(preset))
        if change is Change.UPDATE and not self._writes(shape):
            change = Change.HOLD  # nothing to change: the row answers as it stands
        statement = self._statement(
            change, columns=shape.columns, defaults=shape.defaults, transforms=shape.transforms
        )
        rows = [{**edit.values, **edit.operands, **preset, **edit.key} for edit in edits]
        caller = caller_values(self._rules, session.principal)
        arguments = statement.arguments(rows, [edit.expected for edit in edits], caller)
        told = await session.fetch(statement.statement, arguments)
        met = [self._met(edit, row) for edit, row in zip(edits, told, strict=True)]
        return await self._without_hidden(session, met) if change is Change.DELETE else met

    def _met(self, edit: Edit, row: Row) -> Found:
        """Return what an edit met; raises InvalidArgument where an earlier one has an equal key."""
        found, live, fresh, allowed, done, unfit, repeated = row[:FLAGS]
        if repeated:
            raise self._twice(edit)
        return Found(found, live, fresh, allowed, done, row[FLAGS:], unfit)

    async def _without_hidden(self, session: Session, met: list[Found]) -> list[Found]:
        """Return what deletions met, without rows that a policy of the database hides from them alone."""
        if not self._hides_rows or not any(one.is_kept for one in met):
            return met
        [[by_policy]] = await session.fetch(*kept_by_policy(self._resource))
        return [replace(one, found=False) if by_policy and one.is_kept else one for one in met]

    def _twice(self, edit: Edit) -> InvalidArgument:
        return RowErrors(self._resource, edit.key, edit.place).twice()

    def _check_once(self, edits: Sequence[Edit]) -> None:
        seen = set()
        for edit in edits:
            row = self._row(edit)
            if row in seen:
                raise self._twice(edit)
            seen.add(row)

    def changed(self, edit: Edit, met: Found, *, live: bool = True) -> Row:
        """Return the row of a change that was made; raises what stood in its way.

        Args:
            edit: the change.
            met: what it met.
            live: whether it asks for a live row, not for a soft-deleted one.

        """
        row_errors = RowErrors(self._resource, edit.key, edit.place)
        if not met.found:
            raise row_errors.not_found()
        if not met.allowed:
            raise row_errors.not_allowed()
        if met.live is not live:
            raise row_errors.soft_deleted() if live else row_errors.not_deleted()
        if not met.fresh:
            raise row_errors.stale()
        if met.unfit is not None:
            raise row_errors.unfit(met.unfit)
        if not met.done:
            raise row_errors.kept()
        return met.row


def _kind(
    resource: Resource, table: Table, change: Change, columns: tuple[str, ...], *, expects: bool
) -> RowWrite:
    dialect = dialect_of(resource)
    single = dialect.change_row(resource, table, change, columns, expects=expects)
    if dialect.change_each is None:
        return RowWrite(single)
    return RowWrite(single, dialect.change_each(resource, table, change, columns, expects=expects))


_ANSWERS_ONLY = frozenset({Change.HOLD, Change.SEIZE})
_MARKING = frozenset({Change.SOFT_DELETE, Change.UNDELETE})
