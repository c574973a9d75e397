"""The message of an Aggregate method's rows → Aggregation: keys, and what is computed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FieldOptions
from rowgate.v1 import aggregate_pb2

from gateway.schema.aggregation import Aggregate, AggregateMethod, Aggregation, Function, GroupKey
from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.model import Field, Resource, Service
from gateway.schema.protos.options import aggregate_options, has_aggregate, has_table
from gateway.schema.services.aggregate_types import key_type, part_type, result_type, truncated_type
from gateway.schema.types import InvalidTypeError
from gateway.schema.types.time_zones import is_time_zone
from gateway.schema.values import ValueType

MAX_VALUES = 1000
"""The most values that one field lists."""
_FUNCTIONS: Mapping[str, Function] = {
    **{
        name: Function(name)
        for name in ("count", "count_distinct", "sum", "avg", "min", "max", "bool_and", "bool_or")
    },
    **{name: Function(name) for name in ("percentile", "values", "first", "last")},
    "median": Function.PERCENTILE,
}
_NEVER_UNSET = (Function.COUNT, Function.COUNT_DISTINCT, Function.VALUES)
"""What is computed of no rows, too."""
_ISO_PARTS = {"day_of_week": "isodow", "day_of_month": "day", "day_of_year": "doy"}


def read_aggregation(message: Descriptor, resource: Resource, diagnostics: Diagnostics) -> Aggregation:
    """Return what the rows of a method hold, as far as it can be read; the rest goes to `diagnostics`."""
    if has_table(message.full_name, diagnostics):
        wrong = "is a table's row, and no row of an Aggregate method"
        diagnostics.add(message.full_name, wrong, "answer with a message of its own")
    found = [one for field in message.fields for one in _field(field, resource, diagnostics)]
    keys = tuple(one for one in found if isinstance(one, GroupKey))
    aggregates = tuple(one for one in found if isinstance(one, Aggregate))
    lines = {field.name: diagnostics.elements[field.full_name].line for field in message.fields}
    return Aggregation(message, resource, keys, aggregates, lines)


def refuse_idle_options(services: Mapping[str, Service], diagnostics: Diagnostics) -> None:
    """Note the options of messages that are no method's rows; not where methods are wrong themselves."""
    if diagnostics.found:
        return
    methods = [method for service in services.values() for method in service.methods]
    answered = {one.aggregation.message.full_name for one in methods if isinstance(one, AggregateMethod)}
    for name, element in diagnostics.elements.items():
        message = name.rpartition(".")[0]
        is_idle = isinstance(element.options, FieldOptions) and message not in answered
        if is_idle and has_aggregate(name, diagnostics):
            wrong = f"says what is computed, but no Aggregate method answers {message}"
            diagnostics.add(name, wrong, "add the method, or drop the options")


def _field(
    answer: FieldDescriptor, resource: Resource, diagnostics: Diagnostics
) -> Iterator[GroupKey | Aggregate]:
    options = aggregate_options(answer.full_name, diagnostics)
    try:
        yield _Reader(answer, resource).read(options)
    except InvalidTypeError as error:
        diagnostics.add(answer.full_name, error.wrong, error.right)


class _Reader:
    """Reads one field of the rows."""

    def __init__(self, answer: FieldDescriptor, resource: Resource) -> None:
        self._answer = answer
        self._resource = resource

    def read(self, options: aggregate_pb2.AggregateOptions) -> GroupKey | Aggregate:
        """Return what the field is; raises InvalidTypeError."""
        kind = options.WhichOneof("value")
        if kind in ("truncate", "part"):
            key = self._time(getattr(options, kind))
        elif kind in (None, "key"):
            source = self._source(options.key or self._answer.name, is_unsaid=kind is None)
            key = GroupKey(self._key(source, key_type(source, self._answer)), source)
        else:
            return replace(self._aggregate(kind, options), filter=options.filter)
        if options.filter:
            raise InvalidTypeError(
                "makes groups, which have no filter", "give the filter to what is computed"
            )
        return key

    def _source(self, name: str, *, is_unsaid: bool = False) -> Field:
        field = self._resource.by_name.get(name)
        if field is None:
            known = suggestion(name, self._resource.by_name)
            wrong = f'{self._resource.message.full_name} has no field "{name}"'
            option = "\n  or say what it is by option (rowgate.v1.aggregate)" if is_unsaid else ""
            raise InvalidTypeError(wrong, f"{known}{option}")
        return field

    def _field(self, value_type: ValueType, *, nullable: bool) -> Field:
        answer = self._answer
        return Field(
            name=answer.name,
            column=answer.name,
            descriptor=answer,
            type=value_type,
            nullable=nullable,
            has_presence=answer.has_presence,
        )

    def _key(self, source: Field, value_type: ValueType) -> Field:
        if source.nullable and not self._answer.has_presence:
            raise InvalidTypeError(f"can't tell that {source.name} is unset", "declare it optional")
        return self._field(value_type, nullable=source.nullable)

    def _time(self, options: aggregate_pb2.TruncatedTime | aggregate_pb2.TimePart) -> GroupKey:
        source, zone, answer = self._source(options.field), options.time_zone, self._answer
        if zone and not is_time_zone(zone):
            raise InvalidTypeError(
                f'there is no time zone "{zone}"', "name one of the IANA's, as Europe/Zurich"
            )
        schema = self._resource.schema
        if isinstance(options, aggregate_pb2.TruncatedTime):
            unit = _name(aggregate_pb2.TimeUnit.items(), options.unit, "TIME_UNIT_")
            stored = truncated_type(source, answer, unit, schema)
            return GroupKey(self._key(source, stored), source, truncate=unit, time_zone=zone)
        part = _name(aggregate_pb2.TimePartKind.items(), options.part, "TIME_PART_KIND_")
        stored = part_type(source, answer, part, schema)
        asked = _ISO_PARTS.get(part, part)
        return GroupKey(self._key(source, stored), source, part=asked, time_zone=zone)

    def _aggregate(self, kind: str, options: aggregate_pb2.AggregateOptions) -> Aggregate:
        function, given = _FUNCTIONS[kind], getattr(options, kind)
        if kind == "count" and not given:
            raise InvalidTypeError("counts nothing", "say (rowgate.v1.aggregate).count = true")
        name = given if isinstance(given, str) else getattr(given, "field", "")
        source = None if function is Function.COUNT else self._source(name)
        fraction = 0.5
        if isinstance(given, aggregate_pb2.Percentile):
            fraction = _fraction(given.fraction)
            function = Function.PERCENTILE_DISCRETE if given.discrete else function
        stored = result_type(function, source, self._answer, self._resource.schema)
        if function not in _NEVER_UNSET and not self._answer.has_presence:
            raise InvalidTypeError(
                f"can't tell that there is no {kind}, as of no rows", "declare it optional"
            )
        field = self._field(stored, nullable=function not in _NEVER_UNSET)
        found = Aggregate(field, function, source, fraction=fraction)
        if isinstance(given, aggregate_pb2.ValueList):
            return _listed(found, given)
        if isinstance(given, aggregate_pb2.OrderedValue):
            if not given.order_by.strip():
                raise InvalidTypeError(f"has no order, whose {kind} row it is of", "say order_by")
            return replace(found, order_by=given.order_by)
        return found


def _listed(found: Aggregate, options: aggregate_pb2.ValueList) -> Aggregate:
    if not 1 <= options.limit <= MAX_VALUES:
        raise InvalidTypeError(f"has the limit {options.limit}", f"say one from 1 to {MAX_VALUES}")
    source = found.source
    if options.distinct and options.order_by:
        raise InvalidTypeError("lists each value once, in their own order", "leave order_by or distinct out")
    if source is not None and options.distinct and not source.type.equality:
        raise InvalidTypeError(f"{source.name} has values that can't be compared", "leave distinct out")
    if source is not None and not options.order_by and not source.type.orderable:
        raise InvalidTypeError(f"{source.name} has values without an order", "say order_by")
    order_by = options.order_by or (source.name if source is not None else "")
    return replace(found, limit=options.limit, distinct=options.distinct, order_by=order_by)


def _fraction(fraction: float) -> float:
    if not 0 <= fraction <= 1:
        raise InvalidTypeError(
            f"has the fraction {fraction}", "say one from 0 to 1: 0.95 of the 95th percentile"
        )
    return fraction


def _name(values: Sequence[tuple[str, int]], number: int, prefix: str) -> str:
    """Return the name of an enum's value, in lower case without its prefix; raises InvalidTypeError."""
    name = next((name for name, value in values if value == number), "")
    if not number or not name:
        known = ", ".join(name for name, value in values if value)
        raise InvalidTypeError("doesn't say which span or part", f"use {known}")
    return name.removeprefix(prefix).lower()
