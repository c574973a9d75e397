"""The writing of rows whose keys are all new: by COPY, straight into their table.

COPY stores many rows at a time and needs no staging table: it costs PostgreSQL about half of what MERGE does.
It can't look at what is stored, so it is for empty tables, and for keys that were looked up before. Another
transaction that stores one of them meanwhile is a collision, as with MERGE.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from itertools import repeat
from typing import Any

import asyncpg

from gateway.db.bulk.bad_rows import judged
from gateway.db.bulk.binary_values import wire_of
from gateway.db.bulk.copy_format import HEADER, TRAILER, Chunk, CopyRows
from gateway.db.bulk.outcomes import Outcome, Outcomes
from gateway.db.bulk.target_table import Target, check_deferred
from gateway.db.database import Transaction
from gateway.errors import RowgateError
from gateway.schema.model import ServerSet
from gateway.sql.bulk.copy_new_rows import any_stored, can_load, left_to_default, stamped
from gateway.sql.bulk.shape import BulkShape

FEWEST = 1001
"""The fewest rows that are loaded: fewer go by one statement with arrays."""
_SAMPLE = 100
"""Keys that are looked up before all are, so that a request of stored rows costs no second look."""

Keys = Sequence[Sequence[Any]]
"""The driver values of each column of the key."""


class BulkLoader:
    """Loads the rows of one bulk upsert within a transaction, where they fit.

    Args:
        transaction: the transaction.
        target: the table, locked.
        shape: what is written.
        tally: where outcomes go.

    """

    def __init__(self, transaction: Transaction, target: Target, shape: BulkShape, tally: Outcomes) -> None:
        self._transaction = transaction
        self._target = target
        self._shape = shape
        self._tally = tally

    async def load(self, keys: Keys, chunks: AsyncGenerator[Chunk]) -> bool:
        """Write all rows; return whether they could be, and write none where not.

        Raises Collision where others are in the way.

        Args:
            keys: of all rows that were sent.
            chunks: the rows, with no key twice; none is left where the rows fit.

        """
        async with aclosing(chunks):
            if not await self._are_new(keys) or (first := await anext(chunks, None)) is None:
                return False
            rows = _Rows(self._shape, self._target.now, first)
            return rows.alike and await self._copied(rows, chunks)

    async def _are_new(self, keys: Keys) -> bool:
        if self._target.alone or not self._target.takes_copy or not can_load(self._shape):
            return False
        column, *others = keys
        step = len(column) // _SAMPLE + 1
        if self._target.in_shards and len(column) >= FEWEST:
            # The rest is found out by COPY, as Citus tells no Collision of it: then the rows go another way.
            sample = [values[::step] for values in keys]
            ((stored,),) = await self._transaction.fetch(any_stored(self._shape), sample)
            return not stored
        if len(column) < FEWEST or self._target.empty:
            return len(column) >= FEWEST
        # An array is dear to send: with several for each key, looking costs more than COPY saves.
        return not others and not await self._stored(column[::step], column)

    async def _stored(self, *columns: Sequence[Any]) -> bool:
        statement = any_stored(self._shape)
        for column in columns:
            ((stored,),) = await self._transaction.fetch(statement, [column])
            if stored:
                return True
        return False

    async def _copied(self, rows: "_Rows", chunks: AsyncIterator[Chunk]) -> bool:
        try:
            async with self._transaction.savepoint():
                await self._copy(rows, chunks)
                await check_deferred(self._transaction, self._target)
        except _Unfit:
            return False
        except (RowgateError, asyncpg.PostgresError) as error:
            judged(error, self._target)
            return False
        self._tally.settle_all(rows.indexes, Outcome.INSERTED)
        return True

    async def _copy(self, rows: "_Rows", chunks: AsyncIterator[Chunk]) -> None:
        resource = self._shape.resource
        async with aclosing(rows.encoded(chunks)) as parts:
            copied = await self._transaction.copy(resource.table, rows.names, parts, schema=resource.schema)
        # A trigger may have dropped some: which, only MERGE tells.
        if not rows.alike or copied != len(rows.indexes):
            raise _Unfit


class _Unfit(Exception):  # noqa: N818 - not an error: a reason to take the other way
    """The rows can't be loaded."""


class _Rows:
    """The rows of one COPY: all of them send a column that has a default, or none does.

    Args:
        shape: what is written.
        now: the transaction's time, in microseconds since 2000-01-01 UTC.
        first: the first rows.

    """

    def __init__(self, shape: BulkShape, now: int, first: Chunk) -> None:
        defaults = [(i, field) for i, field in enumerate(shape.staged) if left_to_default(field)]
        self._unsent = {i for i, _ in defaults if _all_unset(first.columns[i])}
        self._full = [i for i, _ in defaults if i not in self._unsent]
        self._sent = [i for i in range(len(shape.staged)) if i not in self._unsent]
        stamps = stamped(shape)
        self._stamps = [1 if field.server_set is ServerSet.VERSION else now for field in stamps]
        self._rows = CopyRows(
            [shape.staged[i] for i in self._sent], [wire_of(field).code for field in stamps]
        )
        self.names = [*(field.column for field in stamps), *self._rows.names]
        """The columns that are sent."""
        self._first = first
        self._refused = {i for i, field in defaults if field.column in shape.always}.difference(self._unsent)
        self.alike = self._is_alike(first)
        """Whether all rows so far send these columns."""
        self.indexes: list[int] = []
        """The places of the rows so far."""

    async def encoded(self, others: AsyncIterator[Chunk]) -> AsyncGenerator[bytes]:
        """Yield the first rows and the others in COPY's format, as far as they are alike."""
        yield HEADER
        yield self._encode(self._first)
        async for chunk in others:
            self.alike = self._is_alike(chunk)
            if not self.alike:
                break
            yield self._encode(chunk)
        yield TRAILER

    def _is_alike(self, chunk: Chunk) -> bool:
        columns = chunk.columns
        full = all(None not in columns[i] for i in self._full)
        return not self._refused and full and all(_all_unset(columns[i]) for i in self._unsent)

    def _encode(self, chunk: Chunk) -> bytes:
        self.indexes += chunk.indexes
        stamps = [repeat(value) for value in self._stamps]
        return self._rows.encode(stamps, [chunk.columns[i] for i in self._sent], len(chunk.indexes))


def _all_unset(column: Sequence[Any]) -> bool:
    return column.count(None) == len(column)
