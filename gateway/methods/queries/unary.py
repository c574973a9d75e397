"""A SQL method with one response: a row, rows, how many were changed, or nothing."""

from collections.abc import Sequence
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.db.database import Row, Transaction
from gateway.errors import NotFound, OutOfRange
from gateway.methods.engine import Engine
from gateway.methods.event_loop_turns import each_in_turns
from gateway.methods.idempotent import Writes
from gateway.methods.queries.parameters import parameters_reader
from gateway.methods.queries.rows import query_row
from gateway.methods.queries.statements import query_statement
from gateway.request.calls.call import Call
from gateway.schema.sql_method import Gives, SqlMethod


class UnaryQuery:
    """Answers with the rows of a query that reads.

    One that nothing proves to do so runs in a transaction in which PostgreSQL refuses writes: that takes
    several round trips more.
    """

    def __init__(self, method: SqlMethod, engine: Engine) -> None:
        self._database = engine.database
        self._read = parameters_reader(method)
        self._statement = query_statement(method)
        self._answer = _Answer(method)
        self._is_volatile = method.is_volatile

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the response."""
        args = self._read(request, call.principal)
        return await self._answer(await self._rows(args, call))

    async def _rows(self, args: Sequence[Any], call: Call) -> Sequence[Row]:
        if not self._is_volatile:
            return await self._database.fetch(self._statement, args, call)
        rows, is_all = await self._database.fetch_first(self._statement, args, call)
        if not is_all:
            raise OutOfRange("the response has more bytes than the limit", reason="RESPONSE_TOO_LARGE")
        return rows


class WritingQuery:
    """Answers with what a query changed, or returned; all of it is one transaction."""

    def __init__(self, method: SqlMethod, engine: Engine) -> None:
        self._writes = Writes(method, engine)
        self._read = parameters_reader(method)
        self._statement = query_statement(method)
        self._answer = _Answer(method)
        self._message = GetMessageClass(method.descriptor.output_type)
        self._counts = method.gives is Gives.COUNT
        self._returns = method.gives in (Gives.ROW, Gives.ROWS)

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the response."""
        args = self._read(request, call.principal)

        async def work(transaction: Transaction) -> Message:
            if self._returns:
                return await self._answer(await transaction.fetch(self._statement, args))
            count = await transaction.run(self._statement, args)
            return self._message(affected_rows=count) if self._counts else self._message()

        return await self._writes.atomically(request, call, work)


class _Answer:
    """Makes the response of a query's rows."""

    def __init__(self, method: SqlMethod) -> None:
        self._name = method.full_name
        self._message = GetMessageClass(method.descriptor.output_type)
        self._row = query_row(method)
        rows = method.response.get("rows")
        self._rows = rows.name if rows is not None else ""
        self._allow_missing = method.allow_missing
        self._most = method.max_rows

    async def __call__(self, rows: Sequence[Row]) -> Message:
        """Return it; raises NotFound for no row where there has to be one, OutOfRange for too many."""
        if len(rows) > self._most:
            raise OutOfRange(
                f"the query has more than {self._most} row{'s' if self._most > 1 else ''}",
                reason="TOO_MANY_ROWS",
                metadata={"limit": str(self._most)},
            )
        if self._rows:
            return self._message(**{self._rows: await each_in_turns(self._row, rows)})
        if rows:
            return self._row(rows[0])
        if self._allow_missing:
            return self._message()
        raise NotFound("the query has no row", reason="ROW_NOT_FOUND")
