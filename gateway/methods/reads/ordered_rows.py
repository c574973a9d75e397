"""Rows in an order, all of them or those after a row: what List and Stream read of a request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from google.protobuf.message import Message

from gateway.auth.principal import ANONYMOUS
from gateway.methods.engine import Engine
from gateway.methods.reads.place import Place, place_after
from gateway.methods.reads.relations import NONE, AskedReader, Related, Shapes, related_of
from gateway.methods.reads.row_responses import RowsResponse
from gateway.methods.selection import selection_reader
from gateway.policy.row_rules import caller_values, read_rule
from gateway.request.calls.call import Call
from gateway.request.masks import read_fields
from gateway.request.pages.order import Order, order_columns, parse_order, places_of
from gateway.request.pages.page_token import Last, TokenUse, digest_of, fingerprint_of
from gateway.request.relations.arguments import AskedRows
from gateway.response.shape import Row, RowShape
from gateway.schema.model import StandardMethod
from gateway.sql.reads.order import Nulls, after_values
from gateway.sql.reads.ordered_table import order_fields
from gateway.sql.reads.select import TOLD, Rows, select_place, selected
from gateway.sql.statement import Statement

_STATEMENTS = 512
"""How many statements are kept per method: one for each shape of filter, order, mask and start."""
_ORDERS = 256


@dataclass(frozen=True, slots=True)
class Query:
    """A shape of request.

    Args:
        statement: its statement.
        respond: makes a response of rows.
        places: where the order's columns stand in a row.
        key: where the primary key's columns stand in the order; nowhere, without a key.
        related: what is read by relations.

    """

    statement: Statement
    respond: RowsResponse
    places: tuple[int, ...]
    key: tuple[int, ...]
    related: Related = NONE

    def values(self, row: Row) -> list[Any]:
        """Return a row's values of the order's columns."""
        return [row[place] for place in self.places]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks for.

    Args:
        query: its shape.
        rows: which rows.
        values: the values of all parameters of the query but a limit.
        values_of_rows: those of them that say which rows.
        fingerprint: what tokens are bound to: all that decides which rows come in which order.
        moment: the time that the filter is relative to, which its tokens keep; None where it isn't.
        place: what they follow, if anything.

    """

    query: Query
    rows: Rows
    values: Mapping[str, Any]
    values_of_rows: Mapping[str, Any]
    fingerprint: bytes
    moment: int | None = None
    place: Place | None = None


class OrderedRows:
    """Reads the requests of one method.

    Args:
        method: List or Stream.
        engine: the gateway's parts.
        select: makes the statement.
        token: the role of the request's token.
        use: what that token is called.

    """

    def __init__(
        self,
        method: StandardMethod,
        engine: Engine,
        select: Callable[..., Statement],
        token: str,
        use: TokenUse,
    ) -> None:
        self._method = method
        self._engine = engine
        self._full_name = method.full_name
        self._resource = method.resource
        self._ties = not method.resource.primary_key
        self._table = engine.table(method.resource)
        self._database = engine.database
        self._tokens = engine.page_tokens
        self._select = select
        self._token = token
        self._use = use
        self._rules = engine.rules_of(method.resource)
        self._relations = engine.relations_of(method)
        self._selection = selection_reader(method, self._rules, self._relations)
        self._order = lru_cache(_ORDERS)(self._parse_order)
        self._names = {role: field.name for role, field in method.request.items()}
        self._asked = AskedReader(method, self._relations)
        self._query = lru_cache(_STATEMENTS)(self._build)
        self._look_up = lru_cache(_ORDERS)(self._row_statement)

    async def __call__(self, request: Message, call: Call) -> Asked:
        """Return what a request asks for; raises InvalidArgument."""
        token = self.argument(request, self._token, "")
        last = self._tokens.open(token, self._use) if token else None
        call.moment = None if last is None else last.moment
        rows, values = self._selection(request, call)
        order, printed = self._order(self.argument(request, "order_by", ""))
        fingerprint = self._fingerprint(request, rows, values, printed, call)
        place = await self._place(last, fingerprint, order, call) if last is not None else None
        asked = self._asked(request)
        shapes = tuple(one.shape for one in asked)
        query = self._query(self._mask_paths(request), rows, order, nulls_of(place), shapes)
        after = {**after_values(place.values), TOLD: place.told} if place is not None else {}
        of_all = {**values, **after, **of_order(order, call), **self._of_related(query, asked, call)}
        return Asked(query, rows, of_all, values, fingerprint, call.moment, place)

    def _of_related(self, query: Query, asked: Sequence[AskedRows], call: Call) -> Mapping[str, Any]:
        return query.related.values(self._engine, call, asked) if query.related.rows else {}

    def token(self, asked: Asked, rows: Sequence[Row]) -> str:
        """Return the token of what follows the rows, of which there is at least one."""
        query = asked.query
        if not self._ties:
            return self._tokens.seal(asked.fingerprint, query.values(rows[-1]), query.key, asked.moment)
        values, told = place_after(rows, asked.place, query.values)
        return self._tokens.seal(asked.fingerprint, [*values, told], (), asked.moment)

    def past(self, asked: Asked, rows: Sequence[Row]) -> Asked:
        """Return what is still asked for when the rows were told; tokens of rows with a key don't need it."""
        if not self._ties:
            return asked
        return replace(asked, place=place_after(rows, asked.place, asked.query.values))

    async def _place(self, last: Last, fingerprint: bytes, order: Order, call: Call) -> Place:
        """Return what the rows come after; its values are looked up where the token has a key alone."""
        last.require(fingerprint, self._use)
        if self._ties:
            *values, told = last.values
            return Place(values, told)
        if not last.by_key:
            return Place(last.values)
        digest, *values = last.values
        statement = self._look_up(order)
        columns = [term.column for term in order if term.column in self._resource.primary_key]
        key = dict(zip(columns, values, strict=True))
        given = {**key, **caller_values(self._rules, call.principal), **of_order(order, call)}
        found = await self._database.fetch(statement, statement.arguments(given), call)
        if not found or digest_of([*found[0]]) != digest:
            raise self._use.outdated()
        return Place(found[0])

    def _row_statement(self, order: Order) -> Statement:
        """Return the statement that reads the values of an order's columns of one row."""
        return select_place(self._resource, self._table, order, read_rule(self._rules))

    def argument(self, request: Message, role: str, default: Any) -> Any:
        """Return the value of a role's field; the default where the request has none."""
        name = self._names.get(role)
        return getattr(request, name) if name is not None else default

    def _parse_order(self, text: str) -> tuple[Order, str]:
        """Return an order, and what tokens are bound to of it: its columns and their types."""
        order = parse_order(text, self._resource.askable, self._relations, near=True)
        columns = {**self._resource.by_column, **{one.column: one for one in order_fields(order)}}
        printed = repr([(term, columns[term.column].type.sql) for term in order])
        return order, f"without a key {printed}" if self._ties else printed

    def _build(
        self, paths: tuple[str, ...], rows: Rows, order: Order, after: Nulls | None, asked: Shapes
    ) -> Query:
        mask = read_fields(self._resource, paths, related=self._method.related)
        fields = (*selected(self._resource, mask, order), *order_fields(order))
        related = related_of(mask, self._engine, asked)
        statement = self._select(
            self._resource, self._table, fields, rows=rows, order=order, after=after, related=related.rows
        )
        columns = [field.column for field in fields]
        ordered = order_columns(order)
        places = tuple(columns.index(column) for column in ordered)
        key = tuple(i for i, column in enumerate(ordered) if column in self._resource.primary_key)
        respond = RowsResponse(self._method, RowShape(self._resource, fields, mask), related.shapes)
        return Query(statement, respond, places, key, related)

    def _fingerprint(
        self, request: Message, rows: Rows, values: Mapping[str, Any], order: str, call: Call
    ) -> bytes:
        asked = self.argument(request, "filter", "")
        return fingerprint_of(
            self._full_name, asked, rows.equals, rows.live, sorted(values.items()), order, *owner_of(call)
        )

    def _mask_paths(self, request: Message) -> tuple[str, ...]:
        mask = self.argument(request, "read_mask", None)
        return tuple(mask.paths) if mask is not None else ()


def of_order(order: Order, call: Call) -> Mapping[str, Any]:
    """Return the values of what is bound for an order: its places, and what its columns of other rows ask."""
    values: dict[str, Any] = {**places_of(order)}
    for related in (term.related for term in order if term.related is not None):
        values |= related.arguments(call)
    return values


def owner_of(call: Call) -> tuple[str, ...]:
    """Return what a token is bound to of its caller; nothing of callers who aren't identified."""
    return () if call.principal is ANONYMOUS else (call.principal.name,)


def nulls_of(place: Place | None) -> Nulls | None:
    """Return which values of a place are NULL; None of no place."""
    return None if place is None else tuple(value is None for value in place.values)
