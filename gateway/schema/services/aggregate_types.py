"""Types of what is computed of groups: those that hold any result, and how its field stores them.

https://www.postgresql.org/docs/current/functions-aggregate.html
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from rowgate.v1 import annotations_pb2

from gateway.schema.aggregation import Function
from gateway.schema.model import Field
from gateway.schema.services.field_roles import same_type, type_name
from gateway.schema.types import InvalidTypeError, value_type
from gateway.schema.types.arrays import array
from gateway.schema.types.mapping import WRAPPERS
from gateway.schema.types.sql_types import without_modifiers
from gateway.schema.values import ValueKind, ValueType

Choices = Mapping[str, str]
"""The SQL type of each field's type that holds a result."""

_DECIMAL, _DURATION, _MONEY = "google.type.Decimal", "google.protobuf.Duration", "google.type.Money"
_DATE, _TIMESTAMP = "google.type.Date", "google.protobuf.Timestamp"
_EXACT: Choices = {_DECIMAL: "numeric", "string": "numeric"}
_DOUBLE: Choices = {"double": "double precision"}
_INTERVAL: Choices = {_DURATION: "interval"}
_NUMBERS = (ValueKind.INTEGER, ValueKind.FLOAT, ValueKind.DECIMAL)
_TEXTS = ("text", "character varying", "character", "citext")
_ORDERED = (
    *_NUMBERS,
    ValueKind.TIMESTAMP,
    ValueKind.DURATION,
    ValueKind.DATE,
    ValueKind.TIME,
    ValueKind.ENUM,
)
_SCALARS = {
    getattr(FieldDescriptor, f"TYPE_{written.upper()}"): name
    for name, spellings in {
        "int32": ("int32", "sint32", "sfixed32"),
        "int64": ("int64", "sint64", "sfixed64"),
        "uint32": ("uint32", "fixed32"),
        "uint64": ("uint64", "fixed64"),
        **{name: (name,) for name in ("float", "double", "bool", "string", "bytes")},
    }.items()
    for written in spellings
}
_COUNTS: Choices = dict.fromkeys(("int64", "int32", "uint64", "uint32"), "bigint")
_BELOW_A_DAY = ("minute", "hour")


def result_type(function: Function, source: Field | None, answer: FieldDescriptor, schema: str) -> ValueType:
    """Return how a field holds what is computed of `source`; raises InvalidTypeError where it can't.

    Args:
        function: what is computed.
        source: of which of the resource's fields.
        answer: the field that holds it.
        schema: the PostgreSQL schema of the resource's table.

    """
    if function is Function.COUNT or source is None:
        return _chosen(answer, _COUNTS, schema)
    if function is Function.VALUES:
        return _listed(source, answer)
    if answer.is_repeated:
        raise InvalidTypeError("is repeated, but holds one value", "leave repeated out")
    return _TYPES[function](source, answer, schema)


def key_type(source: Field, answer: FieldDescriptor) -> ValueType:
    """Return how a field holds the values of `source` that make groups; raises InvalidTypeError."""
    found = _same(source, answer)
    if not (found.equality and found.orderable):
        raise InvalidTypeError(f"{source.name} is {found.sql}, which makes no groups", "leave it out")
    return found


def truncated_type(source: Field, answer: FieldDescriptor, unit: str, schema: str) -> ValueType:
    """Return how a field holds the start of the spans in which `source` is; raises InvalidTypeError."""
    choices = {_DATE: "date"}
    if _time(source) is ValueKind.TIMESTAMP:
        choices = {_TIMESTAMP: "timestamp with time zone", **choices}
    if unit in _BELOW_A_DAY:
        choices.pop(_DATE)
    if not choices:
        raise InvalidTypeError(
            f"{source.name} is a date, which has no {unit}", "truncate it to a day or more"
        )
    return _chosen(answer, choices, schema)


def part_type(source: Field, answer: FieldDescriptor, part: str, schema: str) -> ValueType:
    """Return how a field holds a part of `source`; raises InvalidTypeError."""
    if _time(source) is ValueKind.DATE and part in _BELOW_A_DAY:
        raise InvalidTypeError(f"{source.name} is a date, which has no {part}", "take a part of a date")
    return _chosen(answer, {"int32": "integer"}, schema)


def _time(source: Field) -> ValueKind:
    kind = source.type.kind
    if kind not in (ValueKind.TIMESTAMP, ValueKind.DATE):
        raise InvalidTypeError(f"{source.name} is {source.type.sql}, no time", "name a Timestamp or a Date")
    return kind


def _chosen(answer: FieldDescriptor, choices: Choices, schema: str, currency: str = "") -> ValueType:
    """Return how the field holds values; raises InvalidTypeError where its type isn't among the choices."""
    name = _spelled(answer)
    if answer.is_repeated or name not in choices:
        wanted = " or ".join(choices)
        raise InvalidTypeError(f"can't hold every result as {name}", f"declare it {wanted}")
    options = annotations_pb2.ColumnOptions(type=choices[name], currency=currency)
    return value_type(answer, options, schema)


def _spelled(answer: FieldDescriptor) -> str:
    """Return a field's type as protos spell it; a wrapper's is that of what it wraps."""
    name = type_name(answer)
    if name in WRAPPERS:
        return _wrapped(answer)
    return name or _SCALARS[answer.type]


def _wrapped(answer: FieldDescriptor) -> str:
    """Return the type of what a wrapper wraps."""
    wrapper = cast("Descriptor", answer.message_type)
    return _SCALARS[wrapper.fields_by_name["value"].type]


def _same(source: Field, answer: FieldDescriptor) -> ValueType:
    """Return the source's type; raises InvalidTypeError for a field of another one, or of several values."""
    wanted = type_name(source.descriptor) or _spelled(source.descriptor)
    if source.descriptor.is_repeated or source.type.kind is ValueKind.JSON:
        raise InvalidTypeError(f"{source.name} holds several values", "name a field of one value")
    if not same_type(answer, source.descriptor):
        raise InvalidTypeError(f"is of another type than {source.name}", f"declare it {wanted}")
    return source.type


def _listed(source: Field, answer: FieldDescriptor) -> ValueType:
    if not answer.is_repeated:
        raise InvalidTypeError("holds one value", "declare it repeated")
    element = _same(source, answer)
    if type_name(answer) in WRAPPERS:
        raise InvalidTypeError("is repeated, of wrappers", f"list a field of {_wrapped(answer)} instead")
    return array(element)


def _sum(source: Field, answer: FieldDescriptor, schema: str) -> ValueType:
    choices, currency = _sums(source), ""
    if choices is None:
        raise _no_number(source)
    if type_name(source.descriptor) == _MONEY == type_name(answer):
        choices, currency = {_MONEY: "numeric"}, _currency(source)
    return _chosen(answer, choices, schema, currency)


def _sums(source: Field) -> Choices | None:
    match source.type.kind:
        case ValueKind.INTEGER if without_modifiers(source.type.sql) in ("smallint", "integer"):
            return {"int64": "bigint", **_EXACT}
        case ValueKind.INTEGER | ValueKind.DECIMAL:
            return _EXACT
        case ValueKind.FLOAT:
            return _DOUBLE
        case ValueKind.DURATION:
            return _INTERVAL
    return None


def _avg(source: Field, answer: FieldDescriptor, schema: str) -> ValueType:
    choices = _sums(source)
    if choices is None:
        raise _no_number(source)
    is_exact = source.type.kind in (ValueKind.INTEGER, ValueKind.DECIMAL)
    return _chosen(answer, {**_DOUBLE, **_EXACT} if is_exact else choices, schema)


def _no_number(source: Field) -> InvalidTypeError:
    wrong = f"{source.name} is {source.type.sql}, which has no sum"
    return InvalidTypeError(wrong, "name a field of numbers or durations")


def _currency(source: Field) -> str:
    decode = source.type.decode
    return "" if decode is None else str(decode(Decimal(0))["currency_code"])


def _extreme(source: Field, answer: FieldDescriptor, _: str) -> ValueType:
    found = _same(source, answer)
    is_text = found.kind is ValueKind.TEXT and without_modifiers(found.sql) in _TEXTS
    if not (is_text or found.kind in _ORDERED or found.sql == "inet"):
        right = "use percentile, discrete, with the fraction 0 or 1" if found.orderable else "leave it out"
        raise InvalidTypeError(f"PostgreSQL has no min and max of {found.sql}", right)
    return found


def _between(source: Field, answer: FieldDescriptor, schema: str) -> ValueType:
    if source.type.kind is ValueKind.DURATION:
        return _chosen(answer, _INTERVAL, schema)
    if source.type.kind not in _NUMBERS:
        wrong = f"{source.name} is {source.type.sql}: nothing is between two of its values"
        raise InvalidTypeError(wrong, "use percentile, discrete")
    return _chosen(answer, _DOUBLE, schema)


def _discrete(source: Field, answer: FieldDescriptor, _: str) -> ValueType:
    found = _same(source, answer)
    if not found.orderable:
        raise InvalidTypeError(f"{source.name} is {found.sql}, which has no order", "leave it out")
    return found


def _one(source: Field, answer: FieldDescriptor, _: str) -> ValueType:
    return _same(source, answer)


def _distinct(source: Field, answer: FieldDescriptor, schema: str) -> ValueType:
    if not source.type.equality:
        wrong = f"{source.name} is {source.type.sql}, whose values can't be compared"
        raise InvalidTypeError(wrong, "leave it out")
    return _chosen(answer, _COUNTS, schema)


def _bool(source: Field, answer: FieldDescriptor, schema: str) -> ValueType:
    if source.type.kind is not ValueKind.BOOL:
        raise InvalidTypeError(f"{source.name} is {source.type.sql}, no bool", "name a field of bools")
    return _chosen(answer, {"bool": "boolean"}, schema)


_TYPES: Mapping[Function, Callable[[Field, FieldDescriptor, str], ValueType]] = {
    Function.COUNT_DISTINCT: _distinct,
    Function.SUM: _sum,
    Function.AVG: _avg,
    Function.MIN: _extreme,
    Function.MAX: _extreme,
    Function.PERCENTILE: _between,
    Function.PERCENTILE_DISCRETE: _discrete,
    Function.BOOL_AND: _bool,
    Function.BOOL_OR: _bool,
    Function.FIRST: _one,
    Function.LAST: _one,
}
