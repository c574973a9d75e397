"""Aggregations: what the rows of an Aggregate method hold, as its message declares it.

The rows are those of a table that isn't stored: its columns are named as the message's fields, and the keys
of its groups are its primary key. So filters, orders and pages of them are those of any resource.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from google.protobuf.descriptor import Descriptor

from gateway.schema.model import Field, Resource, Schema, StandardMethod


class Function(Enum):
    """What is computed of a group."""

    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    PERCENTILE = "percentile"
    """Between two values, where the fraction is."""
    PERCENTILE_DISCRETE = "percentile, discrete"
    BOOL_AND = "bool_and"
    BOOL_OR = "bool_or"
    VALUES = "values"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What makes groups.

    Args:
        field: of the answer.
        source: the resource's field.
        truncate: the span, as PostgreSQL's date_trunc knows it; empty where the value stays whole.
        part: the part of a time, as its extract knows it; empty likewise.
        time_zone: whose spans and parts they are; empty for the request's.

    """

    field: Field
    source: Field
    truncate: str = ""
    part: str = ""
    time_zone: str = ""

    @property
    def asks_zone(self) -> bool:
        """Whether the request says in which time zone it is."""
        return bool(self.truncate or self.part) and not self.time_zone


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What is computed of a group.

    Args:
        field: of the answer.
        function: how.
        source: the resource's field; None of what counts rows.
        fraction: of a percentile.
        limit: VALUES: the most.
        distinct: VALUES: each once.
        order_by: VALUES, FIRST and LAST: the rows' order, as it was written.
        filter: the rows that count, as it was written.

    """

    field: Field
    function: Function
    source: Field | None = None
    fraction: float = 0.0
    limit: int = 0
    distinct: bool = False
    order_by: str = ""
    filter: str = ""


@dataclass(frozen=True)  # without slots: what is derived from the fields is kept
class Aggregation:
    """What the rows of a method hold.

    Args:
        message: the rows'.
        resource: what is aggregated.
        keys: what may make groups.
        aggregates: what may be computed of them.
        lines: where each field is declared, by its name.

    """

    message: Descriptor
    resource: Resource
    keys: tuple[GroupKey, ...]
    aggregates: tuple[Aggregate, ...]
    lines: dict[str, int] = field(default_factory=dict, compare=False, hash=False)

    @cached_property
    def keys_by_name(self) -> dict[str, GroupKey]:
        """The keys, by the names of their fields."""
        return {key.field.name: key for key in self.keys}

    def grouped_by(self, names: Collection[str]) -> Resource:
        """Return the rows as a resource, where the keys of these names make the groups."""
        keys = [key.field for key in self.keys if key.field.name in names]
        return Resource(
            message=self.message,
            schema=self.resource.schema,
            table=self.resource.table,
            fields=(*keys, *(one.field for one in self.aggregates)),
            primary_key=tuple(key.column for key in keys),
        )


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class AggregateMethod(StandardMethod):
    """An Aggregate, with what its rows hold."""

    aggregation: Aggregation


def aggregate_methods(schema: Schema) -> Iterator[AggregateMethod]:
    """Yield the Aggregate methods of all services."""
    for service in schema.services.values():
        yield from (method for method in service.methods if isinstance(method, AggregateMethod))
