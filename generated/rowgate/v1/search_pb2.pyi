from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class SearchWords(_message.Message):
    __slots__ = ("query", "weight", "highlight")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    HIGHLIGHT_FIELD_NUMBER: _ClassVar[int]
    query: str
    weight: float
    highlight: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, query: _Optional[str] = ..., weight: _Optional[float] = ..., highlight: _Optional[_Iterable[str]] = ...) -> None: ...

class SearchLike(_message.Message):
    __slots__ = ("text", "field", "threshold", "weight")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    text: str
    field: str
    threshold: float
    weight: float
    def __init__(self, text: _Optional[str] = ..., field: _Optional[str] = ..., threshold: _Optional[float] = ..., weight: _Optional[float] = ...) -> None: ...

class SearchNear(_message.Message):
    __slots__ = ("vector", "field", "max_distance", "weight", "exact", "ef_search")
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MAX_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    EXACT_FIELD_NUMBER: _ClassVar[int]
    EF_SEARCH_FIELD_NUMBER: _ClassVar[int]
    vector: _containers.RepeatedScalarFieldContainer[float]
    field: str
    max_distance: float
    weight: float
    exact: bool
    ef_search: int
    def __init__(self, vector: _Optional[_Iterable[float]] = ..., field: _Optional[str] = ..., max_distance: _Optional[float] = ..., weight: _Optional[float] = ..., exact: _Optional[bool] = ..., ef_search: _Optional[int] = ...) -> None: ...

class SearchHighlight(_message.Message):
    __slots__ = ("field", "html")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    field: str
    html: str
    def __init__(self, field: _Optional[str] = ..., html: _Optional[str] = ...) -> None: ...
