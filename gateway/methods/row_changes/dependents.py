"""Rows that refer to rows about to be deleted: they forbid it, or with force go too (AIP-135)."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache, partial
from typing import Any

from sqlalchemy import Table

from gateway.errors import FailedPrecondition
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import Edit
from gateway.policy.tenants import TenantColumn
from gateway.schema.model import Resource
from gateway.sql.writes.cascade import Reference, references_to, referring_rows, remove_rows, row_ids
from gateway.sql.writes.row_arrays import RowsStatement

MAX_DEPENDENTS = 10_000
"""The most rows that one Delete takes along."""
MAX_DEPTH = 64
"""The longest chain of references that one Delete follows."""

_RowId = tuple[str, str]
_Rows = dict[Table, set[_RowId]]
_Follow = Callable[[Session, _Rows, _Rows], Awaitable[_Rows]]


@dataclass(frozen=True, slots=True)
class Guards:
    """Which rows don't go unasked with those that they refer to.

    Args:
        protected: the tables of which each caller may change some rows alone.
        marking: those whose rows are marked as deleted: they go by force alone, if at all.
        tenants: the columns that say whose the rows of tables are.

    """

    protected: frozenset[Table] = frozenset()
    marking: frozenset[Table] = frozenset()
    tenants: Mapping[Table, TenantColumn] = field(default_factory=dict)

    def keep(self, reference: Reference) -> bool:
        """Whether a caller may not change all rows that refer so to rows that it may delete."""
        # A row that is let go leaves its tenant, where the reference holds the tenant's column.
        goes_along = not reference.lets_go and self._is_within_tenant(reference)
        return reference.table in self.protected and not goes_along

    def keep_unforced(self, reference: Reference) -> bool:
        """Whether the database may not change or remove rows by a reference of which nobody has asked."""
        return (reference.cascades and reference.table in self.marking) or self.keep(reference)

    def _is_within_tenant(self, reference: Reference) -> bool:
        """Whether all that refers so to rows of the caller's tenant is that tenant's, and the caller's."""
        above, below = self.tenants.get(reference.target), self.tenants.get(reference.table)
        if above is None or below is None or not below.decides:
            return False
        pairs = {(one.parent.name, one.column.name) for one in reference.key.elements}
        return (below.name, above.name) in pairs


class Dependents:
    """The rows that refer to a resource's rows, and those that refer to them.

    Only what the schema knows is followed: a reference from a table outside of it makes the database refuse.
    Everything happens in the caller's transaction, whose rows are locked, so nothing new can refer to them.
    """

    def __init__(self, resource: Resource, table: Table, guards: Guards) -> None:
        self._table = table
        self._guards = guards
        self._resource = resource
        # Looked up and compiled at their first use: of many tables, most can refer to each other's rows.
        self._references_to = cache(references_to)
        self._finder = cache(partial(referring_rows, limit=MAX_DEPENDENTS + 1))
        self._removal = lru_cache(remove_rows)

    @cached_property
    def _ids(self) -> RowsStatement:
        """The statement that finds the rows of keys."""
        return row_ids(self._resource, self._table)

    @property
    def exist(self) -> bool:
        """Whether the schema has references to the resource that force has to look at."""
        return bool(self._followed(self._table))

    @property
    def cascade(self) -> bool:
        """Whether the database would remove rows that refer to the resource's, or change guarded ones."""
        return any(self._is_unasked(reference) for reference in self._references_to(self._table))

    @cached_property
    def cascades_to_guarded(self) -> frozenset[Reference]:
        """The references by which the database itself would come to change or remove guarded rows."""
        cascading, left = set[Reference](), [self._table]
        while left:
            new = {one for one in self._references_to(left.pop()) if self._is_unasked(one)} - cascading
            cascading |= new
            left += [one.table for one in new if one.cascades]
        found = {one for one in cascading if self._guards.keep_unforced(one)}
        while more := {one for one in cascading - found if any(one.table is on.target for on in found)}:
            found |= more
        return frozenset(found)

    async def forbid_guarded(self, session: Session, edits: Sequence[Edit]) -> None:
        """Raise FailedPrecondition where the database would change guarded rows with these, unasked.

        It looks no further than `remove` does.
        """
        await self._closure(session, edits, self._cascading_next)

    async def forbid(self, session: Session, edits: Sequence[Edit]) -> None:
        """Raise FailedPrecondition where the database would do so to other rows with these, unasked."""
        rows = await self._roots(session, edits)
        for reference in filter(self._is_unasked, self._references_to(self._table)):
            if await self._referring(session, reference, rows) - _own(reference, rows):
                raise _kept(reference.table.name, is_protected=reference.lets_go)

    def _is_unasked(self, reference: Reference) -> bool:
        """Whether the database itself removes the referring rows, or changes guarded ones."""
        return reference.cascades or (reference.lets_go and self._guards.keep(reference))

    def _followed(self, table: Table) -> list[Reference]:
        """Return the references whose rows can't outlive a table's, or are guarded."""
        return [one for one in self._references_to(table) if not one.lets_go or self._is_unasked(one)]

    async def remove(self, session: Session, edits: Sequence[Edit]) -> None:
        """Remove the rows with all that refer to them, level by level.

        Raises FailedPrecondition for more than MAX_DEPENDENTS rows (TOO_MANY_DEPENDENTS), or for a chain
        longer than MAX_DEPTH (REFERENCES_TOO_DEEP).
        """
        await self._remove(session, await self._closure(session, edits, self._all_next))

    async def _closure(self, session: Session, edits: Sequence[Edit], follow: _Follow) -> _Rows:
        """Return the rows with those that `follow` finds of them, level by level."""
        level: _Rows = {self._table: await self._roots(session, edits)}
        doomed: _Rows = {}
        for _ in range(MAX_DEPTH):
            for table, rows in level.items():
                doomed.setdefault(table, set()).update(rows)
            level = await follow(session, level, doomed)
            if not level:
                return doomed
            _check_count(doomed, level)
        raise FailedPrecondition(
            f"the rows' dependents refer to each other more than {MAX_DEPTH} levels deep: delete those first",
            reason="REFERENCES_TOO_DEEP",
            metadata={"limit": str(MAX_DEPTH)},
        )

    async def _roots(self, session: Session, edits: Sequence[Edit]) -> set[_RowId]:
        found = await session.fetch(self._ids.statement, self._ids.arguments([edit.key for edit in edits]))
        return _pairs(found)

    async def _all_next(self, session: Session, level: _Rows, doomed: _Rows) -> _Rows:
        return await self._next(session, level, doomed, self._followed, self._guards.keep)

    async def _cascading_next(self, session: Session, level: _Rows, doomed: _Rows) -> _Rows:
        return await self._next(session, level, doomed, self._cascades_of, self._guards.keep_unforced)

    def _cascades_of(self, table: Table) -> list[Reference]:
        return [one for one in self._references_to(table) if one in self.cascades_to_guarded]

    async def _next(
        self,
        session: Session,
        level: _Rows,
        doomed: _Rows,
        references_to: Callable[[Table], Iterable[Reference]],
        is_kept: Callable[[Reference], bool],
    ) -> _Rows:
        """Return the rows that refer to a level's; raises FailedPrecondition for those that are kept."""
        found: _Rows = {}
        for table, rows in level.items():
            for reference in references_to(table):
                new = await self._referring(session, reference, rows) - doomed.get(reference.table, set())
                if new and is_kept(reference):
                    raise _kept(reference.table.name, is_protected=self._guards.keep(reference))
                if new:
                    found.setdefault(reference.table, set()).update(new)
        return found

    async def _referring(self, session: Session, reference: Reference, rows: Iterable[_RowId]) -> set[_RowId]:
        finder = self._finder(reference)
        return _pairs(await session.fetch(finder, finder.arguments(_arrays(rows))))

    async def _remove(self, session: Session, doomed: _Rows) -> None:
        statement = self._removal(tuple(doomed))
        arrays: dict[str, Any] = {}
        for i, rows in enumerate(doomed.values()):
            arrays |= _arrays(rows, str(i))
        await session.fetch(statement, statement.arguments(arrays))


def refusal(table: str) -> FailedPrecondition:
    """Return the error of a row that rows of `table` refer to."""
    return FailedPrecondition(
        f'rows of "{table}" refer to the row: delete them first; '
        "force, where the request has it, takes those that the schema knows of",
        reason="ROW_IS_REFERENCED",
        metadata={"table": table},
    )


def _kept(table: str, *, is_protected: bool) -> FailedPrecondition:
    """Return the error of a row that rows of `table` refer to; its own policy may say who deletes them."""
    if not is_protected:
        return refusal(table)
    return FailedPrecondition(
        f'rows of "{table}" refer to the row, and have a policy of their own: delete them first',
        reason="ROW_IS_REFERENCED",
        metadata={"table": table},
    )


def _own(reference: Reference, rows: set[_RowId]) -> set[_RowId]:
    """Return the rows that go anyway, where the table refers to itself."""
    return rows if reference.table is reference.target else set()


def _check_count(doomed: _Rows, level: _Rows) -> None:
    if sum(map(len, doomed.values())) + sum(map(len, level.values())) > MAX_DEPENDENTS:
        raise FailedPrecondition(
            f"more than {MAX_DEPENDENTS} rows depend on the rows: delete those first",
            reason="TOO_MANY_DEPENDENTS",
            metadata={"limit": str(MAX_DEPENDENTS)},
        )


def _pairs(rows: Iterable[Sequence[Any]]) -> set[_RowId]:
    return {(row[0], row[1]) for row in rows}


def _arrays(rows: Iterable[_RowId], suffix: str = "") -> dict[str, Any]:
    pairs = sorted(rows)
    return {f"oids{suffix}": [oid for oid, _ in pairs], f"tids{suffix}": [tid for _, tid in pairs]}
