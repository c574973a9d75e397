"""A SQL method that streams: the rows of a query, a message each or as many as fill one."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.methods.engine import Engine
from gateway.methods.event_loop_turns import Turns
from gateway.methods.handlers import Piece
from gateway.methods.queries.parameters import parameters_reader
from gateway.methods.queries.rows import query_row
from gateway.methods.queries.statements import query_statement
from gateway.methods.reads.stream import SliceSize
from gateway.request.calls.call import StreamCall
from gateway.response.serialized import serialized
from gateway.response.shape import Row
from gateway.schema.sql_method import SqlMethod


class StreamedQuery:
    """Answers with all rows of a query, of one snapshot; the query ends when the client goes."""

    def __init__(self, method: SqlMethod, engine: Engine) -> None:
        self._database = engine.database
        self._read = parameters_reader(method)
        self._statement = query_statement(method)
        self._row = query_row(method)
        self._chunk_bytes = engine.chunk_bytes
        rows = method.response.get("rows")
        self._rows = rows.name if rows is not None else ""
        self._message = GetMessageClass(method.descriptor.output_type)

    async def __call__(self, request: Message, call: StreamCall) -> AsyncGenerator[Piece, None]:
        """Yield the responses. Rows are fetched when those before them are being taken."""
        args = self._read(request, call.principal)
        size = SliceSize(self._chunk_bytes)
        async with (
            self._database.cursor(self._statement, args, call) as cursor,
            aclosing(cursor.slices(size)) as slices,
        ):
            async for rows in slices:
                sent = 0
                async for piece in self._pieces(rows):
                    sent += len(piece.body)
                    yield piece
                size.learn(len(rows), sent)

    async def _pieces(self, rows: Sequence[Row]) -> AsyncGenerator[Piece, None]:
        """Yield the responses of some rows: where they are gathered, each ends before it is too large."""
        turns, gathered, count = Turns(), bytearray(), 0
        for row in rows:
            one = self._body(row)
            if count and (not self._rows or len(gathered) + len(one) > self._chunk_bytes):
                yield Piece(bytes(gathered), count)
                gathered, count = bytearray(), 0
            gathered += one
            count += 1
            await turns.give()
        if count:
            yield Piece(bytes(gathered), count)

    def _body(self, row: Row) -> bytes:
        """Return a row's message, or what holds it: such ones after each other are one that holds all."""
        made = self._row(row)
        return serialized(self._message(**{self._rows: [made]}) if self._rows else made)
