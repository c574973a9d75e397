"""Update: some fields of one row (AIP-134)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from google.protobuf.message import Message

from gateway.db.coalesce import RequestedWrite
from gateway.db.database import Row
from gateway.errors import RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import map_error
from gateway.methods.event_loop_turns import each_in_turns
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import UPDATING, Changes, Edit
from gateway.methods.row_changes.inserts import Inserts
from gateway.methods.row_changes.masked_values import MaskedValues
from gateway.methods.row_changes.quick_update import QuickUpdates
from gateway.methods.row_changes.row_errors import RowErrors
from gateway.methods.row_changes.transformed_rows import TransformedRows
from gateway.methods.row_changes.trees import Holder, TreeWriter
from gateway.methods.writes.create import required
from gateway.methods.writes.expected_version import expectation
from gateway.methods.writes.items import One, Singly, flag
from gateway.request.keys import below, message_key_reader
from gateway.request.relations.trees import Held, NewRow, RowEdit, TreeReader, check_held_count
from gateway.response.rows import row_to_message
from gateway.response.sent_rows import sent_row
from gateway.response.shape import RowShape
from gateway.schema.identity import key_identity
from gateway.schema.model import StandardMethod
from gateway.sql.writes.change import Change

_ROUNDS = 5
"""Tries to create a row that others create and delete, before what keeps it out is told."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an Update request asks for.

    Args:
        edit: of the row.
        held: of the rows that it holds.
        new: the whole row, with those that it holds; None where it may not be created.

    """

    edit: Edit
    held: tuple[Held[RowEdit], ...] = ()
    new: NewRow | None = None


class Updating:
    """Reads and carries out updates.

    The mask decides what changes (MaskedValues). With nothing to change the row answers as it stands, at its
    version.
    With allow_missing a row that is not there is created, from all of the fields whatever the mask says, as
    the transforms make it of those.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._resource = method.resource
        self._roles = method.request
        self._field = method.request["resource"].name
        self._values = MaskedValues(method)
        self._expected = expectation(method)
        self._read_key = message_key_reader(method.resource)
        self._rows = TreeReader(method.resource, method.related)
        self._trees = TreeWriter(method.resource, method.related, engine)
        self._identity = key_identity(method.resource.key_fields)
        self._key_places = [method.resource.fields.index(field) for field in method.resource.key_fields]
        table = engine.table(method.resource)
        self._changes = Changes(method.resource, table, engine.rules_of(method.resource), UPDATING)
        self._quick = QuickUpdates(method, self._changes)
        self._inserts = Inserts(method.resource, engine)
        self._transformed = TransformedRows(method.resource)
        shape = RowShape(method.resource, method.resource.fields)
        self._message, self._sent = row_to_message(shape), sent_row(shape)

    def read(self, request: Message, place: str) -> Wanted:
        """Return what an Update request asks for; raises InvalidArgument for a wrong key, mask or value."""
        path = below(place, self._field)
        message = required(request, self._field, path)
        key = self._read_key(message, path)
        sent = self._values.read(request, message, place)
        held = self._rows.edits(message, path, sent.relations)
        new = self._rows.missing(message, path) if flag(request, self._roles, "allow_missing") else None
        edit = Edit(
            key,
            place,
            path,
            expected=self._expected(request, place),
            values=sent.values,
            defaults=sent.defaults,
            transforms=sent.transforms,
            touches=bool(held),
        )
        return Wanted(edit, held, new)

    def is_alone(self, item: Wanted) -> bool:
        """Whether one statement does it: where nothing is created, and no other row written."""
        return item.new is None and not item.held

    def requested_write(self, request: Message) -> RequestedWrite | None:
        """Return a plain update as a statement that can be shared, where there is something to change."""
        if flag(request, self._roles, "allow_missing") or not request.HasField(self._field):
            return None
        if "transforms" in self._roles and request.transforms:  # type: ignore[attr-defined]
            return None
        message = getattr(request, self._field)
        if self._values.would_erase(request, message):
            return None
        return self._quick.requested_write(request, message, self._expected(request, ""))

    def answer(self, row: Row) -> Message:
        """Return the changed row's message."""
        return self._sent(row)

    async def write(self, session: Session, items: Sequence[Wanted]) -> list[Message]:
        """Change the rows and what they hold, create those that may be; return them as stored."""
        new = [item.new for item in items if item.new is not None]
        check_held_count([held for item in items for held in item.held], items[0].edit.path)
        check_held_count([held for row in new for held in row.held], items[0].edit.path)
        holders = await self._holders(session, items)
        if any(one.new or one.edits for one in holders):
            await self._trees.write(session, holders)
        return [holder.message for holder in holders]

    def singly(self, item: Wanted) -> Singly | None:
        """Return what changes a row and those that it holds one by one; None where it holds none."""
        holds = item.held or (item.new is not None and item.new.held)
        return partial(self._change_singly, item=item) if holds else None

    async def _change_singly(self, session: Session, item: Wanted) -> None:
        try:
            holders = await self._holders(session, [item])
        except RowgateError as error:
            raise self.map_error(error, item) from error.__cause__
        await self._trees.write(session, holders, singly=True)

    async def _holders(self, session: Session, items: Sequence[Wanted]) -> list[Holder]:
        """Change the rows, create those that may be; return them as stored, with what they are to hold."""
        rows: dict[int, Row] = {}
        new: set[int] = set()
        # Where another transaction was quicker to create a row, the next round changes it, unless it was
        # deleted. What still can't be created is kept out by another key than its own: the plain insert says
        # which.
        for insert in (*[self._inserts.insert_missing] * _ROUNDS, self._inserts.insert):
            left = [i for i in range(len(items)) if i not in rows]
            missing = await self._change(session, items, left, rows) if left else {}
            if missing:
                sent = [(items[i].edit, row) for i, row in missing.items()]
                made = await self._transformed.made(session, sent)
                created = await insert(session, [row.values for row in made])
                placed = await self._placed(session, created, {i: items[i].edit for i in missing})
                new.update(placed)
                rows |= placed
        messages = await each_in_turns(self._message, (rows[i] for i in range(len(items))))
        return [
            Holder(rows[i], messages[i], new=item.new.held)
            if i in new and item.new is not None
            else Holder(rows[i], messages[i], edits=item.held)
            for i, item in enumerate(items)
        ]

    async def _change(
        self, session: Session, items: Sequence[Wanted], left: Sequence[int], rows: dict[int, Row]
    ) -> dict[int, NewRow]:
        """Change the rows that are there; return those that may be created, by their places."""
        edits = [items[i].edit for i in left]
        missing: dict[int, NewRow] = {}
        for i, met in zip(left, await self._changes.apply(session, Change.UPDATE, edits), strict=True):
            new = items[i].new
            if met.found or new is None:
                rows[i] = self._changes.changed(items[i].edit, met)
            elif items[i].edit.expected is not None:  # a row that is not there has no version to match
                raise RowErrors(self._resource, items[i].edit.key, items[i].edit.place).stale()
            else:
                missing[i] = new
        return missing

    async def _placed(
        self, session: Session, created: Sequence[Row], edits: Mapping[int, Edit]
    ) -> dict[int, Row]:
        """Return the created rows by the places of their edits.

        A key may come back spelled otherwise than it was sent. Where identities don't tell which is which,
        PostgreSQL is asked for the edits' rows.
        """
        rows = {self._identity(row[place] for place in self._key_places): row for row in created}
        places = {self._identity(edit.key.values()): i for i, edit in edits.items()}
        if rows.keys() <= places.keys():
            return {places[key]: row for key, row in rows.items()}
        held = await self._changes.apply(session, Change.HOLD, list(edits.values()))
        stored = {i: met.row for i, met in zip(edits, held, strict=True) if met.found}
        keys = {i: self._identity(row[place] for place in self._key_places) for i, row in stored.items()}
        return {i: stored[i] for i, key in keys.items() if key in rows}

    def map_error(self, error: RowgateError, item: Wanted) -> RowgateError:
        """Return the refusal with the fields' proto paths."""
        return map_error(error, self._resource, item.edit.path, values={**item.edit.values, **item.edit.key})


class Update(One):
    """Answers the whole row as stored.

    Raises NotFound, FailedPrecondition (reason ROW_DELETED) for a soft-deleted row, and Aborted (reason
    ETAG_MISMATCH) where the row is at another version than the request expects.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        super().__init__(method, engine, Updating(method, engine))
