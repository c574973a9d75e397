"""`partition_by`: the tables that a resource's rows are in, by the value of a field."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from rowgate.v1.annotations_pb2 import Partition as PartitionOption
from rowgate.v1.annotations_pb2 import TableOptions

from gateway.schema.model import Field, Partition, Partitions, Resource
from gateway.schema.resources.keys import TableReader
from gateway.schema.values import InvalidValueError, ValueKind

KINDS = (ValueKind.TEXT, ValueKind.UUID, ValueKind.ENUM, ValueKind.INTEGER)
"""The kinds of fields whose values can be listed."""
_MOST_TOLD = 10
"""Of the values that an error lists."""


@dataclass(frozen=True, slots=True)
class KnownValues:
    """The encoder of a field that says in which table a row is: what no table is for is refused.

    Args:
        encode: the type's own.
        driver_values: what tables are for.
        told: the same, as the schema spells it.

    """

    encode: Callable[[Any], Any] | None
    driver_values: frozenset[Any]
    told: tuple[str, ...]

    def __call__(self, value: Any) -> Any:
        """Return the driver value; raises InvalidValueError (reason NO_TABLE)."""
        stored = value if self.encode is None else self.encode(value)
        if stored not in self.driver_values:
            listed = ", ".join(self.told[:_MOST_TOLD]) + (", …" if len(self.told) > _MOST_TOLD else "")
            raise InvalidValueError(f"no table holds rows of it: there are tables for {listed}", "NO_TABLE")
        return stored


def read_partitions(table: TableReader, options: TableOptions) -> Partitions | None:
    """Return the tables of `partition_by`, without values that are none of the field's: those are noted."""
    if not options.HasField("partition_by"):
        return None
    given = options.partition_by
    column = table.column(given.field, "partition_by")
    if column is None:
        if not given.field:
            table.diagnostics.add(table.message.full_name, "partition_by names no field", "say field")
        return None
    field = next(one for one in table.fields if one.column == column)
    return Partitions(column, tuple(_partition(table, field, one) for one in given.table))


def _partition(table: TableReader, field: Field, option: PartitionOption) -> Partition:
    schema = option.schema or table.schema
    behind = "_".join((table.name, *option.value[:1])).lower() if schema == table.schema else table.name
    known = dict(_stored(table, field, option.value))
    return Partition(schema, option.name or behind, tuple(known.values()), tuple(known))


def _stored(table: TableReader, field: Field, values: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield values with what is stored of them, in text; fields of which none can be listed are a rule's."""
    parse = field.type.parse if field.type.kind in KINDS else None
    if parse is None:
        return
    for value in values:
        try:
            yield value, str(parse(value))
        except InvalidValueError as error:
            wrong = f'partition_by: "{value[:64]}" {error.description}'
            table.diagnostics.add(table.message.full_name, wrong)


def with_known_values(fields: tuple[Field, ...], partitions: Partitions | None) -> tuple[Field, ...]:
    """Return the fields; the one that says in which table a row is takes the values that have one alone."""
    if partitions is None:
        return fields
    return tuple(_known(one, partitions) if one.column == partitions.column else one for one in fields)


def _known(field: Field, partitions: Partitions) -> Field:
    parse = field.type.parse
    if parse is None or field.type.kind not in KINDS:
        return field
    told = tuple(value for table in partitions.tables for value in table.spelled)
    encode = KnownValues(field.type.encode, frozenset(map(parse, told)), told)
    return replace(field, type=replace(field.type, encode=encode))


def is_partitioned_by(resource: Resource, field: Field) -> bool:
    """Return whether the field says in which table a row is."""
    return resource.partitions is not None and resource.partitions.column == field.column


def with_any_value(resource: Resource) -> Resource:
    """Return the resource as it is for callers who are to learn nothing of which values have tables."""
    fields = (
        replace(one, type=replace(one.type, encode=one.type.encode.encode))
        if isinstance(one.type.encode, KnownValues)
        else one
        for one in resource.fields
    )
    return replace(resource, fields=tuple(fields))
