import datetime

from flights.v1 import weather_pb2 as _weather_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rowgate.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DaylightSaving(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DAYLIGHT_SAVING_UNSPECIFIED: _ClassVar[DaylightSaving]
    DAYLIGHT_SAVING_US: _ClassVar[DaylightSaving]
    DAYLIGHT_SAVING_NONE: _ClassVar[DaylightSaving]
    DAYLIGHT_SAVING_UNKNOWN: _ClassVar[DaylightSaving]
DAYLIGHT_SAVING_UNSPECIFIED: DaylightSaving
DAYLIGHT_SAVING_US: DaylightSaving
DAYLIGHT_SAVING_NONE: DaylightSaving
DAYLIGHT_SAVING_UNKNOWN: DaylightSaving

class Airport(_message.Message):
    __slots__ = ("faa", "name", "latitude", "longitude", "altitude_feet", "utc_offset_hours", "daylight_saving", "time_zone", "deleted_at", "weather", "position")
    FAA_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    ALTITUDE_FEET_FIELD_NUMBER: _ClassVar[int]
    UTC_OFFSET_HOURS_FIELD_NUMBER: _ClassVar[int]
    DAYLIGHT_SAVING_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    DELETED_AT_FIELD_NUMBER: _ClassVar[int]
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    faa: str
    name: str
    latitude: float
    longitude: float
    altitude_feet: int
    utc_offset_hours: int
    daylight_saving: DaylightSaving
    time_zone: str
    deleted_at: _timestamp_pb2.Timestamp
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    position: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, faa: _Optional[str] = ..., name: _Optional[str] = ..., latitude: _Optional[float] = ..., longitude: _Optional[float] = ..., altitude_feet: _Optional[int] = ..., utc_offset_hours: _Optional[int] = ..., daylight_saving: _Optional[_Union[DaylightSaving, str]] = ..., time_zone: _Optional[str] = ..., deleted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ..., position: _Optional[_Iterable[float]] = ...) -> None: ...
