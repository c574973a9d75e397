"""List: rows in pages (AIP-132, AIP-158)."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message

from gateway.db.connections.received_bytes import is_too_large
from gateway.db.database import Row
from gateway.errors import InvalidArgument, OutOfRange
from gateway.methods.engine import Engine
from gateway.methods.handlers import WrittenResponse
from gateway.methods.reads.grouped_rows import GroupedRows
from gateway.methods.reads.ordered_rows import Asked, OrderedRows
from gateway.methods.reads.searched_rows import SearchedRows
from gateway.request.calls.call import Call
from gateway.request.pages.page_token import PAGE_TOKEN
from gateway.schema.model import StandardMethod
from gateway.sql.reads.select import count_rows, select_page

DEFAULT_PAGE = 50
"""How many rows a page has where the request doesn't say."""
MAX_PAGE = 1000
"""The most rows of a page; more are cut to it (AIP-158)."""

_COUNTS = 512
"""How many statements that count are kept per method: one for each shape of filter."""


class List:
    """Answers a page and the token of the next. Hides soft-deleted rows unless asked for them (AIP-164).

    A page whose rows are too large for one response has fewer than were asked for (AIP-158).

    Args:
        method: the method.
        engine: the gateway's parts.
        read: reads requests; by default those for rows as they are stored.

    """

    def __init__(
        self,
        method: StandardMethod,
        engine: Engine,
        read: OrderedRows | GroupedRows | SearchedRows | None = None,
    ) -> None:
        resource, table = method.resource, engine.table(method.resource)
        self._names = {role: field.name for role, field in method.response.items()}
        self._database = engine.database
        self._max_bytes = engine.response_bytes
        self._read = read or OrderedRows(method, engine, select_page, "page_token", PAGE_TOKEN)
        self._count = lru_cache(_COUNTS)(lambda rows: count_rows(resource, table, rows))

    async def __call__(self, request: Message, call: Call) -> WrittenResponse:
        """Return the page."""
        size = self._page_size(request)
        asked = await self._read(request, call)
        found, whole = await self._fetch(asked, size, call)
        others = {}
        if "total_size" in self._names:
            others[self._names["total_size"]] = await self._total(asked, call)
        return await self._page(asked, found[:size], others, call, last=whole and len(found) <= size)

    async def _fetch(self, asked: Asked, size: int, call: Call) -> tuple[Sequence[Row], bool]:
        """Return the page's rows and the one after it, and whether those are all that are there.

        Nearly every page is read at once; only where its rows are too large it is read again, bit by bit.
        """
        statement = asked.query.statement
        arguments = statement.arguments({**asked.values, "limit": size + 1})
        try:
            return await self._database.fetch(statement, arguments, call), True
        except OutOfRange as error:
            if not is_too_large(error):
                raise
        return await self._database.fetch_first(statement, arguments, call)

    async def _page(
        self, asked: Asked, rows: Sequence[Row], others: Mapping[str, Any], call: Call, *, last: bool
    ) -> WrittenResponse:
        """Return a response of the rows, or of the first of them where it would be too large."""
        token = self._names.get("next_page_token")
        told = others if last or token is None else {**others, token: self._read.token(asked, rows)}
        response = await asked.query.respond(rows, told, call)
        if len(rows) == 1 or len(response.body) <= self._max_bytes:
            return response
        del response  # what is too large isn't held while a smaller one is made
        return await self._page(asked, rows[: len(rows) // 2], others, call, last=False)

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
