from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import any_pb2 as _any_pb2
from google.rpc import status_pb2 as _status_pb2
from rowgate.v1 import annotations_pb2 as _annotations_pb2_1
from rowgate.v1 import transactions_pb2 as _transactions_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TransactRequest(_message.Message):
    __slots__ = ("steps", "isolation", "read_only", "request_id", "validate_only")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    ISOLATION_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[_transactions_pb2.Step]
    isolation: _transactions_pb2.IsolationLevel
    read_only: bool
    request_id: str
    validate_only: bool
    def __init__(self, steps: _Optional[_Iterable[_Union[_transactions_pb2.Step, _Mapping]]] = ..., isolation: _Optional[_Union[_transactions_pb2.IsolationLevel, str]] = ..., read_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class TransactResponse(_message.Message):
    __slots__ = ("responses",)
    RESPONSES_FIELD_NUMBER: _ClassVar[int]
    responses: _containers.RepeatedCompositeFieldContainer[_any_pb2.Any]
    def __init__(self, responses: _Optional[_Iterable[_Union[_any_pb2.Any, _Mapping]]] = ...) -> None: ...

class SessionRequest(_message.Message):
    __slots__ = ("begin", "step", "savepoint", "rollback_to", "end")
    BEGIN_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    SAVEPOINT_FIELD_NUMBER: _ClassVar[int]
    ROLLBACK_TO_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    begin: _transactions_pb2.SessionBegin
    step: _transactions_pb2.Step
    savepoint: str
    rollback_to: str
    end: _transactions_pb2.SessionEnd
    def __init__(self, begin: _Optional[_Union[_transactions_pb2.SessionBegin, _Mapping]] = ..., step: _Optional[_Union[_transactions_pb2.Step, _Mapping]] = ..., savepoint: _Optional[str] = ..., rollback_to: _Optional[str] = ..., end: _Optional[_Union[_transactions_pb2.SessionEnd, str]] = ...) -> None: ...

class SessionResponse(_message.Message):
    __slots__ = ("response", "error")
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    response: _any_pb2.Any
    error: _status_pb2.Status
    def __init__(self, response: _Optional[_Union[_any_pb2.Any, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
