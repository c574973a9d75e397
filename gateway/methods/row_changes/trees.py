"""Rows with those that they hold by relations, written level by level, each relation by one statement."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

from google.protobuf.message import Message

from gateway.db.database import Row
from gateway.errors import FailedPrecondition, FieldViolation, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.error_mapping import map_error, with_details
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import Edit
from gateway.methods.row_changes.row_errors import RowErrors
from gateway.methods.row_changes.tree_tables import (
    HeldRows,
    HolderReference,
    TreeRow,
    TreeTable,
    reference_to,
)
from gateway.request.masks import Related
from gateway.request.relations.trees import MAX_HELD, Held, NewRow, RowEdit, check_held_count
from gateway.request.rows import Values
from gateway.schema.model import Relation, RelationWrite, Resource
from gateway.sql.writes.change import Change

A = TypeVar("A")


class _Placed(Protocol):
    @property
    def path(self) -> str: ...
    @property
    def values(self) -> Values: ...


P = TypeVar("P", bound=_Placed)


@dataclass(frozen=True, slots=True)
class Holder:
    """A stored row, its message, and what it is to hold of rows.

    Args:
        row: as it is stored.
        message: the answer of it, which takes those that are written.
        new: those to insert.
        edits: those that may be stored already.

    """

    row: Row
    message: Message
    new: Sequence[Held[NewRow]] = ()
    edits: Sequence[Held[RowEdit]] = ()


class TreeWriter:
    """Writes the rows that rows of one resource hold, by what is there for writes of their own tables.

    Args:
        resource: what holds them.
        related: the resources that its relations lead to.
        engine: the gateway's parts.

    """

    def __init__(self, resource: Resource, related: Related, engine: Engine) -> None:
        self._resource = resource
        self._related = related
        self._engine = engine
        self._tables: dict[str, TreeTable] = {}

    async def write(self, session: Session, holders: Sequence[Holder], *, singly: bool = False) -> None:
        """Write what the holders hold, and put it into their messages, in the order in which it was sent.

        With `singly` each row takes statements of its own, so that a refusal is that row's, and says so.
        """
        await _Writing(self, session, singly=singly).hold(self._resource, holders)

    def table(self, name: str) -> TreeTable:
        """Return what writes rows of a related resource."""
        found = self._tables.get(name)
        if found is None:
            found = self._tables[name] = TreeTable(self._related[name], self._engine)
        return found


class _Writing:
    """One call's writing of trees."""

    def __init__(self, trees: TreeWriter, session: Session, *, singly: bool) -> None:
        self._trees = trees
        self._session = session
        self._singly = singly

    async def hold(self, resource: Resource, holders: Sequence[Holder]) -> None:
        """Write what rows of a resource hold, relation by relation."""
        for relation in resource.relations:
            new = [(holder, held) for holder in holders for held in holder.new if held.relation == relation]
            edits = [
                (holder, held) for holder in holders for held in holder.edits if held.relation == relation
            ]
            written: list[tuple[Holder, list[Message]]] = []
            if new:
                written += await self._add(resource, relation, new)
            if edits:
                written += await self._edit(resource, relation, edits)
            for holder, messages in written:
                _attach(holder.message, relation, messages)

    async def _add(
        self, resource: Resource, relation: Relation, pairs: Sequence[tuple[Holder, Held[NewRow]]]
    ) -> list[tuple[Holder, list[Message]]]:
        """Insert what new rows hold."""
        table = self._trees.table(relation.target)
        rows = [
            replace(row, values={**row.values, **reference.checked(row.path, row.given)})
            for holder, held in pairs
            for reference in [reference_to(resource, holder.row, table, relation, held.path)]
            for row in held.rows
        ]
        messages = iter(await self._inserted(table, rows))
        return [(holder, [next(messages) for _ in held.rows]) for holder, held in pairs]

    async def _inserted(self, table: TreeTable, rows: Sequence[NewRow]) -> list[Message]:
        """Insert rows and what they hold; return their messages.

        Raises Aborted for a row that is sent as one that is stored, at some version.
        """
        for row in rows:
            if row.expected is not None:
                key = {name: row.values.get(name) for name in table.resource.primary_key}
                raise RowErrors(table.resource, key, row.path).stale()
        stored = await self._each(
            table, rows, lambda some: table.inserts.insert(self._session, [row.values for row in some])
        )
        holders = [
            Holder(row, table.message(row), new=one.held) for row, one in zip(stored, rows, strict=True)
        ]
        await self.hold(table.resource, holders)
        return [holder.message for holder in holders]

    async def _edit(
        self, resource: Resource, relation: Relation, pairs: Sequence[tuple[Holder, Held[RowEdit]]]
    ) -> list[tuple[Holder, list[Message]]]:
        """Insert or update what stored rows are to hold, and delete what they hold beside it, where it is."""
        table = self._trees.table(relation.target)
        references = [
            reference_to(resource, holder.row, table, relation, held.path) for holder, held in pairs
        ]
        sent = [
            TreeRow(table, row, reference.checked(row.path, row.given))
            for (_, held), reference in zip(pairs, references, strict=True)
            for row in held.rows
        ]
        if not relation.is_many:
            sent = await self._identified(table, relation, sent)
        stored = await self._stored(table, sent)
        if relation.write is RelationWrite.REPLACE:
            kept = {table.identity(table.key_of(row).values()) for row in stored.values()}
            paths = [held.path for _, held in pairs]
            await self._remove_others(HeldRows(table, relation, references), paths, kept)
        changed = [i for i in range(len(sent)) if i in stored]
        added = [i for i in range(len(sent)) if i not in stored]
        messages = dict(zip(changed, await self._changed(table, [sent[i] for i in changed]), strict=True))
        rows = [_new(sent[i]) for i in added]
        check_held_count([Held(relation, "", rows)], relation.name)
        messages |= dict(zip(added, await self._inserted(table, rows), strict=True))
        in_order = (messages[i] for i in range(len(sent)))
        return [(holder, [next(in_order) for _ in held.rows]) for holder, held in pairs]

    async def _identified(self, table: TreeTable, relation: Relation, sent: list[TreeRow]) -> list[TreeRow]:
        """Return the rows, those that leave out their key with that of the one row that is held."""
        unnamed = [i for i, one in enumerate(sent) if one.row.key is None]
        if not unnamed:
            return sent
        references = [HolderReference(table, sent[i].references) for i in unnamed]
        for n, key in await HeldRows(table, relation, references).keys(self._session):
            one = sent[unnamed[n]]
            sent[unnamed[n]] = replace(one, row=replace(one.row, key=table.key_named(key)))
        return sent

    async def _stored(self, table: TreeTable, sent: Sequence[TreeRow]) -> dict[int, Row]:
        """Return the rows that are stored of those that were sent, locked, by their places."""
        known = [i for i, one in enumerate(sent) if one.row.key is not None]
        edits = [Edit(sent[i].key, sent[i].row.path) for i in known]
        if not edits:
            return {}
        met = await table.changes.apply(self._session, Change.HOLD, edits)
        found = {i: one.row for i, one in zip(known, met, strict=True) if one.done}
        return {i: row for i, row in found.items() if sent[i].is_held_as(row)}

    async def _remove_others(self, held: HeldRows, paths: Sequence[str], kept: set[Any]) -> None:
        """Delete what is held and isn't kept; raises FailedPrecondition for too many.

        Args:
            held: the stored rows.
            paths: the relation's proto path in each row that holds them.
            kept: the identities of those that stay.

        """
        table, limit = held.table, held.relation.limit
        found = await held.keys(self._session)
        count = Counter(n for n, _ in found)
        for n in sorted(count):
            if count[n] > limit:
                raise _too_many_stored(paths[n], limit)
        if len(found) > MAX_HELD:
            raise _too_many_stored(paths[0], MAX_HELD, "of all that the request replaces ")
        others = [(n, key) for n, key in found if table.identity(key) not in kept]
        doomed = [Edit(table.key_named(key), paths[n], paths[n]) for n, key in others]
        removed = await self._each(table, doomed, partial(table.remove, self._session))
        missed = [edit for edit, row in zip(doomed, removed, strict=True) if row is None]
        if missed:
            await self._check_gone(held, missed)

    async def _check_gone(self, held: HeldRows, missed: Sequence[Edit]) -> None:
        """Raise NotFound for rows that are held, but that a policy of the database hides from deletions.

        Those that another transaction deleted meanwhile are gone as they are to be.
        """
        table = held.table
        left = {table.identity(key) for _, key in await held.keys(self._session)}
        for edit in missed:
            if table.identity(edit.key.values()) in left:
                raise RowErrors(table.resource, edit.key, edit.place).not_found()

    async def _changed(self, table: TreeTable, sent: Sequence[TreeRow]) -> list[Message]:
        """Update stored rows and what they hold; return their messages."""
        if not sent:
            return []
        edits = [one.edit() for one in sent]
        rows = await self._each(table, edits, partial(table.update, self._session))
        holders = [
            Holder(row, table.message(row), edits=one.row.held) for row, one in zip(rows, sent, strict=True)
        ]
        await self.hold(table.resource, holders)
        return [holder.message for holder in holders]

    async def _each(
        self, table: TreeTable, rows: Sequence[P], work: Callable[[Sequence[P]], Awaitable[Sequence[A]]]
    ) -> list[A]:
        """Return what `work` makes of all rows at once; or of each alone, to say which one is refused."""
        if not rows:
            return []
        if not self._singly:
            return [*await work(rows)]
        done: list[A] = []
        for row in rows:
            try:
                done += await work([row])
            except RowgateError as error:
                raise placed(error, table.resource, row.path, row.values) from error.__cause__
        return done


def _new(sent: TreeRow) -> NewRow:
    row = sent.row.new()
    return replace(row, values={**row.values, **sent.references})


def _attach(message: Any, relation: Relation, held: Sequence[Message]) -> None:
    if relation.is_many:
        getattr(message, relation.name).extend(held)
        return
    for one in held:
        getattr(message, relation.name).CopyFrom(one)


def placed(error: RowgateError, resource: Resource, path: str, values: Mapping[str, Any]) -> RowgateError:
    """Return the refusal of one row with the paths of its wrong fields, or at least its own."""
    key = values if all(name in values for name in resource.primary_key) else None
    found = map_error(error, resource, path, key, values)
    if found.violations:
        return found
    return with_details(found, violations=[FieldViolation(path, found.message, found.reason)])


def _too_many_stored(path: str, limit: int, counted: str = "") -> FailedPrecondition:
    text = f"more than {limit} rows {counted}are stored, not all of which are read: they can't be replaced"
    return FailedPrecondition(
        f"{path}: {text}",
        reason="TOO_MANY_ROWS_STORED",
        metadata={"limit": str(limit)},
        violations=[FieldViolation(path, text, "TOO_MANY_ROWS_STORED")],
    )
