from google.protobuf import any_pb2 as _any_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class IsolationLevel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ISOLATION_LEVEL_UNSPECIFIED: _ClassVar[IsolationLevel]
    ISOLATION_LEVEL_READ_COMMITTED: _ClassVar[IsolationLevel]
    ISOLATION_LEVEL_REPEATABLE_READ: _ClassVar[IsolationLevel]
    ISOLATION_LEVEL_SERIALIZABLE: _ClassVar[IsolationLevel]

class SessionEnd(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SESSION_END_UNSPECIFIED: _ClassVar[SessionEnd]
    SESSION_END_COMMIT: _ClassVar[SessionEnd]
    SESSION_END_ROLLBACK: _ClassVar[SessionEnd]
ISOLATION_LEVEL_UNSPECIFIED: IsolationLevel
ISOLATION_LEVEL_READ_COMMITTED: IsolationLevel
ISOLATION_LEVEL_REPEATABLE_READ: IsolationLevel
ISOLATION_LEVEL_SERIALIZABLE: IsolationLevel
SESSION_END_UNSPECIFIED: SessionEnd
SESSION_END_COMMIT: SessionEnd
SESSION_END_ROLLBACK: SessionEnd

class Step(_message.Message):
    __slots__ = ("method", "request", "bindings", "expect")
    METHOD_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    BINDINGS_FIELD_NUMBER: _ClassVar[int]
    EXPECT_FIELD_NUMBER: _ClassVar[int]
    method: str
    request: _any_pb2.Any
    bindings: _containers.RepeatedCompositeFieldContainer[Binding]
    expect: Expectation
    def __init__(self, method: _Optional[str] = ..., request: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., bindings: _Optional[_Iterable[_Union[Binding, _Mapping]]] = ..., expect: _Optional[_Union[Expectation, _Mapping]] = ...) -> None: ...

class Binding(_message.Message):
    __slots__ = ("from_step", "from_path", "to_path")
    FROM_STEP_FIELD_NUMBER: _ClassVar[int]
    FROM_PATH_FIELD_NUMBER: _ClassVar[int]
    TO_PATH_FIELD_NUMBER: _ClassVar[int]
    from_step: int
    from_path: str
    to_path: str
    def __init__(self, from_step: _Optional[int] = ..., from_path: _Optional[str] = ..., to_path: _Optional[str] = ...) -> None: ...

class Expectation(_message.Message):
    __slots__ = ("row_count", "exists")
    ROW_COUNT_FIELD_NUMBER: _ClassVar[int]
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    row_count: int
    exists: bool
    def __init__(self, row_count: _Optional[int] = ..., exists: _Optional[bool] = ...) -> None: ...

class SessionBegin(_message.Message):
    __slots__ = ("isolation", "read_only")
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    isolation: IsolationLevel
    read_only: bool
    def __init__(self, isolation: _Optional[_Union[IsolationLevel, str]] = ..., read_only: _Optional[bool] = ...) -> None: ...
