from flights.v1 import itinerary_pb2 as _itinerary_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import empty_pb2 as _empty_pb2
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

class GetItineraryRequest(_message.Message):
    __slots__ = ("id", "read_mask")
    ID_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    id: str
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, id: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ListItinerariesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by", "read_mask")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ListItinerariesResponse(_message.Message):
    __slots__ = ("itineraries", "next_page_token")
    ITINERARIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    itineraries: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.Itinerary]
    next_page_token: str
    def __init__(self, itineraries: _Optional[_Iterable[_Union[_itinerary_pb2.Itinerary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateItineraryRequest(_message.Message):
    __slots__ = ("itinerary", "request_id", "validate_only")
    ITINERARY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    itinerary: _itinerary_pb2.Itinerary
    request_id: str
    validate_only: bool
    def __init__(self, itinerary: _Optional[_Union[_itinerary_pb2.Itinerary, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateItineraryRequest(_message.Message):
    __slots__ = ("itinerary", "update_mask", "allow_missing", "request_id", "validate_only")
    ITINERARY_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    itinerary: _itinerary_pb2.Itinerary
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, itinerary: _Optional[_Union[_itinerary_pb2.Itinerary, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteItineraryRequest(_message.Message):
    __slots__ = ("id", "allow_missing", "request_id", "validate_only")
    ID_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    id: str
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, id: _Optional[str] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchGetItinerariesRequest(_message.Message):
    __slots__ = ("ids", "read_mask")
    IDS_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, ids: _Optional[_Iterable[str]] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class BatchGetItinerariesResponse(_message.Message):
    __slots__ = ("itineraries", "missing")
    ITINERARIES_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    itineraries: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.Itinerary]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, itineraries: _Optional[_Iterable[_Union[_itinerary_pb2.Itinerary, _Mapping]]] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchCreateItinerariesRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateItineraryRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateItineraryRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCreateItinerariesResponse(_message.Message):
    __slots__ = ("itineraries",)
    ITINERARIES_FIELD_NUMBER: _ClassVar[int]
    itineraries: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.Itinerary]
    def __init__(self, itineraries: _Optional[_Iterable[_Union[_itinerary_pb2.Itinerary, _Mapping]]] = ...) -> None: ...

class BatchUpdateItinerariesRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[UpdateItineraryRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[UpdateItineraryRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpdateItinerariesResponse(_message.Message):
    __slots__ = ("itineraries",)
    ITINERARIES_FIELD_NUMBER: _ClassVar[int]
    itineraries: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.Itinerary]
    def __init__(self, itineraries: _Optional[_Iterable[_Union[_itinerary_pb2.Itinerary, _Mapping]]] = ...) -> None: ...

class BatchDeleteItinerariesRequest(_message.Message):
    __slots__ = ("ids", "allow_missing", "request_id", "validate_only")
    IDS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, ids: _Optional[_Iterable[str]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CountItinerariesRequest(_message.Message):
    __slots__ = ("filter", "mode")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    mode: _count_pb2.CountMode
    def __init__(self, filter: _Optional[str] = ..., mode: _Optional[_Union[_count_pb2.CountMode, str]] = ...) -> None: ...

class CountItinerariesResponse(_message.Message):
    __slots__ = ("count", "estimated")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    count: int
    estimated: bool
    def __init__(self, count: _Optional[int] = ..., estimated: _Optional[bool] = ...) -> None: ...

class BulkUpsertItinerariesRequest(_message.Message):
    __slots__ = ("itineraries", "conflict_target", "on_conflict", "on_duplicate", "update_mask", "partial_failure", "outcomes", "request_id", "validate_only")
    ITINERARIES_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_TARGET_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FAILURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    itineraries: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.Itinerary]
    conflict_target: _containers.RepeatedScalarFieldContainer[str]
    on_conflict: _bulk_pb2.OnConflict
    on_duplicate: _bulk_pb2.OnDuplicate
    update_mask: _field_mask_pb2.FieldMask
    partial_failure: bool
    outcomes: bool
    request_id: str
    validate_only: bool
    def __init__(self, itineraries: _Optional[_Iterable[_Union[_itinerary_pb2.Itinerary, _Mapping]]] = ..., conflict_target: _Optional[_Iterable[str]] = ..., on_conflict: _Optional[_Union[_bulk_pb2.OnConflict, str]] = ..., on_duplicate: _Optional[_Union[_bulk_pb2.OnDuplicate, str]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., partial_failure: _Optional[bool] = ..., outcomes: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BulkUpsertItinerariesResponse(_message.Message):
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

class StreamItinerariesRequest(_message.Message):
    __slots__ = ("resume_token", "filter", "order_by", "read_mask")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, resume_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class StreamItinerariesResponse(_message.Message):
    __slots__ = ("itineraries", "resume_token")
    ITINERARIES_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    itineraries: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.Itinerary]
    resume_token: str
    def __init__(self, itineraries: _Optional[_Iterable[_Union[_itinerary_pb2.Itinerary, _Mapping]]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class IngestItinerariesRequest(_message.Message):
    __slots__ = ("start", "sequence", "itineraries")
    START_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ITINERARIES_FIELD_NUMBER: _ClassVar[int]
    start: _ingest_pb2.IngestStart
    sequence: int
    itineraries: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.Itinerary]
    def __init__(self, start: _Optional[_Union[_ingest_pb2.IngestStart, _Mapping]] = ..., sequence: _Optional[int] = ..., itineraries: _Optional[_Iterable[_Union[_itinerary_pb2.Itinerary, _Mapping]]] = ...) -> None: ...

class IngestItinerariesResponse(_message.Message):
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
