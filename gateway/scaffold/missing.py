"""A resource's standard service compared with what its author wrote: which parts are missing.

What is there is recognised as `rowgate serve` does it, by the part that it plays, whatever it is called.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto

from gateway.proto_files.numbers import read_numbers
from gateway.proto_files.services import ServedResource, StandardService, numbered
from gateway.proto_files.text import ProtoField, ProtoMessage, ProtoMethod
from gateway.schema.diagnostics import Diagnostics
from gateway.schema.model import MethodKind, Resource
from gateway.schema.protos.options import http_rule, method_options
from gateway.schema.read import Declared
from gateway.schema.routes import Route, read_routes
from gateway.schema.services.recognise import recognise
from gateway.schema.services.standard_methods import SHAPES


@dataclass(frozen=True, slots=True)
class Written:
    """What there is of a resource's service.

    Args:
        service: the service, if there is one.
        methods: its methods, by kind.
        messages: all of its package that are no tables, by name.
        has_routes: whether some method has a route, or there is none yet.
        collection: the path of the rows, if List or Create has one.

    """

    service: ServiceDescriptor | None
    methods: Mapping[MethodKind, MethodDescriptor]
    messages: Mapping[str, Descriptor]
    has_routes: bool
    collection: str

    @property
    def names(self) -> Mapping[MethodKind, str]:
        """The methods' names."""
        return {kind: method.name for kind, method in self.methods.items()}


@dataclass(frozen=True, slots=True)
class Missing:
    """The parts of a resource's service in their order, and what is missing of each.

    Args:
        service: its name and comment.
        file_comment: what a file of it would say.
        methods: by name; None for those that are there.
        messages: likewise, with numbers.
        fields: of the messages that are there, those that lack some.

    """

    service: tuple[str, str]
    file_comment: str
    methods: Mapping[str, ProtoMethod | None]
    messages: Mapping[str, ProtoMessage | None]
    fields: Mapping[str, Sequence[ProtoField]]


def read_written(resource: Resource, declared: Declared) -> Written:
    """Return what there is of a resource's service in its package."""
    files = [file for file in declared.files if file.package == resource.message.file.package]
    services = [service for file in files for service in file.services_by_name.values()]
    # Names decide; what is wrong with a method is for the rules of schemas to say.
    ignored = Diagnostics(declared.diagnostics.elements)
    found: dict[MethodKind, MethodDescriptor] = {}
    for method in (method for service in services for method in service.methods):
        options = method_options(method.full_name, ignored)
        if options.HasField("sql") or options.handler:
            continue
        known = recognise(method, declared.resources, ignored)
        if known is not None and known[1] is resource:
            found.setdefault(known[0], method)
    named = [one for one in services if one.name == f"{resource.name}Service"]
    holding = [method.containing_service for method in found.values()]
    messages = {
        name: one
        for file in files
        for name, one in file.message_types_by_name.items()
        if one.full_name not in declared.resources
    }
    routes = {kind: read_routes(http_rule(method.full_name, ignored)) for kind, method in found.items()}
    return Written(
        next(iter([*named, *holding]), None),
        found,
        messages,
        any(routes.values()) or not routes,
        _collection([*routes.get(MethodKind.LIST, ()), *routes.get(MethodKind.CREATE, ())]),
    )


def _collection(routes: Iterable[Route]) -> str:
    """Return the path of rows that aren't those of another row."""
    templates = (route.template for route in routes)
    return next((one.text for one in templates if not one.variables and not one.verb), "")


def read_missing(resource: Resource, served: ServedResource, written: Written) -> Missing:
    """Return the parts of a resource's service.

    Args:
        resource: the resource.
        served: the same, with the methods that are asked for.
        written: what there is.

    """
    kinds = {*served.kinds, *written.methods}
    asked = replace(served, kinds=kinds, names=written.names, collection=written.collection)
    standard = StandardService(asked)
    known = written.messages
    wanted = list(_messages(standard, written))
    added = [
        _missing_fields(one, known[one.name], resource) if one.name in known else one.fields for one in wanted
    ]
    keys = [one for one in standard.key_messages() if one.name in known or _is_used(one.name, added)]
    messages = [*keys, *wanted]
    return Missing(
        (written.service.name if written.service else standard.name, standard.comment),
        standard.file_comment,
        {
            standard.method_name(kind): None if kind in written.methods else standard.method(kind)
            for kind in standard.kinds
        },
        {one.name: None if one.name in known else numbered(one) for one in messages},
        {
            one.name: fields
            for one in messages
            if one.name in known and (fields := _missing_fields(one, known[one.name], resource))
        },
    )


def _is_used(name: str, messages: Iterable[Iterable[ProtoField]]) -> bool:
    return any(field.type == name for fields in messages for field in fields)


def _messages(standard: StandardService, written: Written) -> Iterator[ProtoMessage]:
    """Yield the messages of the methods, but for those in whose place a method has others."""
    kinds = standard.kinds
    for kind in kinds:
        for message in standard.messages(kind):
            if kind not in written.methods or message.name in written.messages:
                yield message
        item = SHAPES[kind].item
        if item is not None and item not in kinds:
            request = standard.request(item)
            if _is_used(request.name, (message.fields for message in standard.messages(kind))):
                yield request


def _missing_fields(wanted: ProtoMessage, message: Descriptor, resource: Resource) -> list[ProtoField]:
    """Return the fields that a message lacks, with numbers; a name that it reserves isn't missed."""
    proto = DescriptorProto()
    message.CopyToProto(proto)
    lacking = [
        one
        for one in wanted.fields
        if one.name not in {*message.fields_by_name, *proto.reserved_name}
        and not _is_played(one, message, resource)
    ]
    numbers = read_numbers(proto).numbered([*message.fields_by_name, *(one.name for one in lacking)])
    return [replace(one, number=numbers[one.name]) for one in lacking]


def _is_played(wanted: ProtoField, message: Descriptor, resource: Resource) -> bool:
    """Return whether a field of another name plays the part: the resource, its rows, or keys."""
    is_repeated = wanted.label == "repeated"
    if wanted.type == resource.name:
        return any(
            one.message_type is resource.message and one.is_repeated == is_repeated for one in message.fields
        )
    names = {
        "keys",
        "requests",
        *(name for key in resource.key_fields for name in (key.name, f"{key.name}s")),
    }
    return (
        is_repeated
        and wanted.name in names
        and any(one.is_repeated and one.name in names for one in message.fields)
    )
