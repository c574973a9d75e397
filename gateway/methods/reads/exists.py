"""Exists: whether there is a row."""

from functools import lru_cache

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.methods.engine import Engine
from gateway.methods.selection import selection_reader
from gateway.request.calls.call import Call
from gateway.schema.model import StandardMethod
from gateway.sql.reads.select import any_row

_STATEMENTS = 256


class Exists:
    """Says whether one of the rows is there that a request means, of those that are there for its caller."""

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._database = engine.database
        self._selection = selection_reader(
            method, engine.rules_of(method.resource), engine.relations_of(method)
        )
        self._response = GetMessageClass(method.descriptor.output_type)
        self._name = method.response["exists"].name
        resource, table = method.resource, engine.table(method.resource)
        self._statement = lru_cache(_STATEMENTS)(lambda rows: any_row(resource, table, rows))

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return whether there is one."""
        rows, values = self._selection(request, call)
        statement = self._statement(rows)
        ((exists,),) = await self._database.fetch(statement, statement.arguments(values), call)
        return self._response(**{self._name: exists})
