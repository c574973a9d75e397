"""List: rows in pages (AIP-132, AIP-158)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import InvalidArgument
from gateway.methods.engine import Engine
from gateway.methods.selection import selection_reader
from gateway.request.call import Call
from gateway.request.masks import read_fields
from gateway.request.order import Order, parse_order
from gateway.request.page_token import fingerprint_of
from gateway.response.rows import Fill, rows_into
from gateway.schema.model import Method
from gateway.sql.order import Nulls, after_values
from gateway.sql.read import Rows, count_rows, select_page, selected
from gateway.sql.statement import Statement

DEFAULT_PAGE = 50
"""How many rows a page has where the request doesn't say."""
MAX_PAGE = 1000
"""The most rows of a page; more are cut to it (AIP-158)."""

_STATEMENTS = 512
"""How many statements are kept per method: one for each shape of filter, order, mask and page."""
_ORDERS = 256


@dataclass(frozen=True, slots=True)
class Page:
    """A shape of request: its statement, how rows become messages, where the order's columns stand."""

    statement: Statement
    fill: Fill
    places: tuple[int, ...]


class List:
    """Answers a page and the token of the next. Hides soft-deleted rows unless asked for them (AIP-164)."""

    def __init__(self, method: Method, engine: Engine) -> None:
        self._method = method
        self._resource = method.resource
        self._table = engine.table(method.resource)
        self._database = engine.database
        self._tokens = engine.page_tokens
        self._selection = selection_reader(method)
        self._response = GetMessageClass(method.descriptor.output_type)
        self._order: Callable[[str], Order] = lru_cache(_ORDERS)(
            lambda text: parse_order(text, self._resource)
        )
        self._page = lru_cache(_STATEMENTS)(self._build_page)
        self._count = lru_cache(_STATEMENTS)(lambda rows: count_rows(self._resource, self._table, rows))

    async def __call__(self, request: Message, call: Call) -> Message:
        """Return the page."""
        size = self._page_size(request)
        rows, values = self._selection(request)
        order = self._order(self._argument(request, "order_by", ""))
        fingerprint = self._fingerprint(request, rows, values, order)
        token = self._argument(request, "page_token", "")
        after = self._tokens.open(token, fingerprint) if token else None
        page = self._page(self._mask_paths(request), rows, order, _nulls(after))
        bound = {**values, **after_values(after or ()), "limit": size + 1}
        found = await self._database.fetch(page.statement, page.statement.arguments(bound), call)
        response = self._response()
        page.fill(self._repeated(response), found[:size])
        if len(found) > size:
            last = [found[size - 1][place] for place in page.places]
            self._set(response, "next_page_token", self._tokens.seal(fingerprint, last))
        if "total_size" in self._method.response:
            self._set(response, "total_size", await self._total(rows, values, call))
        return response

    def _build_page(self, paths: tuple[str, ...], rows: Rows, order: Order, after: Nulls | None) -> Page:
        mask = read_fields(self._resource, paths)
        fields = selected(self._resource, mask, order)
        statement = select_page(self._resource, self._table, fields, rows=rows, order=order, after=after)
        columns = [field.column for field in fields]
        places = tuple(columns.index(term.column) for term in order)
        return Page(statement, rows_into(self._resource, fields, mask), places)

    async def _total(self, rows: Rows, values: Any, call: Call) -> int:
        statement = self._count(rows)
        ((total,),) = await self._database.fetch(statement, statement.arguments(values), call)
        return int(total)

    def _page_size(self, request: Message) -> int:
        size = int(self._argument(request, "page_size", 0))
        if size < 0:
            name = self._method.request["page_size"].name
            raise InvalidArgument.field(name, "must not be negative", reason="NEGATIVE_PAGE_SIZE")
        return min(size or DEFAULT_PAGE, MAX_PAGE)

    def _fingerprint(self, request: Message, rows: Rows, values: Any, order: Order) -> bytes:
        """Return what a page token is bound to: all that decides which rows come in which order."""
        types = [(term, self._resource.by_column[term.column].type.sql) for term in order]
        asked = self._argument(request, "filter", "")
        return fingerprint_of(
            self._method.full_name, asked, rows.equals, rows.live, sorted(values.items()), types
        )

    def _mask_paths(self, request: Message) -> tuple[str, ...]:
        mask = self._argument(request, "read_mask", None)
        return tuple(mask.paths) if mask is not None else ()

    def _argument(self, request: Message, role: str, default: Any) -> Any:
        field = self._method.request.get(role)
        return getattr(request, field.name) if field is not None else default

    def _repeated(self, response: Message) -> Any:
        return getattr(response, self._method.response["rows"].name)

    def _set(self, response: Message, role: str, value: Any) -> None:
        field = self._method.response.get(role)
        if field is not None:
            setattr(response, field.name, value)


def _nulls(after: Sequence[Any] | None) -> Nulls | None:
    return None if after is None else tuple(value is None for value in after)
