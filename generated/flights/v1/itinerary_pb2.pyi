import datetime

from flights.v1 import flight_pb2 as _flight_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rowgate.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Itinerary(_message.Message):
    __slots__ = ("id", "traveller", "created_at", "legs")
    ID_FIELD_NUMBER: _ClassVar[int]
    TRAVELLER_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    LEGS_FIELD_NUMBER: _ClassVar[int]
    id: str
    traveller: str
    created_at: _timestamp_pb2.Timestamp
    legs: _containers.RepeatedCompositeFieldContainer[ItineraryLeg]
    def __init__(self, id: _Optional[str] = ..., traveller: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., legs: _Optional[_Iterable[_Union[ItineraryLeg, _Mapping]]] = ...) -> None: ...

class ItineraryLeg(_message.Message):
    __slots__ = ("itinerary_id", "leg_number", "flight_id", "flight")
    ITINERARY_ID_FIELD_NUMBER: _ClassVar[int]
    LEG_NUMBER_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_ID_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    itinerary_id: str
    leg_number: int
    flight_id: str
    flight: _flight_pb2.Flight
    def __init__(self, itinerary_id: _Optional[str] = ..., leg_number: _Optional[int] = ..., flight_id: _Optional[str] = ..., flight: _Optional[_Union[_flight_pb2.Flight, _Mapping]] = ...) -> None: ...
