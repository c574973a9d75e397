"""Removals of rows: the row goes, with those that refer to it or not, or is marked as deleted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.db.coalesce import RequestedWrite
from gateway.db.database import Row
from gateway.errors import FieldViolation, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import of_known_columns, with_details
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import DELETING, Changes, Edit, Found
from gateway.methods.row_changes.dependents import Dependents, Guards, refusal
from gateway.methods.row_changes.row_errors import RowErrors
from gateway.schema.model import Resource
from gateway.sql.writes.change import Change

_REFERENCED = "FOREIGN_KEY_VIOLATION"


@dataclass(frozen=True, slots=True)
class Removal:
    """What a Delete request asks for.

    Args:
        edit: the row.
        allow_missing: whether a row that is not there, or deleted already, is as good.
        force: whether the rows that refer to it go too; None where the request can't say: then the database
            says, but none goes that is guarded (`Guards`).

    """

    edit: Edit
    allow_missing: bool = False
    force: bool | None = None


class Removals:
    """Removes rows of one table.

    Where the table has soft delete the row stays, marked; the rows that refer to it stay too, whatever force
    says. Else the row goes. Rows that refer to it forbid that, unless force takes them along: then all that
    refers to it, directly or not, goes in the same transaction.

    """

    def __init__(self, resource: Resource, engine: Engine) -> None:
        table = engine.table(resource)
        self._resource = resource
        presets, rules = engine.presets_of(resource), engine.rules_of(resource)
        hides_rows = engine.hides_rows
        self._changes = Changes(resource, table, rules, DELETING, presets, hides_rows=hides_rows)
        guards = Guards(engine.tables_with_rules, engine.marking, engine.tenant_columns)
        self._dependents = Dependents(resource, table, guards)
        self._soft = resource.soft_delete is not None

    @property
    def change(self) -> Change:
        """What becomes of a row."""
        return Change.SOFT_DELETE if self._soft else Change.DELETE

    def is_careful(self, *, force: bool | None) -> bool:
        """Whether rows that refer to those removed are looked at."""
        if self._soft:
            return False
        if force is None:
            return bool(self._dependents.cascades_to_guarded)
        return self._dependents.exist if force else self._dependents.cascade

    def requested_write(self, item: Removal) -> RequestedWrite | None:
        """Return the removal as a statement that can be shared, unless other rows are looked at."""
        if self.is_careful(force=item.force):
            return None
        return self._changes.requested_write(self.change, item.edit)

    async def remove(self, session: Session, items: Sequence[Removal]) -> list[Row | None]:
        """Remove the rows; return them as they are now, or were. None is what is missing where it may be."""
        if self._soft:
            return await self._mark(session, items)
        if any(self.is_careful(force=item.force) for item in items):
            return await self._remove_carefully(session, items)
        return self._rows(items, await self._apply(session, Change.DELETE, items))

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
        elif plain:
            await self._dependents.forbid_guarded(session, [items[i].edit for i in plain])
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

    def map_error(self, error: RowgateError, place: str = "") -> RowgateError:
        """Return the refusal of a row that others refer to with the name of their table.

        `place` is the item's proto path in a batch.
        """
        if error.reason != _REFERENCED:
            return of_known_columns(error, self._resource)
        found = refusal(error.metadata.get("table", ""))
        told = [FieldViolation(place, found.message, found.reason)] if place else []
        return with_details(found, violations=told)
