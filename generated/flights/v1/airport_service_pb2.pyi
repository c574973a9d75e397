from flights.v1 import airport_pb2 as _airport_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from rowgate.v1 import bulk_pb2 as _bulk_pb2
from rowgate.v1 import count_pb2 as _count_pb2
from rowgate.v1 import ingest_pb2 as _ingest_pb2
from rowgate.v1 import relations_pb2 as _relations_pb2
from rowgate.v1 import search_pb2 as _search_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetAirportRequest(_message.Message):
    __slots__ = ("faa", "read_mask", "relations")
    FAA_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    faa: str
    read_mask: _field_mask_pb2.FieldMask
    relations: _containers.RepeatedCompositeFieldContainer[_relations_pb2.RelationArguments]
    def __init__(self, faa: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., relations: _Optional[_Iterable[_Union[_relations_pb2.RelationArguments, _Mapping]]] = ...) -> None: ...

class ListAirportsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by", "read_mask", "show_deleted", "time_zone", "relations")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    time_zone: str
    relations: _containers.RepeatedCompositeFieldContainer[_relations_pb2.RelationArguments]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ..., time_zone: _Optional[str] = ..., relations: _Optional[_Iterable[_Union[_relations_pb2.RelationArguments, _Mapping]]] = ...) -> None: ...

class ListAirportsResponse(_message.Message):
    __slots__ = ("airports", "next_page_token")
    AIRPORTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    airports: _containers.RepeatedCompositeFieldContainer[_airport_pb2.Airport]
    next_page_token: str
    def __init__(self, airports: _Optional[_Iterable[_Union[_airport_pb2.Airport, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateAirportRequest(_message.Message):
    __slots__ = ("airport", "request_id", "validate_only")
    AIRPORT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    airport: _airport_pb2.Airport
    request_id: str
    validate_only: bool
    def __init__(self, airport: _Optional[_Union[_airport_pb2.Airport, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateAirportRequest(_message.Message):
    __slots__ = ("airport", "update_mask", "allow_missing", "request_id", "validate_only")
    AIRPORT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    airport: _airport_pb2.Airport
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, airport: _Optional[_Union[_airport_pb2.Airport, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteAirportRequest(_message.Message):
    __slots__ = ("faa", "allow_missing", "request_id", "validate_only")
    FAA_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    faa: str
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, faa: _Optional[str] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UndeleteAirportRequest(_message.Message):
    __slots__ = ("faa", "request_id", "validate_only")
    FAA_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    faa: str
    request_id: str
    validate_only: bool
    def __init__(self, faa: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchGetAirportsRequest(_message.Message):
    __slots__ = ("faas", "read_mask", "relations")
    FAAS_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    faas: _containers.RepeatedScalarFieldContainer[str]
    read_mask: _field_mask_pb2.FieldMask
    relations: _containers.RepeatedCompositeFieldContainer[_relations_pb2.RelationArguments]
    def __init__(self, faas: _Optional[_Iterable[str]] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., relations: _Optional[_Iterable[_Union[_relations_pb2.RelationArguments, _Mapping]]] = ...) -> None: ...

class BatchGetAirportsResponse(_message.Message):
    __slots__ = ("airports", "missing")
    AIRPORTS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    airports: _containers.RepeatedCompositeFieldContainer[_airport_pb2.Airport]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, airports: _Optional[_Iterable[_Union[_airport_pb2.Airport, _Mapping]]] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchCreateAirportsRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateAirportRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateAirportRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCreateAirportsResponse(_message.Message):
    __slots__ = ("airports",)
    AIRPORTS_FIELD_NUMBER: _ClassVar[int]
    airports: _containers.RepeatedCompositeFieldContainer[_airport_pb2.Airport]
    def __init__(self, airports: _Optional[_Iterable[_Union[_airport_pb2.Airport, _Mapping]]] = ...) -> None: ...

class BatchUpdateAirportsRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[UpdateAirportRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[UpdateAirportRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpdateAirportsResponse(_message.Message):
    __slots__ = ("airports",)
    AIRPORTS_FIELD_NUMBER: _ClassVar[int]
    airports: _containers.RepeatedCompositeFieldContainer[_airport_pb2.Airport]
    def __init__(self, airports: _Optional[_Iterable[_Union[_airport_pb2.Airport, _Mapping]]] = ...) -> None: ...

class BatchDeleteAirportsRequest(_message.Message):
    __slots__ = ("faas", "request_id", "validate_only", "allow_missing")
    FAAS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    faas: _containers.RepeatedScalarFieldContainer[str]
    request_id: str
    validate_only: bool
    allow_missing: bool
    def __init__(self, faas: _Optional[_Iterable[str]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., allow_missing: _Optional[bool] = ...) -> None: ...

class BatchDeleteAirportsResponse(_message.Message):
    __slots__ = ("airports",)
    AIRPORTS_FIELD_NUMBER: _ClassVar[int]
    airports: _containers.RepeatedCompositeFieldContainer[_airport_pb2.Airport]
    def __init__(self, airports: _Optional[_Iterable[_Union[_airport_pb2.Airport, _Mapping]]] = ...) -> None: ...

class SearchAirportsRequest(_message.Message):
    __slots__ = ("words", "like", "near", "page_size", "page_token", "filter", "read_mask", "show_deleted")
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LIKE_FIELD_NUMBER: _ClassVar[int]
    NEAR_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    words: _search_pb2.SearchWords
    like: _search_pb2.SearchLike
    near: _search_pb2.SearchNear
    page_size: int
    page_token: str
    filter: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    def __init__(self, words: _Optional[_Union[_search_pb2.SearchWords, _Mapping]] = ..., like: _Optional[_Union[_search_pb2.SearchLike, _Mapping]] = ..., near: _Optional[_Union[_search_pb2.SearchNear, _Mapping]] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ...) -> None: ...

class SearchAirportsResponse(_message.Message):
    __slots__ = ("results", "next_page_token")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[FoundAirport]
    next_page_token: str
    def __init__(self, results: _Optional[_Iterable[_Union[FoundAirport, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class FoundAirport(_message.Message):
    __slots__ = ("airport", "score", "words_place", "words_rank", "like_place", "similarity", "near_place", "distance", "highlights")
    AIRPORT_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    WORDS_PLACE_FIELD_NUMBER: _ClassVar[int]
    WORDS_RANK_FIELD_NUMBER: _ClassVar[int]
    LIKE_PLACE_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    NEAR_PLACE_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    HIGHLIGHTS_FIELD_NUMBER: _ClassVar[int]
    airport: _airport_pb2.Airport
    score: float
    words_place: int
    words_rank: float
    like_place: int
    similarity: float
    near_place: int
    distance: float
    highlights: _containers.RepeatedCompositeFieldContainer[_search_pb2.SearchHighlight]
    def __init__(self, airport: _Optional[_Union[_airport_pb2.Airport, _Mapping]] = ..., score: _Optional[float] = ..., words_place: _Optional[int] = ..., words_rank: _Optional[float] = ..., like_place: _Optional[int] = ..., similarity: _Optional[float] = ..., near_place: _Optional[int] = ..., distance: _Optional[float] = ..., highlights: _Optional[_Iterable[_Union[_search_pb2.SearchHighlight, _Mapping]]] = ...) -> None: ...

class CountAirportsRequest(_message.Message):
    __slots__ = ("filter", "show_deleted", "mode", "time_zone")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    filter: str
    show_deleted: bool
    mode: _count_pb2.CountMode
    time_zone: str
    def __init__(self, filter: _Optional[str] = ..., show_deleted: _Optional[bool] = ..., mode: _Optional[_Union[_count_pb2.CountMode, str]] = ..., time_zone: _Optional[str] = ...) -> None: ...

class CountAirportsResponse(_message.Message):
    __slots__ = ("count", "estimated")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    count: int
    estimated: bool
    def __init__(self, count: _Optional[int] = ..., estimated: _Optional[bool] = ...) -> None: ...

class BulkUpsertAirportsRequest(_message.Message):
    __slots__ = ("airports", "conflict_target", "on_conflict", "on_duplicate", "update_mask", "partial_failure", "outcomes", "validate_only", "request_id")
    AIRPORTS_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_TARGET_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FAILURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    airports: _containers.RepeatedCompositeFieldContainer[_airport_pb2.Airport]
    conflict_target: _containers.RepeatedScalarFieldContainer[str]
    on_conflict: _bulk_pb2.OnConflict
    on_duplicate: _bulk_pb2.OnDuplicate
    update_mask: _field_mask_pb2.FieldMask
    partial_failure: bool
    outcomes: bool
    validate_only: bool
    request_id: str
    def __init__(self, airports: _Optional[_Iterable[_Union[_airport_pb2.Airport, _Mapping]]] = ..., conflict_target: _Optional[_Iterable[str]] = ..., on_conflict: _Optional[_Union[_bulk_pb2.OnConflict, str]] = ..., on_duplicate: _Optional[_Union[_bulk_pb2.OnDuplicate, str]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., partial_failure: _Optional[bool] = ..., outcomes: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class BulkUpsertAirportsResponse(_message.Message):
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

class StreamAirportsRequest(_message.Message):
    __slots__ = ("resume_token", "filter", "order_by", "read_mask", "show_deleted", "relations")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    relations: _containers.RepeatedCompositeFieldContainer[_relations_pb2.RelationArguments]
    def __init__(self, resume_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ..., relations: _Optional[_Iterable[_Union[_relations_pb2.RelationArguments, _Mapping]]] = ...) -> None: ...

class StreamAirportsResponse(_message.Message):
    __slots__ = ("airports", "resume_token")
    AIRPORTS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    airports: _containers.RepeatedCompositeFieldContainer[_airport_pb2.Airport]
    resume_token: str
    def __init__(self, airports: _Optional[_Iterable[_Union[_airport_pb2.Airport, _Mapping]]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class IngestAirportsRequest(_message.Message):
    __slots__ = ("start", "sequence", "airports")
    START_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    AIRPORTS_FIELD_NUMBER: _ClassVar[int]
    start: _ingest_pb2.IngestStart
    sequence: int
    airports: _containers.RepeatedCompositeFieldContainer[_airport_pb2.Airport]
    def __init__(self, start: _Optional[_Union[_ingest_pb2.IngestStart, _Mapping]] = ..., sequence: _Optional[int] = ..., airports: _Optional[_Iterable[_Union[_airport_pb2.Airport, _Mapping]]] = ...) -> None: ...

class IngestAirportsResponse(_message.Message):
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
