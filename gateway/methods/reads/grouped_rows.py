"""Groups of rows in an order, all of them or those after one: what Aggregate reads of a request."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from gateway.errors import InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.methods.engine import Engine
from gateway.methods.reads.ordered_rows import Asked, Query, nulls_of, owner_of
from gateway.methods.reads.place import Place
from gateway.methods.reads.row_responses import RowsResponse
from gateway.methods.selection import selection_reader
from gateway.request.aggregates import computed_of
from gateway.request.calls.call import Call
from gateway.request.filter import Filter, parse_filter
from gateway.request.filter.errors import filter_error_at
from gateway.request.filter.plan import Predicate
from gateway.request.filter.related.columns import columns_of
from gateway.request.masks import Mask, read_fields
from gateway.request.pages.order import Order, order_columns, parse_order
from gateway.request.pages.page_token import PAGE_TOKEN, fingerprint_of
from gateway.response.shape import Row, RowShape
from gateway.schema.aggregation import AggregateMethod
from gateway.schema.model import Resource
from gateway.schema.types.time_zones import is_time_zone
from gateway.sql.reads.aggregate import HAVING, TIME_ZONE, Groups, select_groups
from gateway.sql.reads.order import Nulls, after_values
from gateway.sql.reads.select import Rows, selected

_STATEMENTS = 512
"""How many statements are kept: one for each shape of groups, filters, order, mask and start."""
_TEXTS = 256
"""How many filters and orders are kept parsed, each with the groups that they are of."""
_UTC = "UTC"

T = TypeVar("T")
Keys = tuple[str, ...]
"""The names of the fields that make groups."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A request without its values: those of one shape share a statement.

    Args:
        keys: what makes groups.
        paths: of the read mask.
        rows: which rows.
        having: which groups.
        order: theirs.
        after: of the group that these follow, which values are NULL; None for the first.

    """

    keys: Keys
    paths: tuple[str, ...]
    rows: Rows
    having: Predicate | None
    order: Order
    after: Nulls | None


class GroupedRows:
    """Reads the requests of one method.

    Fields of columns that the method's callers don't know, or know masked, don't exist.

    Args:
        method: the method.
        engine: the gateway's parts.

    """

    def __init__(self, method: AggregateMethod, engine: Engine) -> None:
        self._method = method
        self._table = engine.table(method.resource)
        self._tokens = engine.page_tokens
        self._selection = selection_reader(
            method, engine.rules_of(method.resource), engine.relations_of(method)
        )
        self._names = {role: field.name for role, field in method.request.items()}
        known = method.resource.askable.by_column.keys()
        self._computed = tuple(one for one in computed_of(method.aggregation) if one.columns <= known)
        self._aggregation = replace(
            method.aggregation,
            keys=tuple(key for key in method.aggregation.keys if key.source.column in known),
            aggregates=tuple(one.aggregate for one in self._computed),
        )
        self._groups = lru_cache(_TEXTS)(self._aggregation.grouped_by)
        self._having = lru_cache(_TEXTS)(self._parse_having)
        self._order = lru_cache(_TEXTS)(self._parse_order)
        self._query = lru_cache(_STATEMENTS)(self._build)

    async def __call__(self, request: Message, call: Call) -> Asked:
        """Return what a request asks for; raises InvalidArgument."""
        token = self.argument(request, "page_token", "")
        last = self._tokens.open(token, PAGE_TOKEN) if token else None
        call.moment = None if last is None else last.moment
        rows, values = self._selection(request, call)
        keys = self._keys(request)
        having = self._having(keys, self.argument(request, "having", ""))
        order = self._order(keys, self.argument(request, "order_by", ""))
        conditions = having.arguments(call.time() if having.is_relative else 0, prefix=HAVING)
        values = {**values, **conditions, TIME_ZONE: self._time_zone(request)}
        fingerprint = self._fingerprint(request, rows, (keys, order), values, call)
        if last is not None:
            last.require(fingerprint, PAGE_TOKEN)
        place = Place(last.values) if last is not None else None
        paths = self.argument(request, "read_mask", FieldMask()).paths
        query = self._query(Shape(keys, tuple(paths), rows, having.shape, order, nulls_of(place)))
        after = after_values(place.values) if place is not None else {}
        return Asked(query, rows, {**values, **after}, values, fingerprint, call.moment, place)

    def token(self, asked: Asked, rows: Sequence[Row]) -> str:
        """Return the token of what follows the groups, of which there is at least one."""
        return self._tokens.seal(asked.fingerprint, asked.query.values(rows[-1]), (), asked.moment)

    def argument(self, request: Message, role: str, default: Any) -> Any:
        """Return the value of a role's field; the default where the request has none."""
        name = self._names.get(role)
        return getattr(request, name) if name is not None else default

    def _keys(self, request: Message) -> Keys:
        """Return the keys that make groups, in the message's order: all where requests don't say."""
        known = self._aggregation.keys_by_name
        if "group_by" not in self._names:
            return tuple(known)
        given = self.argument(request, "group_by", ())
        is_mask = self._method.request["group_by"].message_type is not None
        names = given.paths if is_mask else given
        for i, name in enumerate(names):
            if name not in known:
                place = "" if is_mask else f"[{i}]"
                hint = did_you_mean(name, known) or f": known are {', '.join(known)}"
                wrong = f'"{name[:64]}" makes no groups{hint}'
                path = f"{self._names['group_by']}{place}"
                raise InvalidArgument.field(path, wrong, reason="INVALID_GROUP_BY")
        return tuple(name for name in known if name in names)

    def _time_zone(self, request: Message) -> str:
        zone = self.argument(request, "time_zone", "") or _UTC
        if not is_time_zone(zone):
            wrong = f'"{zone[:64]}" is no time zone of the IANA\'s, as Europe/Zurich'
            raise InvalidArgument.field(self._names["time_zone"], wrong, reason="INVALID_TIME_ZONE")
        return zone

    def _parse_having(self, keys: Keys, text: str) -> Filter:
        try:
            return self._over(keys, lambda groups: parse_filter(text, groups))
        except InvalidArgument as error:
            raise filter_error_at(self._names["having"], error) from error

    def _parse_order(self, keys: Keys, text: str) -> Order:
        order = self._over(keys, lambda groups: parse_order(text, groups))
        return order if keys else ()  # without keys there is one group

    def _over(self, keys: Keys, read: Callable[[Resource], T]) -> T:
        """Return what is read over groups; raises InvalidArgument, naming the keys that it lacks."""
        try:
            return read(self._groups(keys))
        except InvalidArgument as error:
            every = tuple(self._aggregation.keys_by_name)
            if keys == every:
                raise
            read(self._groups(every))  # raises where a key that isn't asked for is not what is missing
            lacking = [key for key in every if key not in keys and not self._is_read_without(key, read)]
            if not lacking:
                raise
            named = ", ".join(f'"{key}"' for key in lacking)
            wrong = f"names {named}, by which it isn't grouped: name it in {self._names['group_by']}, too"
            path = error.violations[0].field
            raise InvalidArgument.field(path, wrong, reason=error.reason) from error

    def _is_read_without(self, key: str, read: Callable[[Resource], T]) -> bool:
        """Whether something can be read over the groups of all keys but one."""
        try:
            read(self._groups(tuple(one for one in self._aggregation.keys_by_name if one != key)))
        except InvalidArgument:
            return False
        return True

    def _build(self, shape: Shape) -> Query:
        resource, keys, order = self._groups(shape.keys), shape.keys, shape.order
        mask = self._mask(keys, shape.paths)
        fields = selected(resource, mask, order)
        having = columns_of(shape.having) if shape.having is not None else frozenset()
        asked = {field.column for field in fields} | having
        computed = tuple(one for one in self._computed if one.aggregate.field.column in asked)
        if not (keys or computed):
            path = self._names.get("group_by", "read_mask")
            raise InvalidArgument.field(
                path, "is empty, and nothing is to be computed", reason="INVALID_GROUP_BY"
            )
        by = tuple(key for key in self._aggregation.keys if key.field.name in keys)
        statement = select_groups(
            self._method.resource,
            self._table,
            Groups(resource, by, computed, shape.having),
            fields,
            rows=shape.rows,
            order=order,
            after=shape.after,
        )
        columns = [field.column for field in fields]
        places = tuple(columns.index(column) for column in order_columns(order))
        return Query(statement, RowsResponse(self._method, RowShape(resource, fields, mask)), places, ())

    def _mask(self, keys: Keys, paths: tuple[str, ...]) -> Mask:
        """Return what is answered of groups: their keys, and what the mask names."""
        resource, mask = self._groups(keys), self._over(keys, lambda groups: read_fields(groups, paths))
        shown = {field.name for field in (*mask.fields, *resource.key_fields)}
        return replace(mask, fields=tuple(field for field in resource.fields if field.name in shown))

    def _fingerprint(
        self,
        request: Message,
        rows: Rows,
        groups: tuple[Keys, Order],
        values: Mapping[str, Any],
        call: Call,
    ) -> bytes:
        asked = [self.argument(request, role, "") for role in ("filter", "having")]
        which = (self._method.full_name, asked, rows.equals, rows.live, sorted(values.items()), groups)
        return fingerprint_of(*which, *owner_of(call))
