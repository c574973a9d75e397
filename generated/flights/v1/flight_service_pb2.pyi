import datetime

from flights.v1 import flight_pb2 as _flight_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rowgate.v1 import aggregate_pb2 as _aggregate_pb2
from rowgate.v1 import bulk_pb2 as _bulk_pb2
from rowgate.v1 import count_pb2 as _count_pb2
from rowgate.v1 import ingest_pb2 as _ingest_pb2
from rowgate.v1 import relations_pb2 as _relations_pb2
from rowgate.v1 import transforms_pb2 as _transforms_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetFlightRequest(_message.Message):
    __slots__ = ("id", "read_mask", "relations")
    ID_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    id: str
    read_mask: _field_mask_pb2.FieldMask
    relations: _containers.RepeatedCompositeFieldContainer[_relations_pb2.RelationArguments]
    def __init__(self, id: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., relations: _Optional[_Iterable[_Union[_relations_pb2.RelationArguments, _Mapping]]] = ...) -> None: ...

class ListFlightsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by", "read_mask", "show_deleted", "carrier", "flight_number", "origin", "destination", "tail_number", "relations")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    TAIL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    carrier: str
    flight_number: int
    origin: str
    destination: str
    tail_number: str
    relations: _containers.RepeatedCompositeFieldContainer[_relations_pb2.RelationArguments]
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ..., carrier: _Optional[str] = ..., flight_number: _Optional[int] = ..., origin: _Optional[str] = ..., destination: _Optional[str] = ..., tail_number: _Optional[str] = ..., relations: _Optional[_Iterable[_Union[_relations_pb2.RelationArguments, _Mapping]]] = ...) -> None: ...

class ListFlightsResponse(_message.Message):
    __slots__ = ("flights", "next_page_token")
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flights: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    next_page_token: str
    def __init__(self, flights: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateFlightRequest(_message.Message):
    __slots__ = ("flight", "request_id", "validate_only")
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    flight: _flight_pb2.Flight
    request_id: str
    validate_only: bool
    def __init__(self, flight: _Optional[_Union[_flight_pb2.Flight, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateFlightRequest(_message.Message):
    __slots__ = ("flight", "update_mask", "allow_missing", "request_id", "validate_only", "transforms")
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMS_FIELD_NUMBER: _ClassVar[int]
    flight: _flight_pb2.Flight
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    request_id: str
    validate_only: bool
    transforms: _containers.RepeatedCompositeFieldContainer[_transforms_pb2.FieldTransform]
    def __init__(self, flight: _Optional[_Union[_flight_pb2.Flight, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., transforms: _Optional[_Iterable[_Union[_transforms_pb2.FieldTransform, _Mapping]]] = ...) -> None: ...

class DeleteFlightRequest(_message.Message):
    __slots__ = ("id", "allow_missing", "request_id", "validate_only", "etag")
    ID_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    id: str
    allow_missing: bool
    request_id: str
    validate_only: bool
    etag: str
    def __init__(self, id: _Optional[str] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., etag: _Optional[str] = ...) -> None: ...

class UndeleteFlightRequest(_message.Message):
    __slots__ = ("id", "request_id", "validate_only", "etag")
    ID_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    id: str
    request_id: str
    validate_only: bool
    etag: str
    def __init__(self, id: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., etag: _Optional[str] = ...) -> None: ...

class BatchGetFlightsRequest(_message.Message):
    __slots__ = ("ids", "read_mask", "relations")
    IDS_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    read_mask: _field_mask_pb2.FieldMask
    relations: _containers.RepeatedCompositeFieldContainer[_relations_pb2.RelationArguments]
    def __init__(self, ids: _Optional[_Iterable[str]] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., relations: _Optional[_Iterable[_Union[_relations_pb2.RelationArguments, _Mapping]]] = ...) -> None: ...

class BatchGetFlightsResponse(_message.Message):
    __slots__ = ("flights", "missing")
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    flights: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    missing: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, flights: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ..., missing: _Optional[_Iterable[str]] = ...) -> None: ...

class BatchCreateFlightsRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateFlightRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateFlightRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCreateFlightsResponse(_message.Message):
    __slots__ = ("flights",)
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    flights: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    def __init__(self, flights: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ...) -> None: ...

class BatchUpdateFlightsRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[UpdateFlightRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[UpdateFlightRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpdateFlightsResponse(_message.Message):
    __slots__ = ("flights",)
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    flights: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    def __init__(self, flights: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ...) -> None: ...

class BatchDeleteFlightsRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only", "allow_missing")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[DeleteFlightRequest]
    request_id: str
    validate_only: bool
    allow_missing: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[DeleteFlightRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., allow_missing: _Optional[bool] = ...) -> None: ...

class BatchDeleteFlightsResponse(_message.Message):
    __slots__ = ("flights",)
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    flights: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    def __init__(self, flights: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ...) -> None: ...

class CountFlightsRequest(_message.Message):
    __slots__ = ("filter", "show_deleted", "mode", "carrier", "flight_number", "origin", "destination", "tail_number")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    TAIL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    filter: str
    show_deleted: bool
    mode: _count_pb2.CountMode
    carrier: str
    flight_number: int
    origin: str
    destination: str
    tail_number: str
    def __init__(self, filter: _Optional[str] = ..., show_deleted: _Optional[bool] = ..., mode: _Optional[_Union[_count_pb2.CountMode, str]] = ..., carrier: _Optional[str] = ..., flight_number: _Optional[int] = ..., origin: _Optional[str] = ..., destination: _Optional[str] = ..., tail_number: _Optional[str] = ...) -> None: ...

class CountFlightsResponse(_message.Message):
    __slots__ = ("count", "estimated")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    count: int
    estimated: bool
    def __init__(self, count: _Optional[int] = ..., estimated: _Optional[bool] = ...) -> None: ...

class ExistsFlightsRequest(_message.Message):
    __slots__ = ("filter", "show_deleted", "carrier", "flight_number", "origin", "destination", "tail_number")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_NUMBER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    TAIL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    filter: str
    show_deleted: bool
    carrier: str
    flight_number: int
    origin: str
    destination: str
    tail_number: str
    def __init__(self, filter: _Optional[str] = ..., show_deleted: _Optional[bool] = ..., carrier: _Optional[str] = ..., flight_number: _Optional[int] = ..., origin: _Optional[str] = ..., destination: _Optional[str] = ..., tail_number: _Optional[str] = ...) -> None: ...

class ExistsFlightsResponse(_message.Message):
    __slots__ = ("exists",)
    EXISTS_FIELD_NUMBER: _ClassVar[int]
    exists: bool
    def __init__(self, exists: _Optional[bool] = ...) -> None: ...

class AggregateFlightsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "group_by", "having", "order_by", "read_mask", "show_deleted", "carrier", "origin", "destination")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    GROUP_BY_FIELD_NUMBER: _ClassVar[int]
    HAVING_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    group_by: _containers.RepeatedScalarFieldContainer[str]
    having: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    carrier: str
    origin: str
    destination: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., group_by: _Optional[_Iterable[str]] = ..., having: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ..., carrier: _Optional[str] = ..., origin: _Optional[str] = ..., destination: _Optional[str] = ...) -> None: ...

class AggregateFlightsResponse(_message.Message):
    __slots__ = ("flight_statistics", "next_page_token")
    FLIGHT_STATISTICS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flight_statistics: _containers.RepeatedCompositeFieldContainer[FlightStatistics]
    next_page_token: str
    def __init__(self, flight_statistics: _Optional[_Iterable[_Union[FlightStatistics, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class FlightStatistics(_message.Message):
    __slots__ = ("carrier", "origin", "destination", "departure_month", "departure_hour", "flights", "late_flights", "cancelled_flights", "planes", "total_distance_miles", "mean_departure_delay", "median_departure_delay", "p90_departure_delay", "p99_departure_delay", "min_departure_delay", "max_departure_delay", "carriers", "latest_tail_number")
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    DEPARTURE_MONTH_FIELD_NUMBER: _ClassVar[int]
    DEPARTURE_HOUR_FIELD_NUMBER: _ClassVar[int]
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    LATE_FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    PLANES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_DISTANCE_MILES_FIELD_NUMBER: _ClassVar[int]
    MEAN_DEPARTURE_DELAY_FIELD_NUMBER: _ClassVar[int]
    MEDIAN_DEPARTURE_DELAY_FIELD_NUMBER: _ClassVar[int]
    P90_DEPARTURE_DELAY_FIELD_NUMBER: _ClassVar[int]
    P99_DEPARTURE_DELAY_FIELD_NUMBER: _ClassVar[int]
    MIN_DEPARTURE_DELAY_FIELD_NUMBER: _ClassVar[int]
    MAX_DEPARTURE_DELAY_FIELD_NUMBER: _ClassVar[int]
    CARRIERS_FIELD_NUMBER: _ClassVar[int]
    LATEST_TAIL_NUMBER_FIELD_NUMBER: _ClassVar[int]
    carrier: str
    origin: str
    destination: str
    departure_month: _timestamp_pb2.Timestamp
    departure_hour: int
    flights: int
    late_flights: int
    cancelled_flights: int
    planes: int
    total_distance_miles: int
    mean_departure_delay: float
    median_departure_delay: float
    p90_departure_delay: float
    p99_departure_delay: float
    min_departure_delay: int
    max_departure_delay: int
    carriers: _containers.RepeatedScalarFieldContainer[str]
    latest_tail_number: str
    def __init__(self, carrier: _Optional[str] = ..., origin: _Optional[str] = ..., destination: _Optional[str] = ..., departure_month: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., departure_hour: _Optional[int] = ..., flights: _Optional[int] = ..., late_flights: _Optional[int] = ..., cancelled_flights: _Optional[int] = ..., planes: _Optional[int] = ..., total_distance_miles: _Optional[int] = ..., mean_departure_delay: _Optional[float] = ..., median_departure_delay: _Optional[float] = ..., p90_departure_delay: _Optional[float] = ..., p99_departure_delay: _Optional[float] = ..., min_departure_delay: _Optional[int] = ..., max_departure_delay: _Optional[int] = ..., carriers: _Optional[_Iterable[str]] = ..., latest_tail_number: _Optional[str] = ...) -> None: ...

class BulkUpsertFlightsRequest(_message.Message):
    __slots__ = ("flights", "conflict_target", "on_conflict", "on_duplicate", "update_mask", "partial_failure", "outcomes", "validate_only", "request_id", "transforms")
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_TARGET_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FAILURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMS_FIELD_NUMBER: _ClassVar[int]
    flights: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    conflict_target: _containers.RepeatedScalarFieldContainer[str]
    on_conflict: _bulk_pb2.OnConflict
    on_duplicate: _bulk_pb2.OnDuplicate
    update_mask: _field_mask_pb2.FieldMask
    partial_failure: bool
    outcomes: bool
    validate_only: bool
    request_id: str
    transforms: _transforms_pb2.StoredTransforms
    def __init__(self, flights: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ..., conflict_target: _Optional[_Iterable[str]] = ..., on_conflict: _Optional[_Union[_bulk_pb2.OnConflict, str]] = ..., on_duplicate: _Optional[_Union[_bulk_pb2.OnDuplicate, str]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., partial_failure: _Optional[bool] = ..., outcomes: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ..., transforms: _Optional[_Union[_transforms_pb2.StoredTransforms, _Mapping]] = ...) -> None: ...

class BulkUpsertFlightsResponse(_message.Message):
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

class StreamFlightsRequest(_message.Message):
    __slots__ = ("resume_token", "filter", "order_by", "read_mask", "show_deleted", "carrier", "origin", "destination", "relations")
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    CARRIER_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    DESTINATION_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_FIELD_NUMBER: _ClassVar[int]
    resume_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    carrier: str
    origin: str
    destination: str
    relations: _containers.RepeatedCompositeFieldContainer[_relations_pb2.RelationArguments]
    def __init__(self, resume_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ..., carrier: _Optional[str] = ..., origin: _Optional[str] = ..., destination: _Optional[str] = ..., relations: _Optional[_Iterable[_Union[_relations_pb2.RelationArguments, _Mapping]]] = ...) -> None: ...

class StreamFlightsResponse(_message.Message):
    __slots__ = ("flights", "resume_token")
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    flights: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    resume_token: str
    def __init__(self, flights: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class IngestFlightsRequest(_message.Message):
    __slots__ = ("start", "sequence", "flights")
    START_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    FLIGHTS_FIELD_NUMBER: _ClassVar[int]
    start: _ingest_pb2.IngestStart
    sequence: int
    flights: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    def __init__(self, start: _Optional[_Union[_ingest_pb2.IngestStart, _Mapping]] = ..., sequence: _Optional[int] = ..., flights: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ...) -> None: ...

class IngestFlightsResponse(_message.Message):
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

class UpdateFlightsByFilterRequest(_message.Message):
    __slots__ = ("filter", "flight", "update_mask", "max_rows", "request_id", "validate_only", "transforms")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    FLIGHT_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    TRANSFORMS_FIELD_NUMBER: _ClassVar[int]
    filter: str
    flight: _flight_pb2.Flight
    update_mask: _field_mask_pb2.FieldMask
    max_rows: int
    request_id: str
    validate_only: bool
    transforms: _containers.RepeatedCompositeFieldContainer[_transforms_pb2.FieldTransform]
    def __init__(self, filter: _Optional[str] = ..., flight: _Optional[_Union[_flight_pb2.Flight, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., max_rows: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., transforms: _Optional[_Iterable[_Union[_transforms_pb2.FieldTransform, _Mapping]]] = ...) -> None: ...

class UpdateFlightsByFilterResponse(_message.Message):
    __slots__ = ("count", "sample")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    count: int
    sample: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    def __init__(self, count: _Optional[int] = ..., sample: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ...) -> None: ...

class DeleteFlightsByFilterRequest(_message.Message):
    __slots__ = ("filter", "max_rows", "request_id", "validate_only")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    filter: str
    max_rows: int
    request_id: str
    validate_only: bool
    def __init__(self, filter: _Optional[str] = ..., max_rows: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteFlightsByFilterResponse(_message.Message):
    __slots__ = ("count", "sample")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_FIELD_NUMBER: _ClassVar[int]
    count: int
    sample: _containers.RepeatedCompositeFieldContainer[_flight_pb2.Flight]
    def __init__(self, count: _Optional[int] = ..., sample: _Optional[_Iterable[_Union[_flight_pb2.Flight, _Mapping]]] = ...) -> None: ...
