"""New rows, many at once: one statement per set of columns that are given."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import Table

from gateway.db.bulk.merge import kept_out
from gateway.db.coalesce import RequestedWrite, RowWrite
from gateway.db.database import Row
from gateway.methods.engine import Engine
from gateway.methods.idempotent import Session
from gateway.methods.row_changes.sent_rows import SentRows
from gateway.methods.row_changes.statement_shapes import MAX_SHAPES, grouped
from gateway.policy.row_rules import caller_values
from gateway.request.rows import Values
from gateway.schema.identity import key_identity
from gateway.schema.model import Resource
from gateway.sql.dialect import dialect_of
from gateway.sql.writes.row_arrays import RowsStatement, RowStatement


class Inserts:
    """Inserts rows of one table, as its rules allow, where it has some.

    A column that is NULL is named beside the others, so that most rows share a statement; but not where some
    role may not set it.
    """

    def __init__(self, resource: Resource, engine: Engine) -> None:
        table, rules, dialect = engine.table(resource), engine.rules_of(resource), dialect_of(resource)
        self._rules = rules
        self._withheld = engine.withheld_of(resource)
        creating = rules.creating if rules is not None else None
        self._sent = SentRows(resource, rules, rules.creating) if rules is not None else None
        self._columns = tuple(field.column for field in resource.fields)
        self._key = resource.primary_key
        self._identity = key_identity(resource.key_fields)
        self._statement = lru_cache(MAX_SHAPES)(partial(dialect.insert_rows, resource, table, rules=creating))
        self._single = lru_cache(MAX_SHAPES)(partial(dialect.insert_row, resource, table, rules=creating))
        self._kind = lru_cache(MAX_SHAPES)(partial(_kind, resource, table))

    async def insert(self, session: Session, rows: Sequence[Values]) -> list[Row]:
        """Insert the rows; return them as stored, in the order given."""
        if len(rows) == 1:
            single = self._single(shape := self._shape(rows[0]))
            await self._check(session, shape, rows)
            return _all_stored(await self._run(session, single, rows[0]), 1)
        stored: dict[int, Row] = {}
        for shape, places in grouped(rows, self._shape).items():
            await self._check(session, shape, [rows[i] for i in places])
            returned = await self._run_all(session, self._statement(shape), [rows[i] for i in places])
            stored.update(zip(places, _all_stored(returned, len(places)), strict=True))
        return [stored[i] for i in range(len(rows))]

    async def insert_missing(self, session: Session, rows: Sequence[Values]) -> list[Row]:
        """Insert the rows that no unique key keeps out; return those alone, in no order."""
        stored: list[Row] = []
        for shape, places in grouped(rows, self._shape).items():
            await self._check(session, shape, [rows[i] for i in places])
            statement = self._statement(shape, skip_existing=True)
            stored += await self._run_all(session, statement, [rows[i] for i in places])
        return stored

    def requested_write(self, row: Values) -> RequestedWrite | None:
        """Return the insertion of a row as a statement that can be shared; None without a key before.

        RETURNING can't say whose row it checks: so rules aren't checked together.
        """
        if self._rules is not None:
            return None
        shape = self._shape(row)
        write = self._kind(shape)
        if write is None:
            return None
        known = all(column in row for column in self._key)
        identity = self._identity([row[column] for column in self._key]) if known else None
        return RequestedWrite(write, write.single.arguments(row), identity)

    async def _run(self, session: Session, single: RowStatement, row: Values) -> Sequence[Row]:
        return await session.fetch(single.statement, single.arguments(row, caller=self._caller(session)))

    async def _run_all(
        self, session: Session, statement: RowsStatement, rows: Sequence[Values]
    ) -> Sequence[Row]:
        arguments = statement.arguments(rows, caller=self._caller(session))
        return await session.fetch(statement.statement, arguments)

    async def _check(self, session: Session, shape: tuple[str, ...], rows: Sequence[Values]) -> None:
        if self._sent is not None:
            await self._sent.check(session, shape, rows)

    def _caller(self, session: Session) -> Mapping[str, Any]:
        return caller_values(self._rules, session.principal)

    def _shape(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        withheld = self._withheld
        return tuple(
            column
            for column in self._columns
            if column in row and not (column in withheld and row[column] is None)
        )


def _kind(resource: Resource, table: Table, columns: tuple[str, ...]) -> RowWrite | None:
    dialect = dialect_of(resource)
    single = dialect.insert_row(resource, table, columns)
    if dialect.insert_each is None:
        return RowWrite(single)
    # A trigger may write a view's rows, beside which there is no ON CONFLICT.
    many = None if resource.is_view else dialect.insert_each(resource, table, columns)
    return RowWrite(single, many) if many is not None else None


def _all_stored(returned: Sequence[Row], count: int) -> list[Row]:
    if len(returned) < count:
        raise kept_out()
    return list(returned)
