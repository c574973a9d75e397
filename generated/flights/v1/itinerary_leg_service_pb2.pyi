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

class ItineraryLegKey(_message.Message):
    __slots__ = ("itinerary_id", "leg_number")
    ITINERARY_ID_FIELD_NUMBER: _ClassVar[int]
    LEG_NUMBER_FIELD_NUMBER: _ClassVar[int]
    itinerary_id: str
    leg_number: int
    def __init__(self, itinerary_id: _Optional[str] = ..., leg_number: _Optional[int] = ...) -> None: ...

class GetItineraryLegRequest(_message.Message):
    __slots__ = ("itinerary_id", "leg_number", "read_mask")
    ITINERARY_ID_FIELD_NUMBER: _ClassVar[int]
    LEG_NUMBER_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    itinerary_id: str
    leg_number: int
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, itinerary_id: _Optional[str] = ..., leg_number: _Optional[int] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ListItineraryLegsRequest(_message.Message):
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

class ListItineraryLegsResponse(_message.Message):
    __slots__ = ("itinerary_legs", "next_page_token")
    ITINERARY_LEGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    itinerary_legs: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.ItineraryLeg]
    next_page_token: str
    def __init__(self, itinerary_legs: _Optional[_Iterable[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateItineraryLegRequest(_message.Message):
    __slots__ = ("itinerary_leg", "request_id", "validate_only")
    ITINERARY_LEG_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    itinerary_leg: _itinerary_pb2.ItineraryLeg
    request_id: str
    validate_only: bool
    def __init__(self, itinerary_leg: _Optional[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateItineraryLegRequest(_message.Message):
    __slots__ = ("itinerary_leg", "update_mask", "allow_missing", "request_id", "validate_only")
    ITINERARY_LEG_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    itinerary_leg: _itinerary_pb2.ItineraryLeg
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, itinerary_leg: _Optional[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteItineraryLegRequest(_message.Message):
    __slots__ = ("itinerary_id", "leg_number", "allow_missing", "request_id", "validate_only")
    ITINERARY_ID_FIELD_NUMBER: _ClassVar[int]
    LEG_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    itinerary_id: str
    leg_number: int
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, itinerary_id: _Optional[str] = ..., leg_number: _Optional[int] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchGetItineraryLegsRequest(_message.Message):
    __slots__ = ("keys", "read_mask")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[ItineraryLegKey]
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, keys: _Optional[_Iterable[_Union[ItineraryLegKey, _Mapping]]] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class BatchGetItineraryLegsResponse(_message.Message):
    __slots__ = ("itinerary_legs", "missing")
    ITINERARY_LEGS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    itinerary_legs: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.ItineraryLeg]
    missing: _containers.RepeatedCompositeFieldContainer[ItineraryLegKey]
    def __init__(self, itinerary_legs: _Optional[_Iterable[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]]] = ..., missing: _Optional[_Iterable[_Union[ItineraryLegKey, _Mapping]]] = ...) -> None: ...

class BatchCreateItineraryLegsRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateItineraryLegRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateItineraryLegRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCreateItineraryLegsResponse(_message.Message):
    __slots__ = ("itinerary_legs",)
    ITINERARY_LEGS_FIELD_NUMBER: _ClassVar[int]
    itinerary_legs: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.ItineraryLeg]
    def __init__(self, itinerary_legs: _Optional[_Iterable[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]]] = ...) -> None: ...

class BatchUpdateItineraryLegsRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[UpdateItineraryLegRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[UpdateItineraryLegRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpdateItineraryLegsResponse(_message.Message):
    __slots__ = ("itinerary_legs",)
    ITINERARY_LEGS_FIELD_NUMBER: _ClassVar[int]
    itinerary_legs: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.ItineraryLeg]
    def __init__(self, itinerary_legs: _Optional[_Iterable[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]]] = ...) -> None: ...

class BatchDeleteItineraryLegsRequest(_message.Message):
    __slots__ = ("requests", "allow_missing", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[DeleteItineraryLegRequest]
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[DeleteItineraryLegRequest, _Mapping]]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class CountItineraryLegsRequest(_message.Message):
    __slots__ = ("filter", "mode")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    mode: _count_pb2.CountMode
    def __init__(self, filter: _Optional[str] = ..., mode: _Optional[_Union[_count_pb2.CountMode, str]] = ...) -> None: ...

class CountItineraryLegsResponse(_message.Message):
    __slots__ = ("count", "estimated")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    count: int
    estimated: bool
    def __init__(self, count: _Optional[int] = ..., estimated: _Optional[bool] = ...) -> None: ...

class BulkUpsertItineraryLegsRequest(_message.Message):
    __slots__ = ("itinerary_legs", "conflict_target", "on_conflict", "on_duplicate", "update_mask", "partial_failure", "outcomes", "request_id", "validate_only")
    ITINERARY_LEGS_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_TARGET_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FAILURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    itinerary_legs: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.ItineraryLeg]
    conflict_target: _containers.RepeatedScalarFieldContainer[str]
    on_conflict: _bulk_pb2.OnConflict
    on_duplicate: _bulk_pb2.OnDuplicate
    update_mask: _field_mask_pb2.FieldMask
    partial_failure: bool
    outcomes: bool
    request_id: str
    validate_only: bool
    def __init__(self, itinerary_legs: _Optional[_Iterable[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]]] = ..., conflict_target: _Optional[_Iterable[str]] = ..., on_conflict: _Optional[_Union[_bulk_pb2.OnConflict, str]] = ..., on_duplicate: _Optional[_Union[_bulk_pb2.OnDuplicate, str]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., partial_failure: _Optional[bool] = ..., outcomes: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BulkUpsertItineraryLegsResponse(_message.Message):
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

class StreamItineraryLegsRequest(_message.Message):
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

class StreamItineraryLegsResponse(_message.Message):
    __slots__ = ("itinerary_legs", "resume_token")
    ITINERARY_LEGS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    itinerary_legs: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.ItineraryLeg]
    resume_token: str
    def __init__(self, itinerary_legs: _Optional[_Iterable[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class IngestItineraryLegsRequest(_message.Message):
    __slots__ = ("start", "sequence", "itinerary_legs")
    START_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ITINERARY_LEGS_FIELD_NUMBER: _ClassVar[int]
    start: _ingest_pb2.IngestStart
    sequence: int
    itinerary_legs: _containers.RepeatedCompositeFieldContainer[_itinerary_pb2.ItineraryLeg]
    def __init__(self, start: _Optional[_Union[_ingest_pb2.IngestStart, _Mapping]] = ..., sequence: _Optional[int] = ..., itinerary_legs: _Optional[_Iterable[_Union[_itinerary_pb2.ItineraryLeg, _Mapping]]] = ...) -> None: ...

class IngestItineraryLegsResponse(_message.Message):
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
