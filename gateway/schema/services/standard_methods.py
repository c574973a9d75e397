"""The standard methods as data: which request and response fields each kind has, and of which type.

A field plays a role. Most roles go by the field's name; `resource`, `rows` and `keys` go by the field's type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from google.protobuf.descriptor import MethodDescriptor

from gateway.schema.model import MethodKind


class RoleType(Enum):
    """What a role's field must be; values are what diagnostics say of it."""

    STRING = "string"
    BOOL = "bool"
    INT32 = "int32"
    INT64 = "int64"
    COUNT = "int64 or int32"
    MASK = "google.protobuf.FieldMask"
    VERSION = "of the version field's type"
    NAMES = "repeated string"
    NAMES_OR_MASK = "repeated string, or google.protobuf.FieldMask"
    RESOURCE = "the resource's message"
    ROWS = "repeated, the resource's message"
    GROUPS = "repeated, a message that is no resource"
    ITEMS = "repeated, the single method's request message"
    KEYS = "of the request's keys' type, repeated"
    COUNT_MODE = "rowgate.v1.CountMode"
    ON_CONFLICT = "rowgate.v1.OnConflict"
    ON_DUPLICATE = "rowgate.v1.OnDuplicate"
    FAILURES = "repeated rowgate.v1.RowFailure"
    OUTCOMES = "repeated rowgate.v1.RowOutcome"
    INGEST_START = "rowgate.v1.IngestStart"
    TRANSFORMS = "repeated rowgate.v1.FieldTransform"
    STORED_TRANSFORMS = "rowgate.v1.StoredTransforms"
    STEPS = "repeated rowgate.v1.Step"
    ISOLATION = "rowgate.v1.IsolationLevel"
    PACKED = "repeated google.protobuf.Any"
    RELATIONS = "repeated rowgate.v1.RelationArguments"
    STEP = "rowgate.v1.Step"
    SESSION_BEGIN = "rowgate.v1.SessionBegin"
    SESSION_END = "rowgate.v1.SessionEnd"
    PACKED_ONE = "google.protobuf.Any"
    STATUS = "google.rpc.Status"
    WORDS = "rowgate.v1.SearchWords"
    LIKE = "rowgate.v1.SearchLike"
    NEAR = "rowgate.v1.SearchNear"


class Keys(Enum):
    """Which key fields a request has."""

    NONE = "none"
    ONE = "one"
    """The primary key's fields, by name and type."""
    MANY = "many"
    """Repeated: a one-column key's values, or messages that hold the key's fields."""
    MANY_OR_ITEMS = "many or items"
    """As MANY, or the single method's requests."""


class Answer(Enum):
    """What a method returns."""

    RESOURCE = "the resource"
    EMPTY_OR_RESOURCE = "google.protobuf.Empty or the resource"
    FIELDS = "a message with its own fields"
    EMPTY_OR_FIELDS = "google.protobuf.Empty or a message with its own fields"


class Streams(Enum):
    """Which side of a call is a stream of messages; values are what a method's declaration must say."""

    NEITHER = "takes one request and returns one response"
    RESPONSES = "takes one request and streams its responses: `returns (stream …)`"
    REQUESTS = "streams its requests and returns one response: `(stream …) returns (…)`"
    BOTH = "streams requests and responses: `(stream …) returns (stream …)`"

    @classmethod
    def of(cls, method: MethodDescriptor) -> "Streams":
        """Return what a method declares."""
        if method.client_streaming:
            return cls.BOTH if method.server_streaming else cls.REQUESTS
        return cls.RESPONSES if method.server_streaming else cls.NEITHER


@dataclass(frozen=True, slots=True)
class Role:
    """A field that a request or response may have, or must."""

    name: str
    type: RoleType
    required: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kind of method looks like.

    Args:
        prefix: how the method's name begins; the resource's name follows.
        plural: whether it is the resource's plural that follows.
        suffix: how the method's name ends, behind the resource's.
        request: the request's roles beside the keys.
        answer: what is returned.
        response: the roles of an answer with fields of its own.
        keys: which keys the request has.
        equals: whether other fields, named and typed as the resource's, ask for equality.
        item: the single method whose requests a batch holds.
        streams: which side is a stream.

    """

    prefix: str
    plural: bool
    request: tuple[Role, ...]
    answer: Answer
    response: tuple[Role, ...] = ()
    keys: Keys = Keys.NONE
    equals: bool = False
    item: MethodKind | None = None
    streams: Streams = Streams.NEITHER
    suffix: str = ""

    @property
    def name(self) -> str:
        """What the kind is called: its methods' name without the resource's."""
        return f"{self.prefix}{self.suffix}"

    def subject(self, method: str) -> str:
        """Return a method's name without what the kind says: the resource's, or its plural."""
        return method.removeprefix(self.prefix).removesuffix(self.suffix)

    def names(self, method: str) -> bool:
        """Whether a method of this name is one of the kind, for all that the kind knows."""
        fits = method.startswith(self.prefix) and method.endswith(self.suffix)
        return fits and len(method) > len(self.name)

    @property
    def reaches_relations(self) -> bool:
        """Whether its read mask, or its filter, may name relations."""
        return any(role in self.request for role in (_RELATIONS, _FILTER, _WANTED))


_READ_MASK = Role("read_mask", RoleType.MASK)
_RELATIONS = Role("relations", RoleType.RELATIONS)
_FILTER = Role("filter", RoleType.STRING)
_WANTED = Role("filter", RoleType.STRING, required=True)
_ORDER_BY = Role("order_by", RoleType.STRING)
_SHOW_DELETED = Role("show_deleted", RoleType.BOOL)
_PAGE = (
    Role("page_size", RoleType.INT32, required=True),
    Role("page_token", RoleType.STRING, required=True),
)
_NEXT_PAGE_TOKEN = Role("next_page_token", RoleType.STRING, required=True)
_ETAG = Role("etag", RoleType.STRING)
_VERSION = Role("version", RoleType.VERSION)
_ALLOW_MISSING = Role("allow_missing", RoleType.BOOL)
_FORCE = Role("force", RoleType.BOOL)
_UPDATE_MASK = Role("update_mask", RoleType.MASK)
_REQUEST_ID = Role("request_id", RoleType.STRING)
_VALIDATE_ONLY = Role("validate_only", RoleType.BOOL)
_WRITE = (_REQUEST_ID, _VALIDATE_ONLY)
_RESOURCE = Role("resource", RoleType.RESOURCE, required=True)
_ROWS = Role("rows", RoleType.ROWS, required=True)
_TRANSFORMS = Role("transforms", RoleType.TRANSFORMS)
_MAX_ROWS = Role("max_rows", RoleType.INT32)
_CHANGED_BY_FILTER = (Role("count", RoleType.INT64, required=True), Role("sample", RoleType.ROWS))
_ITEMS = Role("requests", RoleType.ITEMS, required=True)
SEARCHED = (
    Role("words", RoleType.WORDS),
    Role("like", RoleType.LIKE),
    Role("near", RoleType.NEAR),
    Role("also_near", RoleType.NEAR),
)
"""The parts of a search."""
_RESUME_TOKEN = Role("resume_token", RoleType.STRING, required=True)
_UPSERT_COUNTS = (
    "inserted_count",
    "updated_count",
    "unchanged_count",
    "ignored_count",
    "superseded_count",
    "failed_count",
)
_UPSERTED = (
    *(Role(name, RoleType.COUNT) for name in _UPSERT_COUNTS),
    Role("failures", RoleType.FAILURES),
    Role("outcomes", RoleType.OUTCOMES),
)

SHAPES: Mapping[MethodKind, Shape] = {
    MethodKind.GET: Shape(
        "Get", plural=False, request=(_READ_MASK, _RELATIONS), answer=Answer.RESOURCE, keys=Keys.ONE
    ),
    MethodKind.LIST: Shape(
        "List",
        plural=True,
        request=(
            *_PAGE,
            _FILTER,
            _ORDER_BY,
            _READ_MASK,
            _RELATIONS,
            _SHOW_DELETED,
        ),
        answer=Answer.FIELDS,
        response=(
            _ROWS,
            _NEXT_PAGE_TOKEN,
            Role("total_size", RoleType.COUNT),
        ),
        equals=True,
    ),
    MethodKind.CREATE: Shape("Create", plural=False, request=(_RESOURCE, *_WRITE), answer=Answer.RESOURCE),
    MethodKind.UPDATE: Shape(
        "Update",
        plural=False,
        request=(_RESOURCE, _UPDATE_MASK, _TRANSFORMS, _ALLOW_MISSING, _ETAG, *_WRITE),
        answer=Answer.RESOURCE,
    ),
    MethodKind.DELETE: Shape(
        "Delete",
        plural=False,
        request=(_ETAG, _VERSION, _ALLOW_MISSING, _FORCE, *_WRITE),
        answer=Answer.EMPTY_OR_RESOURCE,
        keys=Keys.ONE,
    ),
    MethodKind.UNDELETE: Shape(
        "Undelete", plural=False, request=(_ETAG, _VERSION, *_WRITE), answer=Answer.RESOURCE, keys=Keys.ONE
    ),
    MethodKind.BATCH_GET: Shape(
        "BatchGet",
        plural=True,
        request=(_READ_MASK, _RELATIONS),
        answer=Answer.FIELDS,
        response=(_ROWS, Role("missing", RoleType.KEYS)),
        keys=Keys.MANY,
        item=MethodKind.GET,
    ),
    MethodKind.BATCH_CREATE: Shape(
        "BatchCreate",
        plural=True,
        request=(_ITEMS, *_WRITE),
        answer=Answer.FIELDS,
        response=(_ROWS,),
        item=MethodKind.CREATE,
    ),
    MethodKind.BATCH_UPDATE: Shape(
        "BatchUpdate",
        plural=True,
        request=(_ITEMS, *_WRITE),
        answer=Answer.FIELDS,
        response=(_ROWS,),
        item=MethodKind.UPDATE,
    ),
    MethodKind.BATCH_DELETE: Shape(
        "BatchDelete",
        plural=True,
        request=(_FORCE, _ALLOW_MISSING, *_WRITE),
        answer=Answer.EMPTY_OR_FIELDS,
        response=(_ROWS,),
        keys=Keys.MANY_OR_ITEMS,
        item=MethodKind.DELETE,
    ),
    MethodKind.COUNT: Shape(
        "Count",
        plural=True,
        request=(_FILTER, _SHOW_DELETED, Role("mode", RoleType.COUNT_MODE)),
        answer=Answer.FIELDS,
        response=(Role("count", RoleType.INT64, required=True), Role("estimated", RoleType.BOOL)),
        equals=True,
    ),
    MethodKind.BULK_UPSERT: Shape(
        "BulkUpsert",
        plural=True,
        request=(
            _ROWS,
            Role("conflict_target", RoleType.NAMES),
            Role("on_conflict", RoleType.ON_CONFLICT),
            Role("on_duplicate", RoleType.ON_DUPLICATE),
            _UPDATE_MASK,
            Role("transforms", RoleType.STORED_TRANSFORMS),
            Role("partial_failure", RoleType.BOOL),
            Role("outcomes", RoleType.BOOL),
            *_WRITE,
        ),
        answer=Answer.FIELDS,
        response=_UPSERTED,
    ),
    MethodKind.STREAM: Shape(
        "Stream",
        plural=True,
        request=(_RESUME_TOKEN, _FILTER, _ORDER_BY, _READ_MASK, _RELATIONS, _SHOW_DELETED),
        answer=Answer.FIELDS,
        response=(_ROWS, _RESUME_TOKEN),
        equals=True,
        streams=Streams.RESPONSES,
    ),
    MethodKind.INGEST: Shape(
        "Ingest",
        plural=True,
        request=(
            Role("start", RoleType.INGEST_START, required=True),
            Role("sequence", RoleType.INT64, required=True),
            _ROWS,
        ),
        answer=Answer.FIELDS,
        response=(Role("watermark", RoleType.INT64, required=True), *_UPSERTED),
        streams=Streams.BOTH,
    ),
    MethodKind.AGGREGATE: Shape(
        "Aggregate",
        plural=True,
        request=(
            *_PAGE,
            _FILTER,
            Role("group_by", RoleType.NAMES_OR_MASK),
            Role("having", RoleType.STRING),
            _ORDER_BY,
            _READ_MASK,
            _SHOW_DELETED,
            Role("time_zone", RoleType.STRING),
        ),
        answer=Answer.FIELDS,
        response=(Role("rows", RoleType.GROUPS, required=True), _NEXT_PAGE_TOKEN),
        equals=True,
    ),
    MethodKind.EXISTS: Shape(
        "Exists",
        plural=True,
        request=(_FILTER, _SHOW_DELETED),
        answer=Answer.FIELDS,
        response=(Role("exists", RoleType.BOOL, required=True),),
        equals=True,
    ),
    MethodKind.UPDATE_BY_FILTER: Shape(
        "Update",
        plural=True,
        suffix="ByFilter",
        request=(_WANTED, _RESOURCE, _UPDATE_MASK, _TRANSFORMS, _MAX_ROWS, *_WRITE),
        answer=Answer.FIELDS,
        response=_CHANGED_BY_FILTER,
        equals=True,
    ),
    MethodKind.DELETE_BY_FILTER: Shape(
        "Delete",
        plural=True,
        suffix="ByFilter",
        request=(_WANTED, _MAX_ROWS, _FORCE, *_WRITE),
        answer=Answer.FIELDS,
        response=_CHANGED_BY_FILTER,
        equals=True,
    ),
    MethodKind.SEARCH: Shape(
        "Search",
        plural=True,
        request=(*SEARCHED, *_PAGE, _FILTER, _READ_MASK, _RELATIONS, _SHOW_DELETED),
        answer=Answer.FIELDS,
        response=(Role("rows", RoleType.GROUPS, required=True), _NEXT_PAGE_TOKEN),
        equals=True,
    ),
}
