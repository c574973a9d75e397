import datetime

from flights.v1 import weather_pb2 as _weather_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from rowgate.v1 import bulk_pb2 as _bulk_pb2
from rowgate.v1 import count_pb2 as _count_pb2
from rowgate.v1 import ingest_pb2 as _ingest_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class WeatherKey(_message.Message):
    __slots__ = ("origin", "observation_time")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_TIME_FIELD_NUMBER: _ClassVar[int]
    origin: str
    observation_time: _timestamp_pb2.Timestamp
    def __init__(self, origin: _Optional[str] = ..., observation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class GetWeatherRequest(_message.Message):
    __slots__ = ("origin", "observation_time", "read_mask")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_TIME_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    origin: str
    observation_time: _timestamp_pb2.Timestamp
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, origin: _Optional[str] = ..., observation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class ListWeatherRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "filter", "order_by", "read_mask", "show_deleted", "origin")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    filter: str
    order_by: str
    read_mask: _field_mask_pb2.FieldMask
    show_deleted: bool
    origin: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., show_deleted: _Optional[bool] = ..., origin: _Optional[str] = ...) -> None: ...

class ListWeatherResponse(_message.Message):
    __slots__ = ("weather", "next_page_token")
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    next_page_token: str
    def __init__(self, weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateWeatherRequest(_message.Message):
    __slots__ = ("weather", "request_id", "validate_only")
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    weather: _weather_pb2.Weather
    request_id: str
    validate_only: bool
    def __init__(self, weather: _Optional[_Union[_weather_pb2.Weather, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UpdateWeatherRequest(_message.Message):
    __slots__ = ("weather", "update_mask", "allow_missing", "request_id", "validate_only")
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    weather: _weather_pb2.Weather
    update_mask: _field_mask_pb2.FieldMask
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, weather: _Optional[_Union[_weather_pb2.Weather, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class DeleteWeatherRequest(_message.Message):
    __slots__ = ("origin", "observation_time", "allow_missing", "request_id", "validate_only")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_TIME_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    origin: str
    observation_time: _timestamp_pb2.Timestamp
    allow_missing: bool
    request_id: str
    validate_only: bool
    def __init__(self, origin: _Optional[str] = ..., observation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., allow_missing: _Optional[bool] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class UndeleteWeatherRequest(_message.Message):
    __slots__ = ("origin", "observation_time", "request_id", "validate_only")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    OBSERVATION_TIME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    origin: str
    observation_time: _timestamp_pb2.Timestamp
    request_id: str
    validate_only: bool
    def __init__(self, origin: _Optional[str] = ..., observation_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchGetWeatherRequest(_message.Message):
    __slots__ = ("keys", "read_mask")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    READ_MASK_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[WeatherKey]
    read_mask: _field_mask_pb2.FieldMask
    def __init__(self, keys: _Optional[_Iterable[_Union[WeatherKey, _Mapping]]] = ..., read_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class BatchGetWeatherResponse(_message.Message):
    __slots__ = ("weather", "missing")
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    missing: _containers.RepeatedCompositeFieldContainer[WeatherKey]
    def __init__(self, weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ..., missing: _Optional[_Iterable[_Union[WeatherKey, _Mapping]]] = ...) -> None: ...

class BatchCreateWeatherRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[CreateWeatherRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[CreateWeatherRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchCreateWeatherResponse(_message.Message):
    __slots__ = ("weather",)
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    def __init__(self, weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ...) -> None: ...

class BatchUpdateWeatherRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[UpdateWeatherRequest]
    request_id: str
    validate_only: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[UpdateWeatherRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ...) -> None: ...

class BatchUpdateWeatherResponse(_message.Message):
    __slots__ = ("weather",)
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    def __init__(self, weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ...) -> None: ...

class BatchDeleteWeatherRequest(_message.Message):
    __slots__ = ("requests", "request_id", "validate_only", "allow_missing")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[DeleteWeatherRequest]
    request_id: str
    validate_only: bool
    allow_missing: bool
    def __init__(self, requests: _Optional[_Iterable[_Union[DeleteWeatherRequest, _Mapping]]] = ..., request_id: _Optional[str] = ..., validate_only: _Optional[bool] = ..., allow_missing: _Optional[bool] = ...) -> None: ...

class BatchDeleteWeatherResponse(_message.Message):
    __slots__ = ("weather",)
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    def __init__(self, weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ...) -> None: ...

class CountWeatherRequest(_message.Message):
    __slots__ = ("filter", "show_deleted", "mode", "origin")
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    filter: str
    show_deleted: bool
    mode: _count_pb2.CountMode
    origin: str
    def __init__(self, filter: _Optional[str] = ..., show_deleted: _Optional[bool] = ..., mode: _Optional[_Union[_count_pb2.CountMode, str]] = ..., origin: _Optional[str] = ...) -> None: ...

class CountWeatherResponse(_message.Message):
    __slots__ = ("count", "estimated")
    COUNT_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    count: int
    estimated: bool
    def __init__(self, count: _Optional[int] = ..., estimated: _Optional[bool] = ...) -> None: ...

class BulkUpsertWeatherRequest(_message.Message):
    __slots__ = ("weather", "conflict_target", "on_conflict", "on_duplicate", "update_mask", "partial_failure", "outcomes", "validate_only", "request_id")
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    CONFLICT_TARGET_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    ON_DUPLICATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    PARTIAL_FAILURE_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    conflict_target: _containers.RepeatedScalarFieldContainer[str]
    on_conflict: _bulk_pb2.OnConflict
    on_duplicate: _bulk_pb2.OnDuplicate
    update_mask: _field_mask_pb2.FieldMask
    partial_failure: bool
    outcomes: bool
    validate_only: bool
    request_id: str
    def __init__(self, weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ..., conflict_target: _Optional[_Iterable[str]] = ..., on_conflict: _Optional[_Union[_bulk_pb2.OnConflict, str]] = ..., on_duplicate: _Optional[_Union[_bulk_pb2.OnDuplicate, str]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ..., partial_failure: _Optional[bool] = ..., outcomes: _Optional[bool] = ..., validate_only: _Optional[bool] = ..., request_id: _Optional[str] = ...) -> None: ...

class BulkUpsertWeatherResponse(_message.Message):
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

class StreamWeatherRequest(_message.Message):
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

class StreamWeatherResponse(_message.Message):
    __slots__ = ("weather", "resume_token")
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    resume_token: str
    def __init__(self, weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class IngestWeatherRequest(_message.Message):
    __slots__ = ("start", "sequence", "weather")
    START_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    WEATHER_FIELD_NUMBER: _ClassVar[int]
    start: _ingest_pb2.IngestStart
    sequence: int
    weather: _containers.RepeatedCompositeFieldContainer[_weather_pb2.Weather]
    def __init__(self, start: _Optional[_Union[_ingest_pb2.IngestStart, _Mapping]] = ..., sequence: _Optional[int] = ..., weather: _Optional[_Iterable[_Union[_weather_pb2.Weather, _Mapping]]] = ...) -> None: ...

class IngestWeatherResponse(_message.Message):
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
