import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rowgate.v1 import annotations_pb2 as _annotations_pb2_1
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetDepartureRequest(_message.Message):
    __slots__ = ("origin", "carrier", "flight_number", "scheduled_departure_time")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_DEPARTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    origin: str
    carrier: str
    flight_number: int
    scheduled_departure_time: _timestamp_pb2.Timestamp
    def __init__(self, origin: _Optional[str] = ..., carrier: _Optional[str] = ..., flight_number: _Optional[int] = ..., scheduled_departure_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class Departure(_message.Message):
    __slots__ = ("scheduled_departure_time", "destination", "departure_delay_minutes", "airline", "weather")
    SCHEDULED_DEPARTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    DEPARTURE_DELAY_MINUTES_FIELD_NUMBER: _ClassVar[int]
    AIRLINE_FIELD_NUMBER: _ClassVar[int]
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    scheduled_departure_time: _timestamp_pb2.Timestamp
    destination: str
    departure_delay_minutes: int
    airline: DepartureAirline
    weather: DepartureWeather
    def __init__(self, scheduled_departure_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., destination: _Optional[str] = ..., departure_delay_minutes: _Optional[int] = ..., airline: _Optional[_Union[DepartureAirline, _Mapping]] = ..., weather: _Optional[_Union[DepartureWeather, _Mapping]] = ...) -> None: ...

class DepartureAirline(_message.Message):
    __slots__ = ("carrier", "name")
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    carrier: str
    name: str
    def __init__(self, carrier: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class DepartureWeather(_message.Message):
    __slots__ = ("observation_time", "temperature_fahrenheit", "wind_speed_mph", "visibility_miles")
    OBSERVATION_TIME_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FAHRENHEIT_FIELD_NUMBER: _ClassVar[int]
    WIND_SPEED_MPH_FIELD_NUMBER: _ClassVar[int]
    VISIBILITY_MILES_FIELD_NUMBER: _ClassVar[int]
    observation_time: _timestamp_pb2.Timestamp
    temperature_fahrenheit: float
    wind_speed_mph: float
    visibility_miles: float
    def __init__(self, observation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., temperature_fahrenheit: _Optional[float] = ..., wind_speed_mph: _Optional[float] = ..., visibility_miles: _Optional[float] = ...) -> None: ...

class ListAirlinesNotFlyingToRequest(_message.Message):
    __slots__ = ("destination",)
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    destination: str
    def __init__(self, destination: _Optional[str] = ...) -> None: ...

class ListAirlinesNotFlyingToResponse(_message.Message):
    __slots__ = ("airlines",)
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    airlines: _containers.RepeatedCompositeFieldContainer[DepartureAirline]
    def __init__(self, airlines: _Optional[_Iterable[_Union[DepartureAirline, _Mapping]]] = ...) -> None: ...

class StreamDeparturesRequest(_message.Message):
    __slots__ = ("origin", "from_time", "to_time")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    TO_TIME_FIELD_NUMBER: _ClassVar[int]
    origin: str
    from_time: _timestamp_pb2.Timestamp
    to_time: _timestamp_pb2.Timestamp
    def __init__(self, origin: _Optional[str] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., to_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ReplacePlaneRequest(_message.Message):
    __slots__ = ("tail_number", "new_tail_number", "from_time", "request_id", "validate_only")
    TAIL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    NEW_TAIL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FROM_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    tail_number: str
    new_tail_number: str
    from_time: _timestamp_pb2.Timestamp
    request_id: str
    validate_only: bool
    def __init__(self, tail_number: _Optional[str] = ..., new_tail_number: _Optional[str] = ..., from_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class ReplacePlaneResponse(_message.Message):
    __slots__ = ("affected_rows",)
    AFFECTED_ROWS_FIELD_NUMBER: _ClassVar[int]
    affected_rows: int
    def __init__(self, affected_rows: _Optional[int] = ...) -> None: ...
