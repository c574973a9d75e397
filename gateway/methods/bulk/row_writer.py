"""Rows → table, in a transaction that is open: what BulkUpsert and Ingest share."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from functools import lru_cache, partial

from google.protobuf.message import Message

from gateway.db.bulk.bad_rows import Collision
from gateway.db.bulk.copy_format import Chunk
from gateway.db.bulk.copy_new_rows import BulkLoader
from gateway.db.bulk.database_encoding import takes_all
from gateway.db.bulk.merge import BulkWriter
from gateway.db.bulk.outcomes import Outcomes
from gateway.db.bulk.target_table import lock_target
from gateway.db.database import Transaction
from gateway.methods.bulk.options import Options
from gateway.methods.bulk.row_reader import RowReader
from gateway.methods.engine import Engine
from gateway.request.rows import check_row_count
from gateway.schema.model import StandardMethod
from gateway.sql.bulk.shape import BulkShape
from gateway.sql.bulk.write import BulkStatements
from gateway.sql.dialect import dialect_of

MAX_SHAPES = 64
"""The most combinations of key, mode and mask whose statements are kept."""


class Upserts:
    """Writes the rows of one method's calls.

    Args:
        method: the method.
        engine: its limits hold: calls past `max_concurrent_bulk` wait outside of the pool, where they keep no
            connection from short calls.

    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._path = method.request["rows"].name
        self._max_rows = engine.bulk_max_rows
        self._prepared = lru_cache(MAX_SHAPES)(self._prepare)
        self._state = engine.bulk_state(method)
        self.turns = self._state.turns
        """Held by whoever is about to take a connection for `write`."""

    def rows(self, request: Message) -> Sequence[Message]:
        """Return a request's rows; raises InvalidArgument where they are too many."""
        rows: Sequence[Message] = getattr(request, self._path)
        return check_row_count(rows, self._path, self._max_rows)

    async def write(self, transaction: Transaction, rows: Sequence[Message], options: Options) -> Outcomes:
        """Write the rows that can be written; return what became of each."""
        if not self._state.is_crowded:
            with suppress(Collision):
                async with transaction.savepoint():
                    return await self._attempt(transaction, rows, options, alone=False)
            self._state.note_collision()
        return await self._attempt(transaction, rows, options, alone=True)

    def _prepare(self, shape: BulkShape) -> tuple[BulkStatements, RowReader]:
        return dialect_of(shape.resource).bulk_statements(shape), RowReader(shape, self._path)

    async def _attempt(
        self, transaction: Transaction, rows: Sequence[Message], options: Options, *, alone: bool
    ) -> Outcomes:
        tally = Outcomes(len(rows))
        statements, reader = self._prepared(options.shape)
        # The messages last until the last is read: they are freed while PostgreSQL works.
        messages = list(rows)
        keys = await reader.keys(messages, tally, last_wins=options.last_wins)
        target = await lock_target(transaction, statements, len(rows), alone=alone)
        statements, reader = self._prepared(options.shape.numbered_in(frozenset(target.always)))
        if not takes_all(target.encoding):
            lacking = partial(self._state.repertoire.lacking, transaction)
            await reader.refuse_unwritable(messages, keys, tally, lacking)
        loader = BulkLoader(transaction, target, statements.shape, tally)
        if await loader.load(list(keys.values()), reader.slices(messages, keys, tally)):
            return tally
        writer = BulkWriter(
            transaction,
            target,
            statements,
            tally,
            refuses_stored=options.refuses_stored,
            last_wins=options.last_wins,
            tells_rows=options.outcomes,
        )
        if writer.takes_arrays(len(rows)):
            await writer.write_sent(await reader.whole(messages, keys, tally))
        else:
            chunks = reader.chunks(messages, keys, tally)
            del messages, keys
            await _pipelined(writer, chunks)
        await writer.end()
        return tally


async def _pipelined(writer: BulkWriter, chunks: Iterator[AsyncIterator[Chunk]]) -> None:
    """Write each chunk while the next one is read; the first is staged while it is read itself."""
    writing: asyncio.Task[None] | None = None
    try:
        for slices in chunks:
            rows = writer.encoded(slices)
            if writing is None:
                await writer.stage(rows)
                writing = asyncio.create_task(writer.settle(rows))
            else:
                await rows.prepare()
                await writing
                writing = asyncio.create_task(writer.write(rows))
        if writing is not None:
            await writing
    finally:
        if writing is not None and not writing.done():
            writing.cancel()
            await asyncio.wait([writing])
