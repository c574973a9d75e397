"""Count: how many rows there are, exactly or by PostgreSQL's own estimate."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from rowgate.v1 import count_pb2

from gateway.methods.engine import Engine
from gateway.methods.selection import selection_reader
from gateway.request.calls.call import Call
from gateway.request.enums import known_value
from gateway.request.filter.related.columns import related_resources_of
from gateway.schema.model import StandardMethod
from gateway.sql.reads.select import Rows, count_rows, explain_rows

_STATEMENTS = 256


class Count:
    """Counts with count(*), or returns how many rows PostgreSQL's planner expects.

    The estimate comes from EXPLAIN with and without a filter: without one it is pg_class.reltuples, scaled to
    the table's present size, and works on a table that was never analysed.
    """

    def __init__(self, method: StandardMethod, engine: Engine) -> None:
        self._method = method
        self._database = engine.database
        rules = engine.rules_of(method.resource)
        self._hides_rows = engine.hides_rows or rules is not None
        self._with_rules = engine.rules.keys()
        self._selection = selection_reader(method, rules, engine.relations_of(method))
        self._response = GetMessageClass(method.descriptor.output_type)
        resource, table = method.resource, engine.table(method.resource)
        self._exact = lru_cache(_STATEMENTS)(lambda rows: count_rows(resource, table, rows))
        self._plan = lru_cache(_STATEMENTS)(lambda rows: explain_rows(resource, table, rows))

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the number of rows."""
        rows, values = self._selection(request, call)
        estimated = self._is_estimated(request) and not self._tells_of_hidden(rows)
        number = await (self._estimate(rows, values, call) if estimated else self._count(rows, values, call))
        answer = {"count": number, "estimated": estimated}
        roles = self._method.response
        return self._response(**{roles[role].name: value for role, value in answer.items() if role in roles})

    def _tells_of_hidden(self, rows: Rows) -> bool:
        """Whether an estimate would tell of rows that aren't there for the caller: statistics are of all."""
        if self._hides_rows or rows.filter is None:
            return self._hides_rows
        return not self._with_rules.isdisjoint(related_resources_of(rows.filter))

    def _is_estimated(self, request: Message) -> bool:
        mode = self._method.request.get("mode")
        if mode is None:
            return False
        asked = known_value(count_pb2.CountMode, getattr(request, mode.name), mode.name)
        return asked == count_pb2.COUNT_MODE_ESTIMATED

    async def _count(self, rows: Rows, values: Mapping[str, Any], call: Call) -> int:
        statement = self._exact(rows)
        ((number,),) = await self._database.fetch(statement, statement.arguments(values), call)
        return int(number)

    async def _estimate(self, rows: Rows, values: Mapping[str, Any], call: Call) -> int:
        statement = self._plan(rows)
        ((plan,),) = await self._database.fetch(statement, statement.arguments(values), call)
        return int(json.loads(plan)[0]["Plan"]["Plan Rows"])
