import datetime

from flights.v1 import airline_pb2 as _airline_pb2
from flights.v1 import airport_pb2 as _airport_pb2
from flights.v1 import plane_pb2 as _plane_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rowgate.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Flight(_message.Message):
    __slots__ = ("id", "carrier", "flight_number", "origin", "destination", "scheduled_departure_time", "departure_delay_minutes", "tail_number", "departure_time", "scheduled_arrival_time", "arrival_time", "arrival_delay_minutes", "air_time_minutes", "distance_miles", "version", "etag", "created_at", "updated_at", "deleted_at", "airline", "plane", "origin_airport", "destination_airport")
    ID_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_DEPARTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    DEPARTURE_DELAY_MINUTES_FIELD_NUMBER: _ClassVar[int]
    TAIL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    DEPARTURE_TIME_FIELD_NUMBER: _ClassVar[int]
    SCHEDULED_ARRIVAL_TIME_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_TIME_FIELD_NUMBER: _ClassVar[int]
    ARRIVAL_DELAY_MINUTES_FIELD_NUMBER: _ClassVar[int]
    AIR_TIME_MINUTES_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_MILES_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    DELETED_AT_FIELD_NUMBER: _ClassVar[int]
    AIRLINE_FIELD_NUMBER: _ClassVar[int]
    PLANE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_AIRPORT_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_AIRPORT_FIELD_NUMBER: _ClassVar[int]
    id: str
    carrier: str
    flight_number: int
    origin: str
    destination: str
    scheduled_departure_time: _timestamp_pb2.Timestamp
    departure_delay_minutes: int
    tail_number: str
    departure_time: _timestamp_pb2.Timestamp
    scheduled_arrival_time: _timestamp_pb2.Timestamp
    arrival_time: _timestamp_pb2.Timestamp
    arrival_delay_minutes: int
    air_time_minutes: int
    distance_miles: int
    version: int
    etag: str
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    deleted_at: _timestamp_pb2.Timestamp
    airline: _airline_pb2.Airline
    plane: _plane_pb2.Plane
    origin_airport: _airport_pb2.Airport
    destination_airport: _airport_pb2.Airport
    def __init__(self, id: _Optional[str] = ..., carrier: _Optional[str] = ..., flight_number: _Optional[int] = ..., origin: _Optional[str] = ..., destination: _Optional[str] = ..., scheduled_departure_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., departure_delay_minutes: _Optional[int] = ..., tail_number: _Optional[str] = ..., departure_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., scheduled_arrival_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrival_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., arrival_delay_minutes: _Optional[int] = ..., air_time_minutes: _Optional[int] = ..., distance_miles: _Optional[int] = ..., version: _Optional[int] = ..., etag: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deleted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., airline: _Optional[_Union[_airline_pb2.Airline, _Mapping]] = ..., plane: _Optional[_Union[_plane_pb2.Plane, _Mapping]] = ..., origin_airport: _Optional[_Union[_airport_pb2.Airport, _Mapping]] = ..., destination_airport: _Optional[_Union[_airport_pb2.Airport, _Mapping]] = ...) -> None: ...
