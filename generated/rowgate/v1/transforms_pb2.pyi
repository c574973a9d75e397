from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StoredTransforms(_message.Message):
    __slots__ = ("increment", "multiply", "minimum", "maximum", "append", "append_missing", "remove_all", "server_time")
    INCREMENT_FIELD_NUMBER: _ClassVar[int]
    MULTIPLY_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    APPEND_FIELD_NUMBER: _ClassVar[int]
    APPEND_MISSING_FIELD_NUMBER: _ClassVar[int]
    REMOVE_ALL_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    increment: _containers.RepeatedScalarFieldContainer[str]
    multiply: _containers.RepeatedScalarFieldContainer[str]
    minimum: _containers.RepeatedScalarFieldContainer[str]
    maximum: _containers.RepeatedScalarFieldContainer[str]
    append: _containers.RepeatedScalarFieldContainer[str]
    append_missing: _containers.RepeatedScalarFieldContainer[str]
    remove_all: _containers.RepeatedScalarFieldContainer[str]
    server_time: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, increment: _Optional[_Iterable[str]] = ..., multiply: _Optional[_Iterable[str]] = ..., minimum: _Optional[_Iterable[str]] = ..., maximum: _Optional[_Iterable[str]] = ..., append: _Optional[_Iterable[str]] = ..., append_missing: _Optional[_Iterable[str]] = ..., remove_all: _Optional[_Iterable[str]] = ..., server_time: _Optional[_Iterable[str]] = ...) -> None: ...

class FieldTransform(_message.Message):
    __slots__ = ("field", "increment", "multiply", "minimum", "maximum", "append", "append_missing", "remove_all", "server_time")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    INCREMENT_FIELD_NUMBER: _ClassVar[int]
    MULTIPLY_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_FIELD_NUMBER: _ClassVar[int]
    MAXIMUM_FIELD_NUMBER: _ClassVar[int]
    APPEND_FIELD_NUMBER: _ClassVar[int]
    APPEND_MISSING_FIELD_NUMBER: _ClassVar[int]
    REMOVE_ALL_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_FIELD_NUMBER: _ClassVar[int]
    field: str
    increment: _struct_pb2.Value
    multiply: _struct_pb2.Value
    minimum: _struct_pb2.Value
    maximum: _struct_pb2.Value
    append: _struct_pb2.ListValue
    append_missing: _struct_pb2.ListValue
    remove_all: _struct_pb2.ListValue
    server_time: bool
    def __init__(self, field: _Optional[str] = ..., increment: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., multiply: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., minimum: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., maximum: _Optional[_Union[_struct_pb2.Value, _Mapping]] = ..., append: _Optional[_Union[_struct_pb2.ListValue, _Mapping]] = ..., append_missing: _Optional[_Union[_struct_pb2.ListValue, _Mapping]] = ..., remove_all: _Optional[_Union[_struct_pb2.ListValue, _Mapping]] = ..., server_time: _Optional[bool] = ...) -> None: ...
