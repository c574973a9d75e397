from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TimeUnit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_UNIT_UNSPECIFIED: _ClassVar[TimeUnit]
    TIME_UNIT_MINUTE: _ClassVar[TimeUnit]
    TIME_UNIT_HOUR: _ClassVar[TimeUnit]
    TIME_UNIT_DAY: _ClassVar[TimeUnit]
    TIME_UNIT_WEEK: _ClassVar[TimeUnit]
    TIME_UNIT_MONTH: _ClassVar[TimeUnit]
    TIME_UNIT_QUARTER: _ClassVar[TimeUnit]
    TIME_UNIT_YEAR: _ClassVar[TimeUnit]

class TimePartKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_PART_KIND_UNSPECIFIED: _ClassVar[TimePartKind]
    TIME_PART_KIND_MINUTE: _ClassVar[TimePartKind]
    TIME_PART_KIND_HOUR: _ClassVar[TimePartKind]
    TIME_PART_KIND_DAY_OF_WEEK: _ClassVar[TimePartKind]
    TIME_PART_KIND_DAY_OF_MONTH: _ClassVar[TimePartKind]
    TIME_PART_KIND_DAY_OF_YEAR: _ClassVar[TimePartKind]
    TIME_PART_KIND_WEEK: _ClassVar[TimePartKind]
    TIME_PART_KIND_MONTH: _ClassVar[TimePartKind]
    TIME_PART_KIND_QUARTER: _ClassVar[TimePartKind]
    TIME_PART_KIND_YEAR: _ClassVar[TimePartKind]
TIME_UNIT_UNSPECIFIED: TimeUnit
TIME_UNIT_MINUTE: TimeUnit
TIME_UNIT_HOUR: TimeUnit
TIME_UNIT_DAY: TimeUnit
TIME_UNIT_WEEK: TimeUnit
TIME_UNIT_MONTH: TimeUnit
TIME_UNIT_QUARTER: TimeUnit
TIME_UNIT_YEAR: TimeUnit
TIME_PART_KIND_UNSPECIFIED: TimePartKind
TIME_PART_KIND_MINUTE: TimePartKind
TIME_PART_KIND_HOUR: TimePartKind
TIME_PART_KIND_DAY_OF_WEEK: TimePartKind
TIME_PART_KIND_DAY_OF_MONTH: TimePartKind
TIME_PART_KIND_DAY_OF_YEAR: TimePartKind
TIME_PART_KIND_WEEK: TimePartKind
TIME_PART_KIND_MONTH: TimePartKind
TIME_PART_KIND_QUARTER: TimePartKind
TIME_PART_KIND_YEAR: TimePartKind
AGGREGATE_FIELD_NUMBER: _ClassVar[int]
aggregate: _descriptor.FieldDescriptor

class AggregateOptions(_message.Message):
    __slots__ = ("key", "truncate", "part", "count", "count_distinct", "sum", "avg", "min", "max", "median", "percentile", "bool_and", "bool_or", "values", "first", "last", "filter")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TRUNCATE_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    COUNT_DISTINCT_FIELD_NUMBER: _ClassVar[int]
    SUM_FIELD_NUMBER: _ClassVar[int]
    AVG_FIELD_NUMBER: _ClassVar[int]
    MIN_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_FIELD_NUMBER: _ClassVar[int]
    PERCENTILE_FIELD_NUMBER: _ClassVar[int]
    BOOL_AND_FIELD_NUMBER: _ClassVar[int]
    BOOL_OR_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    FIRST_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    key: str
    truncate: TruncatedTime
    part: TimePart
    count: bool
    count_distinct: str
    sum: str
    avg: str
    min: str
    max: str
    median: str
    percentile: Percentile
    bool_and: str
    bool_or: str
    values: ValueList
    first: OrderedValue
    last: OrderedValue
    filter: str
    def __init__(self, key: _Optional[str] = ..., truncate: _Optional[_Union[TruncatedTime, _Mapping]] = ..., part: _Optional[_Union[TimePart, _Mapping]] = ..., count: _Optional[bool] = ..., count_distinct: _Optional[str] = ..., sum: _Optional[str] = ..., avg: _Optional[str] = ..., min: _Optional[str] = ..., max: _Optional[str] = ..., median: _Optional[str] = ..., percentile: _Optional[_Union[Percentile, _Mapping]] = ..., bool_and: _Optional[str] = ..., bool_or: _Optional[str] = ..., values: _Optional[_Union[ValueList, _Mapping]] = ..., first: _Optional[_Union[OrderedValue, _Mapping]] = ..., last: _Optional[_Union[OrderedValue, _Mapping]] = ..., filter: _Optional[str] = ...) -> None: ...

class TruncatedTime(_message.Message):
    __slots__ = ("field", "unit", "time_zone")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    UNIT_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    field: str
    unit: TimeUnit
    time_zone: str
    def __init__(self, field: _Optional[str] = ..., unit: _Optional[_Union[TimeUnit, str]] = ..., time_zone: _Optional[str] = ...) -> None: ...

class TimePart(_message.Message):
    __slots__ = ("field", "part", "time_zone")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    field: str
    part: TimePartKind
    time_zone: str
    def __init__(self, field: _Optional[str] = ..., part: _Optional[_Union[TimePartKind, str]] = ..., time_zone: _Optional[str] = ...) -> None: ...

class Percentile(_message.Message):
    __slots__ = ("field", "fraction", "discrete")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    FRACTION_FIELD_NUMBER: _ClassVar[int]
    DISCRETE_FIELD_NUMBER: _ClassVar[int]
    field: str
    fraction: float
    discrete: bool
    def __init__(self, field: _Optional[str] = ..., fraction: _Optional[float] = ..., discrete: _Optional[bool] = ...) -> None: ...

class ValueList(_message.Message):
    __slots__ = ("field", "limit", "distinct", "order_by")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DISTINCT_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    field: str
    limit: int
    distinct: bool
    order_by: str
    def __init__(self, field: _Optional[str] = ..., limit: _Optional[int] = ..., distinct: _Optional[bool] = ..., order_by: _Optional[str] = ...) -> None: ...

class OrderedValue(_message.Message):
    __slots__ = ("field", "order_by")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    field: str
    order_by: str
    def __init__(self, field: _Optional[str] = ..., order_by: _Optional[str] = ...) -> None: ...
