"""A resource → its standard service: methods, their requests and responses, and their routes.

What a request or response holds is what gateway.schema.services.standard_methods says.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gateway.proto_files.comments import MARKED, METHODS, ROLES, ROLES_OF
from gateway.proto_files.english import plural_name
from gateway.proto_files.imports import IMPORTS
from gateway.proto_files.numbers import CommittedMessage
from gateway.proto_files.text import ProtoField, ProtoFile, ProtoMessage, ProtoMethod, Value
from gateway.schema.model import MethodKind
from gateway.schema.routes import SINGLE_VALUES
from gateway.schema.services.requirements import WITHOUT_KEY
from gateway.schema.services.row_limits import BY_FILTER
from gateway.schema.services.standard_methods import SHAPES, Answer, Keys, Role, RoleType, Streams
from gateway.schema.tables.naming import snake_case

STANDARD = tuple(kind for kind in METHODS if kind not in BY_FILTER)
"""The methods that a service has, unless others are named: not those that change what a filter finds."""
READS = (MethodKind.GET, MethodKind.LIST, MethodKind.BATCH_GET, MethodKind.COUNT, MethodKind.STREAM)
_EMPTY = "google.protobuf.Empty"
# Roles that say what another says, that cost a query more, that delete what isn't named, or that few need.
_LEFT_OUT = frozenset({"version", "total_size", "force", "relations", "transforms"})

_TYPES: Mapping[RoleType, tuple[str, str]] = {
    RoleType.STRING: ("", "string"),
    RoleType.BOOL: ("", "bool"),
    RoleType.INT32: ("", "int32"),
    RoleType.INT64: ("", "int64"),
    RoleType.COUNT: ("", "int64"),
    RoleType.MASK: ("", "google.protobuf.FieldMask"),
    RoleType.NAMES: ("repeated", "string"),
    RoleType.COUNT_MODE: ("", "rowgate.v1.CountMode"),
    RoleType.ON_CONFLICT: ("", "rowgate.v1.OnConflict"),
    RoleType.ON_DUPLICATE: ("", "rowgate.v1.OnDuplicate"),
    RoleType.FAILURES: ("repeated", "rowgate.v1.RowFailure"),
    RoleType.OUTCOMES: ("repeated", "rowgate.v1.RowOutcome"),
    RoleType.INGEST_START: ("", "rowgate.v1.IngestStart"),
}
FILES: Mapping[str, str] = {
    **IMPORTS,
    "google.protobuf.FieldMask": "google/protobuf/field_mask.proto",
    _EMPTY: "google/protobuf/empty.proto",
    "rowgate.v1.CountMode": "rowgate/v1/count.proto",
    "rowgate.v1.OnConflict": "rowgate/v1/bulk.proto",
    "rowgate.v1.OnDuplicate": "rowgate/v1/bulk.proto",
    "rowgate.v1.RowFailure": "rowgate/v1/bulk.proto",
    "rowgate.v1.RowOutcome": "rowgate/v1/bulk.proto",
    "rowgate.v1.IngestStart": "rowgate/v1/ingest.proto",
    "rowgate.v1.UnreadableValue": "rowgate/v1/unreadable.proto",
}
"""The file of each type that a resource, request or response may hold, but for those of their own."""
ROUTES_FILE = "google/api/annotations.proto"
"""What a file with routes imports."""

_BY_KEY = {MethodKind.GET: "get", MethodKind.UPDATE: "patch", MethodKind.DELETE: "delete"}


@dataclass(frozen=True, slots=True)
class ServedResource:
    """What a service needs to know of its resource.

    Args:
        package: its package.
        file: the file of its message.
        message: its message's name.
        key: the key's fields, names and types, in order.
        is_key_computed: whether requests can't set the key.
        enums: the files of the enums in its key, by full name.
        routes: what its routes begin with, as `/v1`; empty without routes.
        kinds: the methods.
        is_soft_deleted: whether its rows are marked as deleted.
        has_etag: whether it carries an etag.
        names: the methods that have names of their own.
        collection: the path of its rows, where it isn't its plural behind `routes`.

    """

    package: str
    file: str
    message: str
    key: Sequence[tuple[str, str]]
    is_key_computed: bool
    enums: Mapping[str, str]
    routes: str
    kinds: Collection[MethodKind]
    is_soft_deleted: bool = False
    has_etag: bool = False
    names: Mapping[MethodKind, str] = field(default_factory=dict)
    collection: str = ""


def names_taken(message: str) -> frozenset[str]:
    """Return the names of a package that a resource of this name takes."""
    names = [_method_name(kind, message) for kind in METHODS]
    around = [f"{name}{suffix}" for name in names for suffix in ("Request", "Response")]
    return frozenset((message, f"{message}Key", f"{message}Service", *around))


def service_file(
    resource: ServedResource, path: str, head: str, committed: Mapping[str, CommittedMessage]
) -> ProtoFile:
    """Return the file of a resource's service.

    Args:
        resource: the resource.
        path: the file's path.
        head: its first line.
        committed: the messages as they stand, by full name: their fields keep their numbers.

    """
    service = StandardService(resource)
    methods = [service.method(kind) for kind in service.kinds]
    messages = [
        *service.key_messages(),
        *(message for kind in service.kinds for message in service.messages(kind)),
    ]
    files = {**FILES, **resource.enums}
    routes = [ROUTES_FILE] if any(method.http for method in methods) else []
    return ProtoFile(
        path,
        resource.package,
        service.file_comment,
        head,
        [resource.file, *routes, *(files[name] for name in types_of(methods, messages) if name in files)],
        [numbered(message, committed.get(f"{resource.package}.{message.name}")) for message in messages],
        service=(service.name, service.comment),
        methods=methods,
    )


def types_of(methods: Iterable[ProtoMethod], messages: Iterable[ProtoMessage]) -> set[str]:
    """Return the types of which methods and messages speak."""
    fields = {one.type for message in messages for one in message.fields}
    return fields | {
        one.removeprefix("stream ") for method in methods for one in (method.request, method.response)
    }


def numbered(message: ProtoMessage, old: CommittedMessage | None = None) -> ProtoMessage:
    """Return the message with numbers, those that it had first."""
    old = old or CommittedMessage()
    names = [one.name for one in message.fields]
    numbers, (ranges, reserved) = old.numbered(names), old.reserved_without(names)
    fields = [replace(one, number=numbers[one.name]) for one in message.fields]
    return replace(message, fields=fields, reserved_numbers=ranges, reserved_names=reserved)


def _method_name(kind: MethodKind, message: str) -> str:
    shape = SHAPES[kind]
    return f"{shape.prefix}{plural_name(message) if shape.plural else message}{shape.suffix}"


class StandardService:
    """Makes the parts of a service. Fields have no numbers yet."""

    def __init__(self, resource: ServedResource) -> None:
        self._resource = resource
        self._one = snake_case(resource.message)
        self._many = snake_case(plural_name(resource.message))
        self.name = f"{resource.message}Service"
        self.comment = self._said("Reads and writes {many}.")
        self.file_comment = self._said("The calls that read and write {many}.")

    @property
    def kinds(self) -> Sequence[MethodKind]:
        """The methods that are asked for and that the resource can have, in the order of a service."""
        return [kind for kind in METHODS if kind in self._resource.kinds and self._can_have(kind)]

    def _can_have(self, kind: MethodKind) -> bool:
        has_key = bool(self._resource.key) or kind in WITHOUT_KEY
        return has_key and (kind is not MethodKind.UNDELETE or self._resource.is_soft_deleted)

    def _said(self, text: str) -> str:
        """Return a comment with the resource's nouns."""
        return text.format(one=self._one.replace("_", " "), many=self._many.replace("_", " "))

    def method(self, kind: MethodKind) -> ProtoMethod:
        """Return the declaration of a method."""
        name, streams = self.method_name(kind), SHAPES[kind].streams
        request, response = f"{name}Request", self._response(kind)
        marked = MARKED if self._resource.is_soft_deleted else {}
        return ProtoMethod(
            name,
            self._said(marked.get(kind, METHODS[kind][0])),
            f"stream {request}" if streams is Streams.BOTH else request,
            response if streams is Streams.NEITHER else f"stream {response}",
            self._route(kind),
        )

    def method_name(self, kind: MethodKind) -> str:
        """Return a method's name."""
        return self._resource.names.get(kind) or _method_name(kind, self._resource.message)

    def _response(self, kind: MethodKind) -> str:
        match self._answer(kind):
            case Answer.RESOURCE:
                return self._resource.message
            case Answer.FIELDS:
                return f"{self.method_name(kind)}Response"
        return _EMPTY

    def _answer(self, kind: MethodKind) -> Answer:
        """Return what a method answers; deletes that only mark rows answer with these."""
        marks = {Answer.EMPTY_OR_RESOURCE: Answer.RESOURCE, Answer.EMPTY_OR_FIELDS: Answer.FIELDS}
        answer = SHAPES[kind].answer
        return marks.get(answer, answer) if self._resource.is_soft_deleted else answer

    def messages(self, kind: MethodKind) -> Iterator[ProtoMessage]:
        """Yield the messages of a method: its request, and its response where that is its own."""
        yield self.request(kind)
        if self._answer(kind) is Answer.FIELDS:
            fields = self._fields(kind, SHAPES[kind].response, [])
            yield ProtoMessage(f"{self.method_name(kind)}Response", self._said(METHODS[kind][2]), fields)

    def request(self, kind: MethodKind) -> ProtoMessage:
        """Return the request of a method."""
        name = f"{self.method_name(kind)}Request"
        return ProtoMessage(name, self._said(METHODS[kind][1]), self._request_fields(kind))

    def key_messages(self) -> Iterator[ProtoMessage]:
        """Yield the message of a key of several fields."""
        if len(self._resource.key) > 1:
            yield ProtoMessage(
                f"{self._resource.message}Key", self._said("The key of one {one}."), self._key_fields()
            )

    def _key_fields(self) -> list[ProtoField]:
        comment = self._said("The `{{name}}` of the {one}.")
        return [ProtoField(name, 0, type_, comment.format(name=name)) for name, type_ in self._resource.key]

    def _request_fields(self, kind: MethodKind) -> list[ProtoField]:
        shape = SHAPES[kind]
        match shape.keys:
            case Keys.ONE:
                keys = self._key_fields()
            case Keys.MANY | Keys.MANY_OR_ITEMS:
                keys = [self._keys(kind)]
            case Keys.NONE:
                keys = []
        return self._fields(kind, shape.request, keys)

    def _keys(self, kind: MethodKind) -> ProtoField:
        """Return the field of the keys of a batch: values, or messages for a key of several fields."""
        comment = self._said("The {many}, by their keys; at most 1,000.")
        takes_items = SHAPES[kind].keys is Keys.MANY_OR_ITEMS
        if len(self._resource.key) == 1 and not (takes_items and self._resource.has_etag):
            [(name, type_)] = self._resource.key
            return ProtoField(f"{name}s", 0, type_, comment, "repeated")
        if takes_items:
            request = f"{self.method_name(MethodKind.DELETE)}Request"
            return ProtoField("requests", 0, request, comment, "repeated")
        return ProtoField("keys", 0, f"{self._resource.message}Key", comment, "repeated")

    def _fields(
        self, kind: MethodKind, roles: Sequence[Role], fields: Sequence[ProtoField]
    ) -> list[ProtoField]:
        """Return the fields with those of the roles behind them; a name that is taken isn't given twice."""
        found = {one.name: one for one in fields}
        for role in roles:
            if self._has_use(kind, role):
                field = self._role(kind, role)
                found.setdefault(field.name, field)
        return list(found.values())

    def _has_use(self, kind: MethodKind, role: Role) -> bool:
        match role.name:
            case "show_deleted":
                return self._resource.is_soft_deleted
            case "etag":  # an Update's resource carries its own
                return self._resource.has_etag and kind is not MethodKind.UPDATE
            case "allow_missing":  # asks for a row under a key, which requests may not be able to set
                return not (kind is MethodKind.UPDATE and self._resource.is_key_computed)
        return role.name not in _LEFT_OUT

    def _role(self, kind: MethodKind, role: Role) -> ProtoField:
        comment = self._said(ROLES_OF.get((kind, role.name), ROLES.get(role.name, "")))
        message = self._resource.message
        match role.type:
            case RoleType.RESOURCE:
                return ProtoField(self._one, 0, message, comment)
            case RoleType.ROWS:
                name = self._many if role.name == "rows" else role.name
                return ProtoField(name, 0, message, comment, "repeated")
            case RoleType.ITEMS:
                item = SHAPES[kind].item or kind
                return ProtoField("requests", 0, f"{self.method_name(item)}Request", comment, "repeated")
            case RoleType.KEYS:
                return replace(self._keys(kind), name=role.name, comment=comment)
        label, type_ = _TYPES[role.type]
        return ProtoField(role.name, 0, type_, comment, label)

    def _route(self, kind: MethodKind) -> dict[str, Value]:
        """Return the method's google.api.http; nothing where its key can't stand in a path."""
        if not self._resource.routes:
            return {}
        base = self._resource.collection or f"{self._resource.routes}/{self._many}"
        if kind is MethodKind.LIST:
            return {"get": base}
        if kind is MethodKind.CREATE:
            return {"post": base, "body": self._one}
        if SHAPES[kind].keys is Keys.ONE or kind is MethodKind.UPDATE:
            return self._route_by_key(kind, base)
        verb = SHAPES[kind].name[0].lower() + SHAPES[kind].name[1:]
        keys_fit = len(self._resource.key) == 1 and self._resource.key[0][1] not in IMPORTS
        by_query = kind in (MethodKind.COUNT, MethodKind.STREAM) or (
            kind is MethodKind.BATCH_GET and keys_fit
        )
        return {"get": f"{base}:{verb}"} if by_query else {"post": f"{base}:{verb}", "body": "*"}

    def _route_by_key(self, kind: MethodKind, base: str) -> dict[str, Value]:
        if not all(map(_is_single, self._resource.key)):
            return {}
        owner = f"{self._one}." if kind is MethodKind.UPDATE else ""
        path = base + "".join(f"/{{{owner}{name}}}" for name, _ in self._resource.key)
        if kind is MethodKind.UNDELETE:
            return {"post": f"{path}:undelete", "body": "*"}
        return {_BY_KEY[kind]: path, **({"body": self._one} if owner else {})}


def _is_single(key: tuple[str, str]) -> bool:
    """Return whether a field of a key is one text or number in JSON, which a path may hold."""
    return key[1] not in IMPORTS or key[1] in SINGLE_VALUES
