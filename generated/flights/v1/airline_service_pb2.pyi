from flights.v1 import airline_pb2 as _airline_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from rowgate.v1 import bulk_pb2 as _bulk_pb2
from rowgate.v1 import count_pb2 as _count_pb2
from rowgate.v1 import ingest_pb2 as _ingest_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetAirlineRequest(_message.Message):
    __slots__ = ("carrier", "read_mask")
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    carrier: str
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, carrier: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ListAirlinesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by", "read_mask", "show_deleted")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ...) -> None: ...

class ListAirlinesResponse(_message.Message):
    __slots__ = ("airlines", "next_page_token", "total_size")
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    airlines: _containers.RepeatedCompositeFieldContainer[_airline_pb2.Airline]
    next_page_token: str
    total_size: int
    def __init__(self, airlines: _Optional[_Iterable[_Union[_airline_pb2.Airline, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ...) -> None: ...

class CreateAirlineRequest(_message.Message):
    __slots__ = ("airline", "request_id", "validate_only")
    AIRLINE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    airline: _airline_pb2.Airline
    request_id: str
    validate_only: bool
    def __init__(self, airline: _Optional[_Union[_airline_pb2.Airline, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateAirlineRequest(_message.Message):
    __slots__ = ("airline", "update_mask", "allow_missing", "request_id", "validate_only")
    AIRLINE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    airline: _airline_pb2.Airline
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, airline: _Optional[_Union[_airline_pb2.Airline, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteAirlineRequest(_message.Message):
    __slots__ = ("carrier", "allow_missing", "request_id", "validate_only")
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    carrier: str
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, carrier: _Optional[str] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UndeleteAirlineRequest(_message.Message):
    __slots__ = ("carrier", "request_id", "validate_only")
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    carrier: str
    request_id: str
    validate_only: bool
    def __init__(self, carrier: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchGetAirlinesRequest(_message.Message):
    __slots__ = ("carriers", "read_mask")
    CARRIERS_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    carriers: _containers.RepeatedScalarFieldContainer[str]
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, carriers: _Optional[_Iterable[str]] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class BatchGetAirlinesResponse(_message.Message):
    __slots__ = ("airlines", "missing")
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    airlines: _containers.RepeatedCompositeFieldContainer[_airline_pb2.Airline]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, airlines: _Optional[_Iterable[_Union[_airline_pb2.Airline, _Mapping]]] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchCreateAirlinesRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateAirlineRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateAirlineRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCreateAirlinesResponse(_message.Message):
    __slots__ = ("airlines",)
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    airlines: _containers.RepeatedCompositeFieldContainer[_airline_pb2.Airline]
    def __init__(self, airlines: _Optional[_Iterable[_Union[_airline_pb2.Airline, _Mapping]]] = ...) -> None: ...

class BatchUpdateAirlinesRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[UpdateAirlineRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[UpdateAirlineRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpdateAirlinesResponse(_message.Message):
    __slots__ = ("airlines",)
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    airlines: _containers.RepeatedCompositeFieldContainer[_airline_pb2.Airline]
    def __init__(self, airlines: _Optional[_Iterable[_Union[_airline_pb2.Airline, _Mapping]]] = ...) -> None: ...

class BatchDeleteAirlinesRequest(_message.Message):
    __slots__ = ("carriers", "request_id", "validate_only", "allow_missing")
    CARRIERS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    carriers: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    validate_only: bool
    allow_missing: bool
    def __init__(self, carriers: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., allow_missing: _Optional[bool] = ...) -> None: ...

class BatchDeleteAirlinesResponse(_message.Message):
    __slots__ = ("airlines",)
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    airlines: _containers.RepeatedCompositeFieldContainer[_airline_pb2.Airline]
    def __init__(self, airlines: _Optional[_Iterable[_Union[_airline_pb2.Airline, _Mapping]]] = ...) -> None: ...

class CountAirlinesRequest(_message.Message):
    __slots__ = ("filter", "show_deleted", "mode")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    show_deleted: bool
    mode: _count_pb2.CountMode
    def __init__(self, filter: _Optional[str] = ..., show_deleted: _Optional[bool] = ..., mode: _Optional[_Union[_count_pb2.CountMode, str]] = ...) -> None: ...

class CountAirlinesResponse(_message.Message):
    __slots__ = ("count", "estimated")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    count: int
    estimated: bool
    def __init__(self, count: _Optional[int] = ..., estimated: _Optional[bool] = ...) -> None: ...

class BulkUpsertAirlinesRequest(_message.Message):
    __slots__ = ("airlines", "conflict_target", "on_conflict", "on_duplicate", "update_mask", "partial_failure", "outcomes", "validate_only", "request_id")
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_TARGET_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FAILURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    airlines: _containers.RepeatedCompositeFieldContainer[_airline_pb2.Airline]
    conflict_target: _containers.RepeatedScalarFieldContainer[str]
    on_conflict: _bulk_pb2.OnConflict
    on_duplicate: _bulk_pb2.OnDuplicate
    update_mask: _field_mask_pb2.FieldMask
    partial_failure: bool
    outcomes: bool
    validate_only: bool
    request_id: str
    def __init__(self, airlines: _Optional[_Iterable[_Union[_airline_pb2.Airline, _Mapping]]] = ..., conflict_target: _Optional[_Iterable[str]] = ..., on_conflict: _Optional[_Union[_bulk_pb2.OnConflict, str]] = ..., on_duplicate: _Optional[_Union[_bulk_pb2.OnDuplicate, str]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., partial_failure: _Optional[bool] = ..., outcomes: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class BulkUpsertAirlinesResponse(_message.Message):
    __slots__ = ("inserted_count", "updated_count", "unchanged_count", "ignored_count", "superseded_count", "failed_count", "failures", "outcomes")
    INSERTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    IGNORED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    inserted_count: int
    updated_count: int
    unchanged_count: int
    ignored_count: int
    superseded_count: int
    failed_count: int
    failures: _containers.RepeatedCompositeFieldContainer[_bulk_pb2.RowFailure]
    outcomes: _containers.RepeatedScalarFieldContainer[_bulk_pb2.RowOutcome]
    def __init__(self, inserted_count: _Optional[int] = ..., updated_count: _Optional[int] = ..., unchanged_count: _Optional[int] = ..., ignored_count: _Optional[int] = ..., superseded_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[_bulk_pb2.RowFailure, _Mapping]]] = ..., outcomes: _Optional[_Iterable[_Union[_bulk_pb2.RowOutcome, str]]] = ...) -> None: ...

class StreamAirlinesRequest(_message.Message):
    __slots__ = ("resume_token", "filter", "order_by", "read_mask", "show_deleted")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    def __init__(self, resume_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ...) -> None: ...

class StreamAirlinesResponse(_message.Message):
    __slots__ = ("airlines", "resume_token")
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    airlines: _containers.RepeatedCompositeFieldContainer[_airline_pb2.Airline]
    resume_token: str
    def __init__(self, airlines: _Optional[_Iterable[_Union[_airline_pb2.Airline, _Mapping]]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class IngestAirlinesRequest(_message.Message):
    __slots__ = ("start", "sequence", "airlines")
    START_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AIRLINES_FIELD_NUMBER: _ClassVar[int]
    start: _ingest_pb2.IngestStart
    sequence: int
    airlines: _containers.RepeatedCompositeFieldContainer[_airline_pb2.Airline]
    def __init__(self, start: _Optional[_Union[_ingest_pb2.IngestStart, _Mapping]] = ..., sequence: _Optional[int] = ..., airlines: _Optional[_Iterable[_Union[_airline_pb2.Airline, _Mapping]]] = ...) -> None: ...

class IngestAirlinesResponse(_message.Message):
    __slots__ = ("watermark", "inserted_count", "updated_count", "unchanged_count", "ignored_count", "superseded_count", "failed_count", "failures", "outcomes")
    WATERMARK_FIELD_NUMBER: _ClassVar[int]
    INSERTED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_COUNT_FIELD_NUMBER: _ClassVar[int]
    UNCHANGED_COUNT_FIELD_NUMBER: _ClassVar[int]
    IGNORED_COUNT_FIELD_NUMBER: _ClassVar[int]
    SUPERSEDED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    watermark: int
    inserted_count: int
    updated_count: int
    unchanged_count: int
    ignored_count: int
    superseded_count: int
    failed_count: int
    failures: _containers.RepeatedCompositeFieldContainer[_bulk_pb2.RowFailure]
    outcomes: _containers.RepeatedScalarFieldContainer[_bulk_pb2.RowOutcome]
    def __init__(self, watermark: _Optional[int] = ..., inserted_count: _Optional[int] = ..., updated_count: _Optional[int] = ..., unchanged_count: _Optional[int] = ..., ignored_count: _Optional[int] = ..., superseded_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., failures: _Optional[_Iterable[_Union[_bulk_pb2.RowFailure, _Mapping]]] = ..., outcomes: _Optional[_Iterable[_Union[_bulk_pb2.RowOutcome, str]]] = ...) -> None: ...
