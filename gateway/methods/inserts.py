"""New rows, many at once: one statement per set of columns that are given."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Table

from gateway.db.coalesce import RowWrite, Wish
from gateway.db.database import Row
from gateway.errors import FailedPrecondition
from gateway.methods.idempotent import Session
from gateway.methods.shapes import MAX_SHAPES, grouped
from gateway.request.rows import Values
from gateway.schema.model import Resource
from gateway.sql.each import insert_each
from gateway.sql.insert import insert_row, insert_rows
from gateway.sql.items import RowsStatement


class Inserts:
    """Inserts rows of one table."""

    def __init__(self, resource: Resource, table: Table) -> None:
        self._columns = tuple(field.column for field in resource.fields)
        self._key = resource.primary_key
        self._statement = lru_cache(MAX_SHAPES)(partial(insert_rows, resource, table))
        self._single = lru_cache(MAX_SHAPES)(partial(insert_row, resource, table))
        self._kind = lru_cache(MAX_SHAPES)(partial(_kind, resource, table))

    async def insert(self, session: Session, rows: Sequence[Values]) -> list[Row]:
        """Insert the rows; return them as stored, in the order given."""
        if len(rows) == 1:
            single = self._single(self._shape(rows[0]))
            return _all_stored(await session.fetch(single.statement, single.arguments(rows[0])), 1)
        stored: dict[int, Row] = {}
        for shape, places in self._groups(rows):
            returned = await self._run(session, self._statement(shape), [rows[i] for i in places])
            stored.update(zip(places, _all_stored(returned, len(places)), strict=True))
        return [stored[i] for i in range(len(rows))]

    async def insert_missing(self, session: Session, rows: Sequence[Values]) -> list[Row]:
        """Insert the rows that no unique key keeps out; return those alone, in no order."""
        stored: list[Row] = []
        for shape, places in self._groups(rows):
            statement = self._statement(shape, skip_existing=True)
            stored += await self._run(session, statement, [rows[i] for i in places])
        return stored

    def wish(self, row: Values) -> Wish | None:
        """Return the insertion of a row as a statement that can be shared; None without a key before."""
        shape = self._shape(row)
        write = self._kind(shape)
        if write is None:
            return None
        key = self._order(row)
        return Wish(write, write.single.arguments(row), key if len(key) == len(self._key) else None)

    def _groups(self, rows: Sequence[Values]) -> Iterator[tuple[tuple[str, ...], list[int]]]:
        """Yield each shape with the places of its rows, sorted by key, so that batches don't deadlock."""
        for shape, places in grouped(rows, self._shape).items():
            yield shape, sorted(places, key=lambda i: self._order(rows[i]))

    async def _run(self, session: Session, statement: RowsStatement, rows: Sequence[Values]) -> Sequence[Row]:
        return await session.fetch(statement.statement, statement.arguments(rows))

    def _shape(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(column for column in self._columns if column in row)

    def _order(self, row: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(row[column] for column in self._key if column in row)


def _kind(resource: Resource, table: Table, columns: tuple[str, ...]) -> RowWrite | None:
    many = insert_each(resource, table, columns)
    return RowWrite(insert_row(resource, table, columns), many) if many is not None else None


def _all_stored(returned: Sequence[Row], count: int) -> list[Row]:
    if len(returned) < count:
        raise FailedPrecondition("a trigger in the database keeps the row out", reason="ROW_KEPT_OUT")
    return list(returned)
