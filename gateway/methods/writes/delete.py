"""Delete: one row away, or marked as deleted (AIP-135, AIP-164)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.db.coalesce import RequestedWrite
from gateway.db.database import Row
from gateway.errors import FieldViolation, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import of_known_columns, with_details
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import DELETING, Changes, Edit, Found
from gateway.methods.row_changes.dependents import Dependents, refusal
from gateway.methods.row_changes.row_errors import RowErrors
from gateway.methods.writes.expected_version import expectation
from gateway.methods.writes.items import One, flag
from gateway.request.keys import key_reader
from gateway.response.rows import row_to_message
from gateway.response.shape import RowShape
from gateway.schema.model import Method
from gateway.sql.change import Change

_REFERENCED = "FOREIGN_KEY_VIOLATION"


@dataclass(frozen=True, slots=True)
class Removal:
    """What a Delete request asks for.

    Args:
        edit: the row.
        allow_missing: whether a row that is not there, or deleted already, is as good.
        force: whether the rows that refer to it go too; None where the request can't say.

    """

    edit: Edit
    allow_missing: bool = False
    force: bool | None = None


class Deleting:
    """Reads and carries out deletions.

    Where the table has soft delete the row stays, marked; the rows that refer to it stay too, whatever force
    says. Else the row goes. Rows that refer to it forbid that, unless force takes them along: then all that
    refers to it, directly or not, goes in the same transaction.

    """

    def __init__(self, method: Method, engine: Engine) -> None:
        resource, table = method.resource, engine.table(method.resource)
        self._resource = resource
        self._roles = method.request
        self._read_key = key_reader(resource, method.keys)
        self._expected = expectation(method)
        presets, rules = engine.presets_of(resource), engine.rules_of(resource)
        hides_rows = engine.hides_rows
        self._changes = Changes(resource, table, rules, DELETING, presets, hides_rows=hides_rows)
        self._dependents = Dependents(resource, table, engine.tables_with_rules)
        self._soft = resource.soft_delete is not None
        self._row = row_to_message(RowShape(resource, resource.fields))
        shows_rows = method.descriptor.output_type.full_name != Empty.DESCRIPTOR.full_name
        self._nothing: type[Message] = GetMessageClass(resource.message) if shows_rows else Empty
        self._shows_rows = shows_rows

    def read(self, request: Message, place: str) -> Removal:
        """Return what a Delete request asks for."""
        edit = Edit(self._read_key(request, place), place, expected=self._expected(request, place))
        force = bool(getattr(request, "force")) if "force" in self._roles else None  # noqa: B009 - dynamic
        return Removal(edit, allow_missing=flag(request, self._roles, "allow_missing"), force=force)

    def is_alone(self, item: Removal) -> bool:
        """Whether one statement does it: where no rows that refer to the row are looked at."""
        return not self._is_careful(item)

    def _is_careful(self, item: Removal) -> bool:
        if self._soft or item.force is None:
            return False
        return self._dependents.exist if item.force else self._dependents.cascade

    def requested_write(self, request: Message) -> RequestedWrite | None:
        """Return the deletion as a statement that can be shared, unless other rows are looked at."""
        item = self.read(request, "")
        if self._is_careful(item):
            return None
        return self._changes.requested_write(Change.SOFT_DELETE if self._soft else Change.DELETE, item.edit)

    def answer(self, row: Row) -> Message:
        """Return the row's message, where the response is the row."""
        return self._row(row) if self._shows_rows else self._nothing()

    async def write(self, session: Session, items: Sequence[Removal]) -> list[Message]:
        """Delete the rows; return them as they are now, or were.

        What is missing, where that is allowed, answers an empty message.
        """
        if self._soft:
            rows = await self._mark(session, items)
        elif any(map(self._is_careful, items)):
            rows = await self._remove_carefully(session, items)
        else:
            rows = self._rows(items, await self._apply(session, Change.DELETE, items))
        return [self._nothing() if row is None else self.answer(row) for row in rows]

    async def _apply(self, session: Session, change: Change, items: Sequence[Removal]) -> list[Found]:
        return await self._changes.apply(session, change, [item.edit for item in items])

    def _rows(self, items: Sequence[Removal], met: Sequence[Found]) -> list[Row | None]:
        return [
            None if item.allow_missing and not one.found else self._changes.changed(item.edit, one)
            for item, one in zip(items, met, strict=True)
        ]

    async def _mark(self, session: Session, items: Sequence[Removal]) -> list[Row | None]:
        met = await self._apply(session, Change.SOFT_DELETE, items)
        for i, one in enumerate(met):
            if one.found and not one.live:  # deleted already: as good as missing (AIP-164)
                if not items[i].allow_missing:
                    raise RowErrors(self._resource, items[i].edit.key, items[i].edit.place).not_found()
                edit = replace(items[i].edit, expected=None)
                (held,) = await self._changes.apply(session, Change.HOLD, [edit])
                met[i] = replace(held, live=True)
        return self._rows(items, met)

    async def _remove_carefully(self, session: Session, items: Sequence[Removal]) -> list[Row | None]:
        rows = self._rows(items, await self._apply(session, Change.SEIZE, items))
        there = [i for i, row in enumerate(rows) if row is not None]
        plain = [i for i in there if not items[i].force]
        forced = [i for i in there if items[i].force]
        if any(items[i].force is False for i in there):
            await self._dependents.forbid(session, [items[i].edit for i in plain])
        met: dict[int, Found] = {}
        if plain:
            found = await self._apply(session, Change.DELETE, [items[i] for i in plain])
            met.update(zip(plain, found, strict=True))
        if forced:
            edits = [items[i].edit for i in forced]
            await self._dependents.remove(session, edits)
            met.update(zip(forced, await self._changes.left(session, edits), strict=True))
        kept = [i for i, one in met.items() if not one.done]
        for i, row in zip(kept, self._rows([items[i] for i in kept], [met[i] for i in kept]), strict=True):
            rows[i] = row
        return rows

    def map_error(self, error: RowgateError, item: Removal) -> RowgateError:
        """Return the refusal of a row that others refer to with the name of their table."""
        place = item.edit.place
        if error.reason != _REFERENCED:
            return of_known_columns(error, self._resource)
        found = refusal(error.metadata.get("table", ""))
        told = [FieldViolation(place, found.message, found.reason)] if place else []
        return with_details(found, violations=told)


class Delete(One):
    """Answers the row where the response is the resource, else google.protobuf.Empty.

    Raises NotFound, also for a row that is soft-deleted already, unless allow_missing is set; Aborted (reason
    ETAG_MISMATCH); and FailedPrecondition (reason ROW_IS_REFERENCED) naming the table that refers to the row.
    """

    def __init__(self, method: Method, engine: Engine) -> None:
        super().__init__(method, engine, Deleting(method, engine))
