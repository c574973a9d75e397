"""DeleteByFilter: all rows that a filter finds away, or marked as deleted."""

from dataclasses import dataclass

from google.protobuf.message import Message

from gateway.errors import RowgateError
from gateway.methods.engine import Engine
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_filter import ByFilter, Changed, Wanted
from gateway.methods.row_changes.by_key import DELETING, Edit
from gateway.methods.row_changes.removals import Removal, Removals
from gateway.methods.writes.changed_by_filter import ChangedByFilter
from gateway.methods.writes.items import flag
from gateway.request.calls.call import Call
from gateway.schema.model import StandardMethod
from gateway.sql.writes.by_filter import SAMPLE


@dataclass(frozen=True, slots=True)
class _Asked:
    wanted: Wanted
    force: bool | None


class _Deleting:
    """Deletes as Delete does it, each row that is found."""

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        resource = method.resource
        self._roles = method.request
        self._by_filter = ByFilter(method, engine, DELETING)
        self._removals = Removals(resource, engine)
        self._presets = engine.presets_of(resource) if resource.soft_delete else None
        self._key = [(field.column, resource.fields.index(field)) for field in resource.key_fields]

    def read(self, request: Message, call: Call) -> _Asked:
        force = flag(request, self._roles, "force") if "force" in self._roles else None
        return _Asked(self._by_filter.read(request, call), force)

    async def change(self, session: Session, asked: _Asked, *, shows: bool) -> Changed:
        if self._removals.is_careful(force=asked.force):
            return await self._remove_carefully(session, asked, shows=shows)
        preset = self._presets.of_changes(session.principal) if self._presets is not None else {}
        change = self._removals.change
        return await self._by_filter.change(session, change, asked.wanted, values=preset, shows=shows)

    async def _remove_carefully(self, session: Session, asked: _Asked, *, shows: bool) -> Changed:
        """Delete the rows one by one's rules, where others may refer to them."""
        seized = await self._by_filter.seize(session, asked.wanted)
        edits = [Edit({column: row[at] for column, at in self._key}) for row in seized]
        # They are locked: what is missing is only hidden from deletions.
        items = [Removal(edit, allow_missing=True, force=asked.force) for edit in edits]
        removed = await self._removals.remove(session, items) if items else []
        rows = [row for row in removed if row is not None]
        return Changed(len(rows), rows[:SAMPLE] if shows else [])

    def map_error(self, error: RowgateError, _: _Asked) -> RowgateError:
        return self._removals.map_error(error)


class DeleteByFilter(ChangedByFilter):
    """Answers how many rows were deleted.

    Raises FailedPrecondition (reason TOO_MANY_ROWS_FOUND) where the filter finds more than max_rows, and what
    Delete raises of a row that others refer to: nothing is deleted then.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        super().__init__(method, engine, _Deleting(method, engine))
