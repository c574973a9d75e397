import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rowgate.v1 import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class PlaneType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PLANE_TYPE_UNSPECIFIED: _ClassVar[PlaneType]
    PLANE_TYPE_FIXED_WING_SINGLE_ENGINE: _ClassVar[PlaneType]
    PLANE_TYPE_FIXED_WING_MULTI_ENGINE: _ClassVar[PlaneType]
    PLANE_TYPE_ROTORCRAFT: _ClassVar[PlaneType]

class EngineType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ENGINE_TYPE_UNSPECIFIED: _ClassVar[EngineType]
    ENGINE_TYPE_FOUR_CYCLE: _ClassVar[EngineType]
    ENGINE_TYPE_RECIPROCATING: _ClassVar[EngineType]
    ENGINE_TYPE_TURBO_FAN: _ClassVar[EngineType]
    ENGINE_TYPE_TURBO_JET: _ClassVar[EngineType]
    ENGINE_TYPE_TURBO_PROP: _ClassVar[EngineType]
    ENGINE_TYPE_TURBO_SHAFT: _ClassVar[EngineType]
PLANE_TYPE_UNSPECIFIED: PlaneType
PLANE_TYPE_FIXED_WING_SINGLE_ENGINE: PlaneType
PLANE_TYPE_FIXED_WING_MULTI_ENGINE: PlaneType
PLANE_TYPE_ROTORCRAFT: PlaneType
ENGINE_TYPE_UNSPECIFIED: EngineType
ENGINE_TYPE_FOUR_CYCLE: EngineType
ENGINE_TYPE_RECIPROCATING: EngineType
ENGINE_TYPE_TURBO_FAN: EngineType
ENGINE_TYPE_TURBO_JET: EngineType
ENGINE_TYPE_TURBO_PROP: EngineType
ENGINE_TYPE_TURBO_SHAFT: EngineType

class Plane(_message.Message):
    __slots__ = ("tail_number", "manufacture_year", "type", "manufacturer", "model", "engine_count", "seat_count", "cruising_speed_mph", "engine_type", "deleted_at")
    TAIL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    MANUFACTURE_YEAR_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MANUFACTURER_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ENGINE_COUNT_FIELD_NUMBER: _ClassVar[int]
    SEAT_COUNT_FIELD_NUMBER: _ClassVar[int]
    CRUISING_SPEED_MPH_FIELD_NUMBER: _ClassVar[int]
    ENGINE_TYPE_FIELD_NUMBER: _ClassVar[int]
    DELETED_AT_FIELD_NUMBER: _ClassVar[int]
    tail_number: str
    manufacture_year: int
    type: PlaneType
    manufacturer: str
    model: str
    engine_count: int
    seat_count: int
    cruising_speed_mph: int
    engine_type: EngineType
    deleted_at: _timestamp_pb2.Timestamp
    def __init__(self, tail_number: _Optional[str] = ..., manufacture_year: _Optional[int] = ..., type: _Optional[_Union[PlaneType, str]] = ..., manufacturer: _Optional[str] = ..., model: _Optional[str] = ..., engine_count: _Optional[int] = ..., seat_count: _Optional[int] = ..., cruising_speed_mph: _Optional[int] = ..., engine_type: _Optional[_Union[EngineType, str]] = ..., deleted_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
