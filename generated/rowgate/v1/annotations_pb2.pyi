import datetime

from google.protobuf import descriptor_pb2 as _descriptor_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Audit(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUDIT_UNSPECIFIED: _ClassVar[Audit]
    AUDIT_ROWS: _ClassVar[Audit]
    AUDIT_LOG: _ClassVar[Audit]

class SqlPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SQL_POLICY_UNSPECIFIED: _ClassVar[SqlPolicy]
    BYPASS: _ClassVar[SqlPolicy]

class MethodKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    METHOD_KIND_UNSPECIFIED: _ClassVar[MethodKind]
    METHOD_KIND_GET: _ClassVar[MethodKind]
    METHOD_KIND_LIST: _ClassVar[MethodKind]
    METHOD_KIND_CREATE: _ClassVar[MethodKind]
    METHOD_KIND_UPDATE: _ClassVar[MethodKind]
    METHOD_KIND_DELETE: _ClassVar[MethodKind]
    METHOD_KIND_UNDELETE: _ClassVar[MethodKind]
    METHOD_KIND_BATCH_GET: _ClassVar[MethodKind]
    METHOD_KIND_BATCH_CREATE: _ClassVar[MethodKind]
    METHOD_KIND_BATCH_UPDATE: _ClassVar[MethodKind]
    METHOD_KIND_BATCH_DELETE: _ClassVar[MethodKind]
    METHOD_KIND_COUNT: _ClassVar[MethodKind]
    METHOD_KIND_BULK_UPSERT: _ClassVar[MethodKind]
    METHOD_KIND_STREAM: _ClassVar[MethodKind]
    METHOD_KIND_INGEST: _ClassVar[MethodKind]
    METHOD_KIND_AGGREGATE: _ClassVar[MethodKind]
    METHOD_KIND_EXISTS: _ClassVar[MethodKind]
    METHOD_KIND_TRANSACT: _ClassVar[MethodKind]
    METHOD_KIND_SESSION: _ClassVar[MethodKind]
    METHOD_KIND_UPDATE_BY_FILTER: _ClassVar[MethodKind]
    METHOD_KIND_DELETE_BY_FILTER: _ClassVar[MethodKind]
    METHOD_KIND_SEARCH: _ClassVar[MethodKind]
AUDIT_UNSPECIFIED: Audit
AUDIT_ROWS: Audit
AUDIT_LOG: Audit
SQL_POLICY_UNSPECIFIED: SqlPolicy
BYPASS: SqlPolicy
METHOD_KIND_UNSPECIFIED: MethodKind
METHOD_KIND_GET: MethodKind
METHOD_KIND_LIST: MethodKind
METHOD_KIND_CREATE: MethodKind
METHOD_KIND_UPDATE: MethodKind
METHOD_KIND_DELETE: MethodKind
METHOD_KIND_UNDELETE: MethodKind
METHOD_KIND_BATCH_GET: MethodKind
METHOD_KIND_BATCH_CREATE: MethodKind
METHOD_KIND_BATCH_UPDATE: MethodKind
METHOD_KIND_BATCH_DELETE: MethodKind
METHOD_KIND_COUNT: MethodKind
METHOD_KIND_BULK_UPSERT: MethodKind
METHOD_KIND_STREAM: MethodKind
METHOD_KIND_INGEST: MethodKind
METHOD_KIND_AGGREGATE: MethodKind
METHOD_KIND_EXISTS: MethodKind
METHOD_KIND_TRANSACT: MethodKind
METHOD_KIND_SESSION: MethodKind
METHOD_KIND_UPDATE_BY_FILTER: MethodKind
METHOD_KIND_DELETE_BY_FILTER: MethodKind
METHOD_KIND_SEARCH: MethodKind
TABLE_FIELD_NUMBER: _ClassVar[int]
table: _descriptor.FieldDescriptor
COLUMN_FIELD_NUMBER: _ClassVar[int]
column: _descriptor.FieldDescriptor
RELATION_FIELD_NUMBER: _ClassVar[int]
relation: _descriptor.FieldDescriptor
ENUM_VALUE_FIELD_NUMBER: _ClassVar[int]
enum_value: _descriptor.FieldDescriptor
METHOD_FIELD_NUMBER: _ClassVar[int]
method: _descriptor.FieldDescriptor
SERVICE_FIELD_NUMBER: _ClassVar[int]
service: _descriptor.FieldDescriptor

class TableOptions(_message.Message):
    __slots__ = ("name", "schema", "primary_key", "unique", "index", "check", "foreign_key", "version", "created_at", "updated_at", "soft_delete", "etag", "managed", "unreadable", "policy", "audit", "search", "partition_by", "cache", "distribute_by", "reference", "colocate_with")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_KEY_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    CHECK_FIELD_NUMBER: _ClassVar[int]
    FOREIGN_KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    SOFT_DELETE_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    MANAGED_FIELD_NUMBER: _ClassVar[int]
    UNREADABLE_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    AUDIT_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    PARTITION_BY_FIELD_NUMBER: _ClassVar[int]
    CACHE_FIELD_NUMBER: _ClassVar[int]
    DISTRIBUTE_BY_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    COLOCATE_WITH_FIELD_NUMBER: _ClassVar[int]
    name: str
    schema: str
    primary_key: _containers.RepeatedScalarFieldContainer[str]
    unique: _containers.RepeatedCompositeFieldContainer[UniqueKey]
    index: _containers.RepeatedCompositeFieldContainer[Index]
    check: _containers.RepeatedCompositeFieldContainer[Check]
    foreign_key: _containers.RepeatedCompositeFieldContainer[ForeignKey]
    version: str
    created_at: str
    updated_at: str
    soft_delete: str
    etag: str
    managed: bool
    unreadable: str
    policy: TablePolicy
    audit: Audit
    search: SearchOptions
    partition_by: PartitionBy
    cache: Cache
    distribute_by: str
    reference: bool
    colocate_with: str
    def __init__(self, name: _Optional[str] = ..., schema: _Optional[str] = ..., primary_key: _Optional[_Iterable[str]] = ..., unique: _Optional[_Iterable[_Union[UniqueKey, _Mapping]]] = ..., index: _Optional[_Iterable[_Union[Index, _Mapping]]] = ..., check: _Optional[_Iterable[_Union[Check, _Mapping]]] = ..., foreign_key: _Optional[_Iterable[_Union[ForeignKey, _Mapping]]] = ..., version: _Optional[str] = ..., created_at: _Optional[str] = ..., updated_at: _Optional[str] = ..., soft_delete: _Optional[str] = ..., etag: _Optional[str] = ..., managed: _Optional[bool] = ..., unreadable: _Optional[str] = ..., policy: _Optional[_Union[TablePolicy, _Mapping]] = ..., audit: _Optional[_Union[Audit, str]] = ..., search: _Optional[_Union[SearchOptions, _Mapping]] = ..., partition_by: _Optional[_Union[PartitionBy, _Mapping]] = ..., cache: _Optional[_Union[Cache, _Mapping]] = ..., distribute_by: _Optional[str] = ..., reference: _Optional[bool] = ..., colocate_with: _Optional[str] = ...) -> None: ...

class Cache(_message.Message):
    __slots__ = ("ttl",)
    TTL_FIELD_NUMBER: _ClassVar[int]
    ttl: _duration_pb2.Duration
    def __init__(self, ttl: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class PartitionBy(_message.Message):
    __slots__ = ("field", "table")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    TABLE_FIELD_NUMBER: _ClassVar[int]
    field: str
    table: _containers.RepeatedCompositeFieldContainer[Partition]
    def __init__(self, field: _Optional[str] = ..., table: _Optional[_Iterable[_Union[Partition, _Mapping]]] = ...) -> None: ...

class Partition(_message.Message):
    __slots__ = ("value", "name", "schema")
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_FIELD_NUMBER: _ClassVar[int]
    value: _containers.RepeatedScalarFieldContainer[str]
    name: str
    schema: str
    def __init__(self, value: _Optional[_Iterable[str]] = ..., name: _Optional[str] = ..., schema: _Optional[str] = ...) -> None: ...

class SearchOptions(_message.Message):
    __slots__ = ("words", "likeness")
    WORDS_FIELD_NUMBER: _ClassVar[int]
    LIKENESS_FIELD_NUMBER: _ClassVar[int]
    words: SearchedWords
    likeness: _containers.RepeatedCompositeFieldContainer[SearchedLikeness]
    def __init__(self, words: _Optional[_Union[SearchedWords, _Mapping]] = ..., likeness: _Optional[_Iterable[_Union[SearchedLikeness, _Mapping]]] = ...) -> None: ...

class SearchedWords(_message.Message):
    __slots__ = ("column", "language", "stored_in")
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    STORED_IN_FIELD_NUMBER: _ClassVar[int]
    column: _containers.RepeatedCompositeFieldContainer[WeightedColumn]
    language: str
    stored_in: str
    def __init__(self, column: _Optional[_Iterable[_Union[WeightedColumn, _Mapping]]] = ..., language: _Optional[str] = ..., stored_in: _Optional[str] = ...) -> None: ...

class WeightedColumn(_message.Message):
    __slots__ = ("name", "weight")
    class Weight(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        WEIGHT_UNSPECIFIED: _ClassVar[WeightedColumn.Weight]
        A: _ClassVar[WeightedColumn.Weight]
        B: _ClassVar[WeightedColumn.Weight]
        C: _ClassVar[WeightedColumn.Weight]
        D: _ClassVar[WeightedColumn.Weight]
    WEIGHT_UNSPECIFIED: WeightedColumn.Weight
    A: WeightedColumn.Weight
    B: WeightedColumn.Weight
    C: WeightedColumn.Weight
    D: WeightedColumn.Weight
    NAME_FIELD_NUMBER: _ClassVar[int]
    WEIGHT_FIELD_NUMBER: _ClassVar[int]
    name: str
    weight: WeightedColumn.Weight
    def __init__(self, name: _Optional[str] = ..., weight: _Optional[_Union[WeightedColumn.Weight, str]] = ...) -> None: ...

class SearchedLikeness(_message.Message):
    __slots__ = ("column", "index", "parts", "threshold")
    class Index(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INDEX_UNSPECIFIED: _ClassVar[SearchedLikeness.Index]
        GIN: _ClassVar[SearchedLikeness.Index]
        GIST: _ClassVar[SearchedLikeness.Index]
        NONE: _ClassVar[SearchedLikeness.Index]
    INDEX_UNSPECIFIED: SearchedLikeness.Index
    GIN: SearchedLikeness.Index
    GIST: SearchedLikeness.Index
    NONE: SearchedLikeness.Index
    COLUMN_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    column: str
    index: SearchedLikeness.Index
    parts: bool
    threshold: float
    def __init__(self, column: _Optional[str] = ..., index: _Optional[_Union[SearchedLikeness.Index, str]] = ..., parts: _Optional[bool] = ..., threshold: _Optional[float] = ...) -> None: ...

class TablePolicy(_message.Message):
    __slots__ = ("read", "create", "update", "update_check", "delete")
    READ_FIELD_NUMBER: _ClassVar[int]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_CHECK_FIELD_NUMBER: _ClassVar[int]
    DELETE_FIELD_NUMBER: _ClassVar[int]
    read: str
    create: str
    update: str
    update_check: str
    delete: str
    def __init__(self, read: _Optional[str] = ..., create: _Optional[str] = ..., update: _Optional[str] = ..., update_check: _Optional[str] = ..., delete: _Optional[str] = ...) -> None: ...

class UniqueKey(_message.Message):
    __slots__ = ("columns", "nulls_not_distinct", "name")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    NULLS_NOT_DISTINCT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    nulls_not_distinct: bool
    name: str
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., nulls_not_distinct: _Optional[bool] = ..., name: _Optional[str] = ...) -> None: ...

class Index(_message.Message):
    __slots__ = ("columns", "method", "where", "include", "unique", "name")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_FIELD_NUMBER: _ClassVar[int]
    UNIQUE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    method: str
    where: str
    include: _containers.RepeatedScalarFieldContainer[str]
    unique: bool
    name: str
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., method: _Optional[str] = ..., where: _Optional[str] = ..., include: _Optional[_Iterable[str]] = ..., unique: _Optional[bool] = ..., name: _Optional[str] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("expression", "name")
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    expression: str
    name: str
    def __init__(self, expression: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ForeignKey(_message.Message):
    __slots__ = ("columns", "references", "name")
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    references: Reference
    name: str
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., references: _Optional[_Union[Reference, _Mapping]] = ..., name: _Optional[str] = ...) -> None: ...

class Reference(_message.Message):
    __slots__ = ("table", "columns", "on_delete", "on_update", "enforced")
    class Action(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        ACTION_UNSPECIFIED: _ClassVar[Reference.Action]
        NO_ACTION: _ClassVar[Reference.Action]
        RESTRICT: _ClassVar[Reference.Action]
        CASCADE: _ClassVar[Reference.Action]
        SET_NULL: _ClassVar[Reference.Action]
        SET_DEFAULT: _ClassVar[Reference.Action]
    ACTION_UNSPECIFIED: Reference.Action
    NO_ACTION: Reference.Action
    RESTRICT: Reference.Action
    CASCADE: Reference.Action
    SET_NULL: Reference.Action
    SET_DEFAULT: Reference.Action
    TABLE_FIELD_NUMBER: _ClassVar[int]
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    ON_DELETE_FIELD_NUMBER: _ClassVar[int]
    ON_UPDATE_FIELD_NUMBER: _ClassVar[int]
    ENFORCED_FIELD_NUMBER: _ClassVar[int]
    table: str
    columns: _containers.RepeatedScalarFieldContainer[str]
    on_delete: Reference.Action
    on_update: Reference.Action
    enforced: bool
    def __init__(self, table: _Optional[str] = ..., columns: _Optional[_Iterable[str]] = ..., on_delete: _Optional[_Union[Reference.Action, str]] = ..., on_update: _Optional[_Union[Reference.Action, str]] = ..., enforced: _Optional[bool] = ...) -> None: ...

class ColumnOptions(_message.Message):
    __slots__ = ("name", "type", "length", "default", "generated", "output_only", "not_null", "references", "enum_type", "currency", "identity", "access", "preset", "vector")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    LENGTH_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_FIELD_NUMBER: _ClassVar[int]
    GENERATED_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_ONLY_FIELD_NUMBER: _ClassVar[int]
    NOT_NULL_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    ENUM_TYPE_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_FIELD_NUMBER: _ClassVar[int]
    ACCESS_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    length: int
    default: str
    generated: str
    output_only: bool
    not_null: bool
    references: Reference
    enum_type: str
    currency: str
    identity: bool
    access: ColumnAccess
    preset: ColumnPreset
    vector: VectorOptions
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., length: _Optional[int] = ..., default: _Optional[str] = ..., generated: _Optional[str] = ..., output_only: _Optional[bool] = ..., not_null: _Optional[bool] = ..., references: _Optional[_Union[Reference, _Mapping]] = ..., enum_type: _Optional[str] = ..., currency: _Optional[str] = ..., identity: _Optional[bool] = ..., access: _Optional[_Union[ColumnAccess, _Mapping]] = ..., preset: _Optional[_Union[ColumnPreset, _Mapping]] = ..., vector: _Optional[_Union[VectorOptions, _Mapping]] = ...) -> None: ...

class VectorOptions(_message.Message):
    __slots__ = ("dimensions", "distance", "index", "m", "ef_construction", "ef_search")
    class Distance(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        DISTANCE_UNSPECIFIED: _ClassVar[VectorOptions.Distance]
        COSINE: _ClassVar[VectorOptions.Distance]
        L2: _ClassVar[VectorOptions.Distance]
        INNER_PRODUCT: _ClassVar[VectorOptions.Distance]
    DISTANCE_UNSPECIFIED: VectorOptions.Distance
    COSINE: VectorOptions.Distance
    L2: VectorOptions.Distance
    INNER_PRODUCT: VectorOptions.Distance
    class Index(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        INDEX_UNSPECIFIED: _ClassVar[VectorOptions.Index]
        HNSW: _ClassVar[VectorOptions.Index]
        NONE: _ClassVar[VectorOptions.Index]
    INDEX_UNSPECIFIED: VectorOptions.Index
    HNSW: VectorOptions.Index
    NONE: VectorOptions.Index
    DIMENSIONS_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    M_FIELD_NUMBER: _ClassVar[int]
    EF_CONSTRUCTION_FIELD_NUMBER: _ClassVar[int]
    EF_SEARCH_FIELD_NUMBER: _ClassVar[int]
    dimensions: int
    distance: VectorOptions.Distance
    index: VectorOptions.Index
    m: int
    ef_construction: int
    ef_search: int
    def __init__(self, dimensions: _Optional[int] = ..., distance: _Optional[_Union[VectorOptions.Distance, str]] = ..., index: _Optional[_Union[VectorOptions.Index, str]] = ..., m: _Optional[int] = ..., ef_construction: _Optional[int] = ..., ef_search: _Optional[int] = ...) -> None: ...

class ColumnPreset(_message.Message):
    __slots__ = ("create", "update")
    CREATE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_FIELD_NUMBER: _ClassVar[int]
    create: str
    update: str
    def __init__(self, create: _Optional[str] = ..., update: _Optional[str] = ...) -> None: ...

class ColumnAccess(_message.Message):
    __slots__ = ("read", "write", "mask")
    READ_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    MASK_FIELD_NUMBER: _ClassVar[int]
    read: _containers.RepeatedScalarFieldContainer[str]
    write: _containers.RepeatedScalarFieldContainer[str]
    mask: ColumnMask
    def __init__(self, read: _Optional[_Iterable[str]] = ..., write: _Optional[_Iterable[str]] = ..., mask: _Optional[_Union[ColumnMask, _Mapping]] = ...) -> None: ...

class ColumnMask(_message.Message):
    __slots__ = ("text", "keep_first", "keep_last", "year")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    KEEP_FIRST_FIELD_NUMBER: _ClassVar[int]
    KEEP_LAST_FIELD_NUMBER: _ClassVar[int]
    YEAR_FIELD_NUMBER: _ClassVar[int]
    text: str
    keep_first: int
    keep_last: int
    year: bool
    def __init__(self, text: _Optional[str] = ..., keep_first: _Optional[int] = ..., keep_last: _Optional[int] = ..., year: _Optional[bool] = ...) -> None: ...

class RelationOptions(_message.Message):
    __slots__ = ("columns", "references", "filter", "order_by", "limit", "write")
    class Write(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        WRITE_UNSPECIFIED: _ClassVar[RelationOptions.Write]
        CREATE: _ClassVar[RelationOptions.Write]
        REPLACE: _ClassVar[RelationOptions.Write]
        MERGE: _ClassVar[RelationOptions.Write]
    WRITE_UNSPECIFIED: RelationOptions.Write
    CREATE: RelationOptions.Write
    REPLACE: RelationOptions.Write
    MERGE: RelationOptions.Write
    COLUMNS_FIELD_NUMBER: _ClassVar[int]
    REFERENCES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ORDER_BY_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    WRITE_FIELD_NUMBER: _ClassVar[int]
    columns: _containers.RepeatedScalarFieldContainer[str]
    references: _containers.RepeatedScalarFieldContainer[str]
    filter: str
    order_by: str
    limit: int
    write: RelationOptions.Write
    def __init__(self, columns: _Optional[_Iterable[str]] = ..., references: _Optional[_Iterable[str]] = ..., filter: _Optional[str] = ..., order_by: _Optional[str] = ..., limit: _Optional[int] = ..., write: _Optional[_Union[RelationOptions.Write, str]] = ...) -> None: ...

class EnumValueOptions(_message.Message):
    __slots__ = ("label",)
    LABEL_FIELD_NUMBER: _ClassVar[int]
    label: str
    def __init__(self, label: _Optional[str] = ...) -> None: ...

class MethodOptions(_message.Message):
    __slots__ = ("kind", "resource", "allow", "sql", "by_filter", "handler", "consistency")
    KIND_FIELD_NUMBER: _ClassVar[int]
    RESOURCE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_FIELD_NUMBER: _ClassVar[int]
    SQL_FIELD_NUMBER: _ClassVar[int]
    BY_FILTER_FIELD_NUMBER: _ClassVar[int]
    HANDLER_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    kind: MethodKind
    resource: str
    allow: Allow
    sql: SqlMethod
    by_filter: ByFilter
    handler: bool
    consistency: str
    def __init__(self, kind: _Optional[_Union[MethodKind, str]] = ..., resource: _Optional[str] = ..., allow: _Optional[_Union[Allow, _Mapping]] = ..., sql: _Optional[_Union[SqlMethod, _Mapping]] = ..., by_filter: _Optional[_Union[ByFilter, _Mapping]] = ..., handler: _Optional[bool] = ..., consistency: _Optional[str] = ...) -> None: ...

class ByFilter(_message.Message):
    __slots__ = ("default_max_rows", "max_rows")
    DEFAULT_MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    default_max_rows: int
    max_rows: int
    def __init__(self, default_max_rows: _Optional[int] = ..., max_rows: _Optional[int] = ...) -> None: ...

class SqlMethod(_message.Message):
    __slots__ = ("query", "writes", "not_null", "allow_missing", "max_rows", "policy")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    NOT_NULL_FIELD_NUMBER: _ClassVar[int]
    ALLOW_MISSING_FIELD_NUMBER: _ClassVar[int]
    MAX_ROWS_FIELD_NUMBER: _ClassVar[int]
    POLICY_FIELD_NUMBER: _ClassVar[int]
    query: str
    writes: bool
    not_null: _containers.RepeatedScalarFieldContainer[str]
    allow_missing: bool
    max_rows: int
    policy: SqlPolicy
    def __init__(self, query: _Optional[str] = ..., writes: _Optional[bool] = ..., not_null: _Optional[_Iterable[str]] = ..., allow_missing: _Optional[bool] = ..., max_rows: _Optional[int] = ..., policy: _Optional[_Union[SqlPolicy, str]] = ...) -> None: ...

class ServiceOptions(_message.Message):
    __slots__ = ("allow",)
    ALLOW_FIELD_NUMBER: _ClassVar[int]
    allow: Allow
    def __init__(self, allow: _Optional[_Union[Allow, _Mapping]] = ...) -> None: ...

class Allow(_message.Message):
    __slots__ = ("roles", "condition")
    ROLES_FIELD_NUMBER: _ClassVar[int]
    CONDITION_FIELD_NUMBER: _ClassVar[int]
    roles: _containers.RepeatedScalarFieldContainer[str]
    condition: str
    def __init__(self, roles: _Optional[_Iterable[str]] = ..., condition: _Optional[str] = ...) -> None: ...
