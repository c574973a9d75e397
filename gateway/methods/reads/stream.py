"""Stream: all rows of a query in one call, in chunks, at the client's pace."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from google.protobuf.message import Message

from gateway.methods.engine import Engine
from gateway.methods.handlers import Piece
from gateway.methods.reads.ordered_rows import Asked, OrderedRows
from gateway.request.calls.call import StreamCall
from gateway.request.pages.page_token import RESUME_TOKEN
from gateway.response.shape import Row
from gateway.schema.model import StandardMethod
from gateway.sql.reads.select import select_stream

FIRST_SLICE = 64
"""Rows that are fetched before anything is known of their size."""
LARGEST_SLICE = 4_096
"""The most rows that are fetched at once: what a slice holds in memory stays bounded."""
GROWTH = 4
FAR_TOO_LARGE = 4
"""So many chunks that rows are divided without a look at their message."""
FULL = 0.9
"""How much of a chunk is filled: one that comes out too large is made twice."""


class Stream:
    """Answers every row once, in order, from one snapshot; each chunk ends in the token of what follows it.

    A call that goes on by a token reads a snapshot of its own, from after the token's row on.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._database = engine.database
        self._read = OrderedRows(method, engine, select_stream, "resume_token", RESUME_TOKEN)
        self._chunk_bytes = engine.chunk_bytes
        self._token = method.response["resume_token"].name

    async def __call__(self, request: Message, call: StreamCall) -> AsyncGenerator[Piece, None]:
        """Yield the chunks. Rows are fetched when those before them are being taken."""
        asked = await self._read(request, call)
        statement = asked.query.statement
        size = SliceSize(self._chunk_bytes)
        async with (
            self._database.cursor(statement, statement.arguments(asked.values), call) as cursor,
            aclosing(cursor.slices(size)) as slices,
        ):
            async for rows in slices:
                sent = 0
                async for piece in self._pieces(asked, rows, call, call.held):
                    sent += len(piece.body)
                    yield piece
                size.learn(len(rows), sent)
                asked = self._read.past(asked, rows)

    async def _pieces(
        self, asked: Asked, rows: Sequence[Row], call: StreamCall, held: int
    ) -> AsyncGenerator[Piece, None]:
        """Yield the rows in as few chunks as are small enough; a row that is too large comes alone.

        Many rows of which far too much is held are divided before a message is made of them.
        """
        if len(rows) > 1 and held > FAR_TOO_LARGE * self._chunk_bytes:
            async for piece in self._halves(asked, rows, call, held):
                yield piece
            return
        piece = await self._piece(asked, rows, call)
        if len(piece.body) <= self._chunk_bytes or len(rows) == 1:
            yield piece
            return
        async for piece in self._halves(asked, rows, call, held):
            yield piece

    async def _piece(self, asked: Asked, rows: Sequence[Row], call: StreamCall) -> Piece:
        token = self._read.token(asked, rows)
        response = await asked.query.respond(rows, {self._token: token}, call)
        return Piece(response.body, len(rows), token, response.is_json)

    async def _halves(
        self, asked: Asked, rows: Sequence[Row], call: StreamCall, held: int
    ) -> AsyncGenerator[Piece, None]:
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            async for piece in self._pieces(asked, half, call, held // 2):
                yield piece
            asked = self._read.past(asked, half)


class SliceSize:
    """How many rows fill a chunk, by those that were sent last; it grows by and by."""

    def __init__(self, chunk_bytes: int) -> None:
        self._aim = int(chunk_bytes * FULL)
        self._rows = FIRST_SLICE

    def __call__(self) -> int:
        """Return it."""
        return self._rows

    def learn(self, rows: int, sent: int) -> None:
        """Note how many bytes some rows took."""
        fitting = self._aim * rows // (sent + 1)
        self._rows = max(1, min(fitting, GROWTH * self._rows, LARGEST_SLICE))
