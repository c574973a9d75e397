"""One table of a tree of rows: what writes its rows, and how they refer to the row that holds them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from gateway.db.database import Row
from gateway.errors import InvalidArgument, RowgateError
from gateway.methods.engine import Engine
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.by_key import UPDATING, Changes, Edit
from gateway.methods.row_changes.inserts import Inserts
from gateway.methods.row_changes.removals import Removal, Removals
from gateway.methods.row_changes.statement_shapes import MAX_SHAPES
from gateway.policy.row_rules import caller_values, read_rule
from gateway.request.keys import Key, below
from gateway.request.relations.trees import MAX_HELD, RowEdit
from gateway.request.rows import Values
from gateway.response.rows import row_to_message
from gateway.response.shape import RowShape
from gateway.schema.identity import equality_of, key_identity
from gateway.schema.model import Relation, Resource
from gateway.sql.writes.change import Change
from gateway.sql.writes.held_rows import held_rows


class TreeTable:
    """Writes rows of one table, by what is there for writes of that table alone."""

    def __init__(self, resource: Resource, engine: Engine) -> None:
        table, rules = engine.table(resource), engine.rules_of(resource)
        self.resource, self.rules = resource, rules
        self.inserts = Inserts(resource, engine)
        self.changes = Changes(resource, table, rules, UPDATING)
        self.message = row_to_message(RowShape(resource, resource.fields))
        self.identity = key_identity(resource.key_fields)
        self.are_equal = {field.column: equality_of(field.type) for field in resource.fields}
        held = partial(held_rows, resource, table, rule=read_rule(rules), most=MAX_HELD + 1)
        self.held = lru_cache(MAX_SHAPES)(held)
        self._removals = Removals(resource, engine)
        self._places = {field.column: place for place, field in enumerate(resource.fields)}

    def value(self, row: Row, column: str) -> Any:
        """Return a column of a stored row."""
        return row[self._places[column]]

    def key_of(self, row: Row) -> Key:
        """Return a stored row's key."""
        return {column: self.value(row, column) for column in self.resource.primary_key}

    def key_named(self, values: Iterable[Any]) -> Key:
        """Return a key by the names of its columns."""
        return dict(zip(self.resource.primary_key, values, strict=True))

    async def update(self, session: Session, edits: Sequence[Edit]) -> list[Row]:
        """Update rows; raises what stands in the way of one."""
        met = await self.changes.apply(session, Change.UPDATE, edits)
        return [self.changes.changed(edit, one) for edit, one in zip(edits, met, strict=True)]

    async def remove(self, session: Session, edits: Sequence[Edit]) -> Sequence[Row | None]:
        """Remove rows as a Delete does that can't say `force`; None is one that isn't there."""
        try:
            items = [Removal(edit, allow_missing=True) for edit in edits]
            return await self._removals.remove(session, items)
        except RowgateError as error:
            raise self._removals.map_error(error, edits[0].path) from error.__cause__


@dataclass(frozen=True, slots=True)
class HolderReference:
    """What rows of a table have in the columns by which they refer to the one that holds them.

    Args:
        table: the rows' table.
        values: of those columns.

    """

    table: TreeTable
    values: Values

    def checked(self, path: str, given: Values) -> Values:
        """Return the values; raises InvalidArgument where the row of that path says others."""
        for column, value in self.values.items():
            if column in given and not self.table.are_equal[column](given[column], value):
                name = self.table.resource.by_column[column].name
                text = "refers to another row than the one that holds it: leave it out"
                raise InvalidArgument.field(below(path, name), text, reason="REFERS_ELSEWHERE")
        return self.values


def reference_to(
    holder: Resource, row: Row, table: TreeTable, relation: Relation, path: str
) -> HolderReference:
    """Return what rows of a table have that a stored row holds; raises InvalidArgument for NULL.

    Args:
        holder: the resource of the row that holds them.
        row: that row.
        table: the table of what it holds.
        relation: by which it does.
        path: the relation's proto path.

    """
    columns = [field.column for field in holder.fields]
    values = [row[columns.index(column)] for column in relation.columns]
    if None in values:
        name = holder.by_column[relation.columns[values.index(None)]].name
        text = f'can hold no rows: they would refer to "{name}" of the row, which is unset'
        raise InvalidArgument.field(path, text, reason="REFERENCE_UNSET")
    return HolderReference(table, dict(zip(relation.references, values, strict=True)))


@dataclass(frozen=True, slots=True)
class HeldRows:
    """The stored rows that some rows hold by a relation.

    Args:
        table: their table.
        relation: by which they are held.
        references: what they have in common with each row that holds them, in the order of these.

    """

    table: TreeTable
    relation: Relation
    references: Sequence[HolderReference]

    async def keys(self, session: Session) -> list[tuple[int, Sequence[Any]]]:
        """Return their keys, each with the place of the row that holds it; no more than are too many."""
        table = self.table
        statement = table.held(self.relation.references)
        caller = caller_values(table.rules, session.principal)
        arguments = statement.arguments([one.values for one in self.references], caller=caller)
        return [(n, key) for n, *key in await session.fetch(statement.statement, arguments)]


@dataclass(frozen=True, slots=True)
class TreeRow:
    """A row that was sent, of which isn't known yet whether it is stored.

    Args:
        table: its table.
        row: as it was sent.
        references: what it has in the columns by which it refers to the row that holds it.

    """

    table: TreeTable
    row: RowEdit
    references: Values

    @property
    def key(self) -> Key:
        """Its key; None is a part that is left out."""
        said = self.row.key or {}
        names = self.table.resource.primary_key
        return {name: self.references.get(name, said.get(name)) for name in names}

    def is_held_as(self, stored: Row) -> bool:
        """Whether a stored row refers to the row that is to hold it."""
        table = self.table
        return all(
            table.are_equal[column](table.value(stored, column), value)
            for column, value in self.references.items()
        )

    def edit(self) -> Edit:
        """Return the change of the stored row."""
        row = self.row
        return Edit(
            self.key,
            row.path,
            row.path,
            expected=row.expected,
            values=row.values,
            defaults=row.defaults,
            touches=bool(row.held),
        )
