"""Stream: all rows of a query in one call, in chunks, at the client's pace."""

from collections.abc import AsyncGenerator, Iterator, Sequence

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.methods.engine import Engine
from gateway.methods.handlers import Piece
from gateway.methods.ordered import Asked, OrderedRows
from gateway.request.call import Call
from gateway.request.page_token import RESUME_TOKEN
from gateway.response.rows import Row
from gateway.schema.model import Method
from gateway.sql.read import select_stream

FIRST_SLICE = 64
"""Rows that are fetched before anything is known of their size."""
LARGEST_SLICE = 4_096
"""The most rows that are fetched at once: what a slice holds in memory stays bounded."""
GROWTH = 4


class Stream:
    """Answers every row once, in order, from one snapshot; each chunk ends in the token of what follows it.

    A call that goes on by a token reads a snapshot of its own, from after the token's row on.
    """

    def __init__(self, method: Method, engine: Engine) -> None:
        self._database = engine.database
        self._read = OrderedRows(method, engine, select_stream, "resume_token", RESUME_TOKEN)
        self._chunk_bytes = engine.chunk_bytes
        self._response = GetMessageClass(method.descriptor.output_type)
        self._rows = method.response["rows"].name
        self._token = method.response["resume_token"].name

    async def __call__(self, request: Message, call: Call) -> AsyncGenerator[Piece, None]:
        """Yield the chunks. Rows are fetched when those before them have been taken."""
        asked = self._read(request)
        statement = asked.query.statement
        size = FIRST_SLICE
        async with self._database.cursor(statement, statement.arguments(asked.values), call) as cursor:
            while rows := await cursor.fetch(size):
                sent = 0
                for piece in self._pieces(asked, rows):
                    sent += len(piece.body)
                    yield piece
                size = self._next_size(size, len(rows), sent)

    def _pieces(self, asked: Asked, rows: Sequence[Row]) -> Iterator[Piece]:
        """Yield the rows in as few chunks as are small enough; a row that is too large comes alone."""
        response = self._response()
        asked.query.fill(getattr(response, self._rows), rows)
        setattr(response, self._token, self._read.token(asked, rows[-1]))
        body = response.SerializePartialToString()
        if len(body) <= self._chunk_bytes or len(rows) == 1:
            yield Piece(body, len(rows))
            return
        middle = len(rows) // 2
        for half in (rows[:middle], rows[middle:]):
            yield from self._pieces(asked, half)

    def _next_size(self, size: int, rows: int, sent: int) -> int:
        """Return how many rows fill a chunk, by those just sent; it grows by and by."""
        fitting = self._chunk_bytes * rows // (sent + 1)
        return max(1, min(fitting, GROWTH * size, LARGEST_SLICE))
