"""The rows that a request selects: filter, equality by field name, soft-deleted or not."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from gateway.policy.row_rules import TableRules, caller_values, read_rule
from gateway.request.calls.call import Call
from gateway.request.filter import Filter, parse_filter
from gateway.request.filter.related.relations import NO_RELATIONS, Relations
from gateway.request.keys import encode_value
from gateway.schema.model import StandardMethod
from gateway.sql.reads.select import Rows, equals_name

_FILTERS = 256
"""How many filters are kept parsed. They are texts of at most 8 KiB."""

Selection = tuple[Rows, Mapping[str, Any]]
"""The rows' shape, and the values of its parameters."""


def selection_reader(
    method: StandardMethod,
    rules: TableRules | None,
    relations: Relations = NO_RELATIONS,
    *,
    everything: str = "",
) -> Callable[[Message, Call], Selection]:
    """Return the function that reads which rows a request means, of those that are there for its caller.

    Args:
        method: the method.
        rules: of the rows; None where all are everybody's.
        relations: those that filters may go through.
        everything: the filter that stands for all rows, beside the empty one.

    Raises InvalidArgument, when called, for a wrong filter or a value that its column can't hold.

    """
    resource, request_fields = method.resource, method.request
    filter_name = _name(request_fields, "filter")
    show_deleted = _name(request_fields, "show_deleted")

    @lru_cache(maxsize=_FILTERS)
    def parsed(text: str) -> Filter:
        return parse_filter(text, resource.askable, relations)

    def read(request: Message, call: Call) -> Selection:
        text = getattr(request, filter_name) if filter_name else ""
        checked = parsed("" if text == everything else text)
        values = checked.arguments(call.time() if checked.is_relative else 0, call.principal)
        equals: list[str] = []
        for descriptor, field in method.equals:
            if _is_given(request, descriptor):
                equals.append(field.column)
                value = getattr(request, descriptor.name)
                values[equals_name(field.column)] = encode_value(field, value, descriptor.name)
        live = resource.soft_delete is not None and not (show_deleted and getattr(request, show_deleted))
        values |= caller_values(rules, call.principal)
        return Rows(checked.shape, tuple(equals), live, read_rule(rules)), values

    return read


def _name(roles: Mapping[str, FieldDescriptor], role: str) -> str:
    return str(roles[role].name) if role in roles else ""


def _is_given(request: Message, descriptor: FieldDescriptor) -> bool:
    if descriptor.has_presence:
        return request.HasField(descriptor.name)
    return bool(getattr(request, descriptor.name) != descriptor.default_value)
