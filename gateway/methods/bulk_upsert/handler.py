"""BulkUpsert, from request to answer."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from functools import lru_cache

from google.protobuf.message import Message

from gateway.db.bulk import BulkWriter, Chunk, Collision
from gateway.db.bulk_tally import Tally
from gateway.db.database import Transaction
from gateway.methods.bulk_upsert.answer import Answers
from gateway.methods.bulk_upsert.options import OptionReader, Options
from gateway.methods.bulk_upsert.reading import RowReader
from gateway.methods.engine import Engine
from gateway.methods.idempotent import Writes
from gateway.request.call import Call
from gateway.schema.model import Method
from gateway.sql.bulk import BulkShape
from gateway.sql.bulk_write import BulkStatements, bulk_statements
from gateway.sql.statement import Statement

MAX_SHAPES = 64
"""The most combinations of key, mode and mask whose statements are kept."""
AT_ONCE = 4
"""Calls of one method that hold a connection at once. The others wait outside of the pool, where they
keep no connection from short calls."""
CROWDED_SECONDS = 30.0
"""How long after a collision the calls that follow take the table's lock for themselves at once."""

_VERSION = Statement(
    "SELECT current_setting('server_version_num')::integer",
    binds=(),
    fields=(),
    writes=False,
    name="read server version",
    constants={},
)


class BulkUpsert:
    """Atomic unless partial_failure.

    The rows of each key but the last are superseded (on_duplicate), a soft-deleted row is restored
    by an update, a row that is stored as sent is not written. Raises one error for all refused
    rows, which names the first ones.
    """

    def __init__(self, method: Method, engine: Engine) -> None:
        self._options = OptionReader(method)
        self._writes = Writes(method, engine)
        self._answers = Answers(method, self._options.path("rows"))
        self._prepared = lru_cache(MAX_SHAPES)(self._prepare)
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._crowded_until = 0.0

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the counts, the failures and the outcomes."""
        options = self._options(request)
        rows = self._options.rows(request)

        async def work(transaction: Transaction) -> Message:
            tally = await self._write(transaction, rows, options)
            if tally.failures and not options.partial:
                raise self._answers.refusal(tally)
            return self._answers.answer(tally, outcomes=options.outcomes)

        async with self._turns:
            return await self._writes.atomically(request, call, work)

    def _prepare(self, shape: BulkShape) -> tuple[BulkStatements, RowReader]:
        return bulk_statements(shape), RowReader(shape, self._options.path("rows"))

    async def _write(self, transaction: Transaction, rows: Sequence[Message], options: Options) -> Tally:
        if time.monotonic() >= self._crowded_until:
            with suppress(Collision):
                async with transaction.savepoint():
                    return await self._attempt(transaction, rows, options, alone=False)
            self._crowded_until = time.monotonic() + CROWDED_SECONDS
        return await self._attempt(transaction, rows, options, alone=True)

    async def _attempt(
        self, transaction: Transaction, rows: Sequence[Message], options: Options, *, alone: bool
    ) -> Tally:
        tally = Tally(len(rows))
        statements, reader = self._prepared(options.shape)
        ((version,),) = await transaction.fetch(_VERSION, ())
        writer = BulkWriter(
            transaction,
            statements,
            tally,
            server_version=version,
            refuses_stored=options.refuses_stored,
            last_wins=options.last_wins,
        )
        await writer.lock(len(rows), alone=alone)
        await _pipelined(writer, reader.chunks(rows, tally, last_wins=options.last_wins))
        return tally


async def _pipelined(writer: BulkWriter, chunks: AsyncIterator[Chunk]) -> None:
    """Write each chunk while the next one is read."""
    writing: asyncio.Task[None] | None = None
    try:
        async for chunk in chunks:
            if writing is not None:
                await writing
            writing = asyncio.create_task(writer.write(chunk))
        if writing is not None:
            await writing
    finally:
        if writing is not None and not writing.done():
            writing.cancel()
            await asyncio.wait([writing])
