import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rowgate.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Weather(_message.Message):
    __slots__ = ("origin", "observation_time", "temperature_fahrenheit", "dew_point_fahrenheit", "relative_humidity_percent", "wind_direction_degrees", "wind_speed_mph", "wind_gust_mph", "precipitation_inches", "pressure_millibars", "visibility_miles", "deleted_at")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_TIME_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FAHRENHEIT_FIELD_NUMBER: _ClassVar[int]
    DEW_POINT_FAHRENHEIT_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_HUMIDITY_PERCENT_FIELD_NUMBER: _ClassVar[int]
    WIND_DIRECTION_DEGREES_FIELD_NUMBER: _ClassVar[int]
    WIND_SPEED_MPH_FIELD_NUMBER: _ClassVar[int]
    WIND_GUST_MPH_FIELD_NUMBER: _ClassVar[int]
    PRECIPITATION_INCHES_FIELD_NUMBER: _ClassVar[int]
    PRESSURE_MILLIBARS_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_MILES_FIELD_NUMBER: _ClassVar[int]
    DELETED_AT_FIELD_NUMBER: _ClassVar[int]
    origin: str
    observation_time: _timestamp_pb2.Timestamp
    temperature_fahrenheit: float
    dew_point_fahrenheit: float
    relative_humidity_percent: float
    wind_direction_degrees: int
    wind_speed_mph: float
    wind_gust_mph: float
    precipitation_inches: float
    pressure_millibars: float
    visibility_miles: float
    deleted_at: _timestamp_pb2.Timestamp
    def __init__(self, origin: _Optional[str] = ..., observation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., temperature_fahrenheit: _Optional[float] = ..., dew_point_fahrenheit: _Optional[float] = ..., relative_humidity_percent: _Optional[float] = ..., wind_direction_degrees: _Optional[int] = ..., wind_speed_mph: _Optional[float] = ..., wind_gust_mph: _Optional[float] = ..., precipitation_inches: _Optional[float] = ..., pressure_millibars: _Optional[float] = ..., visibility_miles: _Optional[float] = ..., deleted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
