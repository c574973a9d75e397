"""A resource → its service: the standard methods, their requests and responses, and their routes.

What a request or response holds is what gateway.schema.services.standard_methods says; here are the words
for it. Nothing here knows of a catalog.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.pull.columns import IMPORTS
from gateway.pull.committed import CommittedMessage
from gateway.pull.names import plural_name
from gateway.pull.proto_text import ProtoField, ProtoFile, ProtoMessage, ProtoMethod, Value
from gateway.schema.model import MethodKind
from gateway.schema.routes import SINGLE_VALUES
from gateway.schema.services.standard_methods import SHAPES, Answer, Keys, Role, RoleType, Streams
from gateway.schema.tables.naming import snake_case

READS = (MethodKind.GET, MethodKind.LIST, MethodKind.BATCH_GET, MethodKind.COUNT, MethodKind.STREAM)
WRITES: Mapping[MethodKind, frozenset[str]] = {
    MethodKind.CREATE: frozenset({"INSERT"}),
    MethodKind.UPDATE: frozenset({"UPDATE"}),
    MethodKind.DELETE: frozenset({"DELETE"}),
    MethodKind.BATCH_CREATE: frozenset({"INSERT"}),
    MethodKind.BATCH_UPDATE: frozenset({"UPDATE"}),
    MethodKind.BATCH_DELETE: frozenset({"DELETE"}),
    MethodKind.BULK_UPSERT: frozenset({"INSERT", "UPDATE"}),
    MethodKind.INGEST: frozenset({"INSERT", "UPDATE"}),
}
"""What a role must be allowed to do for each method that writes."""

_EMPTY = "google.protobuf.Empty"
# Roles that need what a resource may not have, that cost a query more, or that delete what isn't named.
_LEFT_OUT = frozenset({"show_deleted", "etag", "version", "total_size", "force"})

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
_FILES: Mapping[str, str] = {
    **IMPORTS,
    "google.protobuf.FieldMask": "google/protobuf/field_mask.proto",
    _EMPTY: "google/protobuf/empty.proto",
    "rowgate.v1.CountMode": "rowgate/v1/count.proto",
    "rowgate.v1.OnConflict": "rowgate/v1/bulk.proto",
    "rowgate.v1.OnDuplicate": "rowgate/v1/bulk.proto",
    "rowgate.v1.RowFailure": "rowgate/v1/bulk.proto",
    "rowgate.v1.RowOutcome": "rowgate/v1/bulk.proto",
    "rowgate.v1.IngestStart": "rowgate/v1/ingest.proto",
}

# Of each method, what it does, its request and its response; `one` and `many` are the resource's nouns.
_METHODS: Mapping[MethodKind, tuple[str, str, str]] = {
    MethodKind.GET: ("One {one} by its key.", "Asks for one {one}.", ""),
    MethodKind.LIST: (
        "The {many} in pages, filtered and ordered.",
        "Asks for a page of {many}.",
        "A page of {many}.",
    ),
    MethodKind.CREATE: ("A new {one}.", "Asks for a new {one}.", ""),
    MethodKind.UPDATE: ("Some fields of one {one}.", "Asks for a change of one {one}.", ""),
    MethodKind.DELETE: ("Deletes one {one}.", "Asks to delete one {one}.", ""),
    MethodKind.BATCH_GET: (
        "The {many} of some keys, in the order of the request.",
        "Asks for {many} by key.",
        "The {many} asked for.",
    ),
    MethodKind.BATCH_CREATE: ("New {many}: all or none.", "Asks for new {many}.", "The new {many}."),
    MethodKind.BATCH_UPDATE: (
        "Changes to {many}, each with its own mask: all or none.",
        "Asks for changes of {many}.",
        "The changed {many}.",
    ),
    MethodKind.BATCH_DELETE: ("Deletes {many}: all or none.", "Asks to delete {many}.", ""),
    MethodKind.COUNT: (
        "How many {many} there are.",
        "Asks how many {many} there are.",
        "How many {many} there are.",
    ),
    MethodKind.BULK_UPSERT: (
        "Inserts or updates many {many} in one call.",
        "Asks to insert or update {many}.",
        "What became of the rows.",
    ),
    MethodKind.STREAM: (
        "All {many} that a filter finds, in chunks, at the client's pace.",
        "Asks for a stream of {many}.",
        "A chunk of {many}.",
    ),
    MethodKind.INGEST: (
        "Inserts or updates {many}, chunk by chunk; a stream that broke off is resumed.",
        "A chunk of {many}, or the start before the first.",
        "How far the stream has come. It is on disk.",
    ),
}
_ROLES: Mapping[str, str] = {
    "read_mask": "The fields to return; all without it.",
    "page_size": "The page's size: 50 where it is 0, 1,000 at most.",
    "page_token": "`next_page_token` of the page before; every other field as it was then.",
    "filter": "Which {many}, in the filter language of AIP-160.",
    "order_by": "Field names divided by commas, each with ` desc` or without (AIP-132).",
    "next_page_token": "Asks for the next page; empty on the last one.",
    "resource": "The {one}.",
    "rows": "The {many}, in order.",
    "requests": "One request each, at most 1,000.",
    "missing": "The keys that no {one} has.",
    "request_id": "Names the call: sent again with the same name, it is carried out once (AIP-155). A UUID.",
    "validate_only": "Checks the request and writes nothing (AIP-163).",
    "update_mask": "The fields to change: those that are set without it, `*` for all (AIP-134).",
    "allow_missing": "Whether it is no error that there is no such {one}.",
    "mode": "Counted row by row, or estimated by the planner.",
    "count": "The number of {many}.",
    "estimated": "Whether the number is the planner's estimate.",
    "conflict_target": (
        "The fields of the unique key that tells whether a row is there already. Default: the primary key."
    ),
    "on_conflict": "What happens to a row that is there already.",
    "on_duplicate": "What happens when the request holds a key twice.",
    "partial_failure": "Writes the good rows when some are bad, and tells the bad ones in `failures`.",
    "outcomes": "What became of each row, in the order of the request, where that was asked for.",
    "inserted_count": "Rows that were new.",
    "updated_count": "Stored rows that were changed.",
    "unchanged_count": "Stored rows that were equal already.",
    "ignored_count": "Rows left out because their key was there, as was asked.",
    "superseded_count": "Rows left out because a later row has their key.",
    "failed_count": "Rows that were refused.",
    "failures": "Each refused row: its index, and why.",
    "resume_token": "Asks for what follows the chunk that it came with; every other field as it was then.",
    "start": "In the first message alone: which stream this is, and how rows are written.",
    "sequence": "The chunk's number in its stream, from 1, without a gap.",
    "watermark": "The number of the last chunk that is stored.",
}
_SPECIAL: Mapping[tuple[MethodKind, str], str] = {
    (MethodKind.UPDATE, "resource"): "The {one}'s key, and its new values.",
    (MethodKind.UPDATE, "allow_missing"): "Creates the {one} where there is none.",
}
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
        routes: what its routes begin with, as `/v1`.
        kinds: the methods.

    """

    package: str
    file: str
    message: str
    key: Sequence[tuple[str, str]]
    is_key_computed: bool
    enums: Mapping[str, str]
    routes: str
    kinds: Collection[MethodKind]


def names_taken(message: str) -> frozenset[str]:
    """Return the names of a package that a resource of this name takes."""
    names = [_method_name(kind, message) for kind in _METHODS]
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
    built = _Service(resource)
    kinds = [kind for kind in _METHODS if kind in resource.kinds]
    methods = [built.method(kind) for kind in kinds]
    messages = [*built.key_messages(), *(message for kind in kinds for message in built.messages(kind))]
    types = {one.type for message in messages for one in message.fields} | {one.response for one in methods}
    files = {**_FILES, **resource.enums}
    routes = ["google/api/annotations.proto"] if any(method.http for method in methods) else []
    return ProtoFile(
        path,
        resource.package,
        built.said("The calls that read and write {many}."),
        head,
        [resource.file, *routes, *(files[name] for name in types if name in files)],
        [_numbered(message, committed.get(f"{resource.package}.{message.name}")) for message in messages],
        service=(f"{resource.message}Service", built.said("Reads and writes {many}.")),
        methods=methods,
    )


def _numbered(message: ProtoMessage, old: CommittedMessage | None) -> ProtoMessage:
    """Return the message with numbers, those that it had first."""
    old = old or CommittedMessage()
    names = [one.name for one in message.fields]
    numbers, (ranges, reserved) = old.numbered(names), old.reserved_without(names)
    fields = [replace(one, number=numbers[one.name]) for one in message.fields]
    return replace(message, fields=fields, reserved_numbers=ranges, reserved_names=reserved)


def _method_name(kind: MethodKind, message: str) -> str:
    shape = SHAPES[kind]
    return shape.prefix + (plural_name(message) if shape.plural else message)


class _Service:
    """Makes the parts of a service. Fields have no numbers yet."""

    def __init__(self, resource: ServedResource) -> None:
        self._resource = resource
        self._one = snake_case(resource.message)
        self._many = snake_case(plural_name(resource.message))

    def said(self, text: str) -> str:
        """Return a comment with the resource's nouns."""
        return text.format(one=self._one.replace("_", " "), many=self._many.replace("_", " "))

    def method(self, kind: MethodKind) -> ProtoMethod:
        """Return the declaration of a method."""
        name, streams = _method_name(kind, self._resource.message), SHAPES[kind].streams
        request, response = f"{name}Request", self._response(kind)
        return ProtoMethod(
            name,
            self.said(_METHODS[kind][0]),
            f"stream {request}" if streams is Streams.BOTH else request,
            response if streams is Streams.NEITHER else f"stream {response}",
            self._route(kind),
        )

    def _response(self, kind: MethodKind) -> str:
        match SHAPES[kind].answer:
            case Answer.RESOURCE:
                return self._resource.message
            case Answer.FIELDS:
                return f"{_method_name(kind, self._resource.message)}Response"
        return _EMPTY

    def messages(self, kind: MethodKind) -> Iterator[ProtoMessage]:
        """Yield the messages of a method: its request, and its response where that is its own."""
        shape, name = SHAPES[kind], _method_name(kind, self._resource.message)
        _, request, response = _METHODS[kind]
        yield ProtoMessage(f"{name}Request", self.said(request), self._request_fields(kind))
        if shape.answer is Answer.FIELDS:
            fields = self._fields(kind, shape.response, [])
            yield ProtoMessage(f"{name}Response", self.said(response), fields)

    def key_messages(self) -> Iterator[ProtoMessage]:
        """Yield the message of a key of several fields."""
        if len(self._resource.key) > 1:
            yield ProtoMessage(
                f"{self._resource.message}Key", self.said("The key of one {one}."), self._key_fields()
            )

    def _key_fields(self) -> list[ProtoField]:
        comment = self.said("The `{{name}}` of the {one}.")
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
        comment = self.said("The {many}, by their keys; at most 1,000.")
        if len(self._resource.key) == 1:
            [(name, type_)] = self._resource.key
            return ProtoField(f"{name}s", 0, type_, comment, "repeated")
        if SHAPES[kind].keys is Keys.MANY_OR_ITEMS:
            request = f"Delete{self._resource.message}Request"
            return ProtoField("requests", 0, request, comment, "repeated")
        return ProtoField("keys", 0, f"{self._resource.message}Key", comment, "repeated")

    def _fields(
        self, kind: MethodKind, roles: Sequence[Role], fields: Sequence[ProtoField]
    ) -> list[ProtoField]:
        """Return the fields with those of the roles behind them; a name that is taken isn't given twice."""
        found = {one.name: one for one in fields}
        for role in roles:
            if role.name not in _LEFT_OUT and not self._is_pointless(kind, role):
                field = self._role(kind, role)
                found.setdefault(field.name, field)
        return list(found.values())

    def _is_pointless(self, kind: MethodKind, role: Role) -> bool:
        """Return whether the role asks for a row under a key that requests can't set."""
        creates = kind is MethodKind.UPDATE and role.name == "allow_missing"
        return creates and self._resource.is_key_computed

    def _role(self, kind: MethodKind, role: Role) -> ProtoField:
        comment = self.said(_SPECIAL.get((kind, role.name), _ROLES.get(role.name, "")))
        message = self._resource.message
        match role.type:
            case RoleType.RESOURCE:
                return ProtoField(self._one, 0, message, comment)
            case RoleType.ROWS:
                return ProtoField(self._many, 0, message, comment, "repeated")
            case RoleType.ITEMS:
                item = SHAPES[kind].item or kind
                return ProtoField("requests", 0, f"{_method_name(item, message)}Request", comment, "repeated")
            case RoleType.KEYS:
                return replace(self._keys(kind), name=role.name, comment=comment)
        label, type_ = _TYPES[role.type]
        return ProtoField(role.name, 0, type_, comment, label)

    def _route(self, kind: MethodKind) -> dict[str, Value]:
        """Return the method's google.api.http; nothing where its key can't stand in a path."""
        base = f"{self._resource.routes}/{self._many}"
        if kind is MethodKind.LIST:
            return {"get": base}
        if kind is MethodKind.CREATE:
            return {"post": base, "body": self._one}
        if kind in _BY_KEY and not all(map(_is_single, self._resource.key)):
            return {}
        if kind in _BY_KEY:
            owner = f"{self._one}." if kind is MethodKind.UPDATE else ""
            path = "".join(f"/{{{owner}{name}}}" for name, _ in self._resource.key)
            return {_BY_KEY[kind]: base + path, **({"body": self._one} if owner else {})}
        verb = SHAPES[kind].prefix[0].lower() + SHAPES[kind].prefix[1:]
        keys_fit = len(self._resource.key) == 1 and self._resource.key[0][1] not in IMPORTS
        by_query = kind in (MethodKind.COUNT, MethodKind.STREAM) or (
            kind is MethodKind.BATCH_GET and keys_fit
        )
        return {"get": f"{base}:{verb}"} if by_query else {"post": f"{base}:{verb}", "body": "*"}


def _is_single(key: tuple[str, str]) -> bool:
    """Return whether a field of a key is one text or number in JSON, which a path may hold."""
    return key[1] not in IMPORTS or key[1] in SINGLE_VALUES
