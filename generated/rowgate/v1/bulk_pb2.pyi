from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OnConflict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_CONFLICT_UNSPECIFIED: _ClassVar[OnConflict]
    ON_CONFLICT_UPDATE: _ClassVar[OnConflict]
    ON_CONFLICT_IGNORE: _ClassVar[OnConflict]
    ON_CONFLICT_FAIL: _ClassVar[OnConflict]

class OnDuplicate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_DUPLICATE_UNSPECIFIED: _ClassVar[OnDuplicate]
    ON_DUPLICATE_LAST_WINS: _ClassVar[OnDuplicate]
    ON_DUPLICATE_FAIL: _ClassVar[OnDuplicate]

class RowOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROW_OUTCOME_UNSPECIFIED: _ClassVar[RowOutcome]
    ROW_OUTCOME_INSERTED: _ClassVar[RowOutcome]
    ROW_OUTCOME_UPDATED: _ClassVar[RowOutcome]
    ROW_OUTCOME_UNCHANGED: _ClassVar[RowOutcome]
    ROW_OUTCOME_IGNORED: _ClassVar[RowOutcome]
    ROW_OUTCOME_FAILED: _ClassVar[RowOutcome]
    ROW_OUTCOME_SUPERSEDED: _ClassVar[RowOutcome]
ON_CONFLICT_UNSPECIFIED: OnConflict
ON_CONFLICT_UPDATE: OnConflict
ON_CONFLICT_IGNORE: OnConflict
ON_CONFLICT_FAIL: OnConflict
ON_DUPLICATE_UNSPECIFIED: OnDuplicate
ON_DUPLICATE_LAST_WINS: OnDuplicate
ON_DUPLICATE_FAIL: OnDuplicate
ROW_OUTCOME_UNSPECIFIED: RowOutcome
ROW_OUTCOME_INSERTED: RowOutcome
ROW_OUTCOME_UPDATED: RowOutcome
ROW_OUTCOME_UNCHANGED: RowOutcome
ROW_OUTCOME_IGNORED: RowOutcome
ROW_OUTCOME_FAILED: RowOutcome
ROW_OUTCOME_SUPERSEDED: RowOutcome

class RowFailure(_message.Message):
    __slots__ = ("index", "status")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    index: int
    status: _status_pb2.Status
    def __init__(self, index: _Optional[int] = ..., status: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...
