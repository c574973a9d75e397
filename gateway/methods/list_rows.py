"""List: rows in pages (AIP-132, AIP-158)."""

from functools import lru_cache
from typing import Any

from google.protobuf.message import Message

from gateway.errors import InvalidArgument
from gateway.methods.engine import Engine
from gateway.methods.ordered import Asked, OrderedRows
from gateway.request.call import Call
from gateway.request.page_token import PAGE_TOKEN
from gateway.schema.model import Method
from gateway.sql.read import count_rows, select_page

DEFAULT_PAGE = 50
"""How many rows a page has where the request doesn't say."""
MAX_PAGE = 1000
"""The most rows of a page; more are cut to it (AIP-158)."""

_COUNTS = 512
"""How many statements that count are kept per method: one for each shape of filter."""


class List:
    """Answers a page and the token of the next. Hides soft-deleted rows unless asked for them (AIP-164)."""

    def __init__(self, method: Method, engine: Engine) -> None:
        resource, table = method.resource, engine.table(method.resource)
        self._names = {role: field.name for role, field in method.response.items()}
        self._database = engine.database
        self._read = OrderedRows(method, engine, select_page, "page_token", PAGE_TOKEN)
        self._count = lru_cache(_COUNTS)(lambda rows: count_rows(resource, table, rows))

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the page."""
        size = self._page_size(request)
        asked = await self._read(request, call)
        statement = asked.query.statement
        found = await self._database.fetch(
            statement, statement.arguments({**asked.values, "limit": size + 1}), call
        )
        response = await asked.query.respond(found[:size])
        if len(found) > size:
            self._set(response, "next_page_token", self._read.token(asked, found[size - 1]))
        if "total_size" in self._names:
            self._set(response, "total_size", await self._total(asked, call))
        return response

    async def _total(self, asked: Asked, call: Call) -> int:
        statement = self._count(asked.rows)
        arguments = statement.arguments(asked.values_of_rows)
        ((total,),) = await self._database.fetch(statement, arguments, call)
        return int(total)

    def _page_size(self, request: Message) -> int:
        size = int(self._read.argument(request, "page_size", 0))
        if size < 0:
            raise InvalidArgument.field("page_size", "must not be negative", reason="NEGATIVE_PAGE_SIZE")
        return min(size or DEFAULT_PAGE, MAX_PAGE)

    def _set(self, response: Message, role: str, value: Any) -> None:
        name = self._names.get(role)
        if name is not None:
            setattr(response, name, value)
