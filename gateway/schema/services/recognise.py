"""Recognition of an RPC's standard method and resource: by annotation, else by name and types."""

from collections.abc import Iterator, Mapping

from google.protobuf.descriptor import MethodDescriptor
from rowgate.v1 import annotations_pb2

from gateway.schema.diagnostics import Diagnostics, suggestion
from gateway.schema.model import MethodKind, Resource
from gateway.schema.protos.options import method_options
from gateway.schema.services.plurals import plurals
from gateway.schema.services.standard_methods import SHAPES, Streams

# Longest first: `BatchGetFlights` is no Get, and `DeleteFlightsByFilter` no Delete.
_BY_NAME = sorted(SHAPES, key=lambda kind: -len(SHAPES[kind].name))

_BY_NUMBER = {annotations_pb2.MethodKind.Value(f"METHOD_KIND_{kind.name}"): kind for kind in MethodKind}


def recognise(
    method: MethodDescriptor, resources: Mapping[str, Resource], diagnostics: Diagnostics
) -> tuple[MethodKind, Resource] | None:
    """Return the method's kind and resource; None, with a diagnostic noted, where either can't be told."""
    options = method_options(method.full_name, diagnostics)
    kind = _kind(method, options)
    if kind is None and options.kind:
        names = ", ".join(annotations_pb2.MethodKind.keys()[1:])
        diagnostics.add(method.full_name, f"there is no kind {options.kind}", f"use {names}")
        return None
    if kind is None:
        names = ", ".join(f"{shape.prefix}…{shape.suffix}" for shape in SHAPES.values())
        right = f"name it {names}, or say which it is by option (rowgate.v1.method).kind"
        diagnostics.add(method.full_name, "is no standard method", right)
        return None
    streams = SHAPES[kind].streams
    if Streams.of(method) is not streams:
        wrong = "streams" if method.client_streaming or method.server_streaming else "doesn't stream"
        diagnostics.add(method.full_name, wrong, f"{kind.value} {streams.value}")
    resource = _resource(method, kind, options, resources)
    if resource is None:
        wanted = options.resource or SHAPES[kind].subject(method.name)
        known = suggestion(wanted, [one.name for one in resources.values()])
        option = "option (rowgate.v1.method).resource names it where the method's name doesn't"
        right = "\n  ".join(filter(None, (known, option)))
        diagnostics.add(method.full_name, f'works on no known resource ("{wanted}")', right)
        return None
    return kind, resource


def _kind(method: MethodDescriptor, options: annotations_pb2.MethodOptions) -> MethodKind | None:
    if options.kind:
        return _BY_NUMBER.get(options.kind)
    return next((kind for kind in _BY_NAME if SHAPES[kind].names(method.name)), None)


def _resource(
    method: MethodDescriptor,
    kind: MethodKind,
    options: annotations_pb2.MethodOptions,
    resources: Mapping[str, Resource],
) -> Resource | None:
    package = method.containing_service.file.package
    if options.resource:
        return _by_name([options.resource], package, resources)
    return _by_types(method, resources) or _by_name(_names(method, kind, resources), package, resources)


def _by_types(method: MethodDescriptor, resources: Mapping[str, Resource]) -> Resource | None:
    found = {name for name in _messages(method) if name in resources}
    return resources[found.pop()] if len(found) == 1 else None


def _messages(method: MethodDescriptor) -> Iterator[str]:
    yield method.output_type.full_name
    for message in (method.output_type, method.input_type):
        yield from (
            field.message_type.full_name for field in message.fields if field.message_type is not None
        )


def _names(method: MethodDescriptor, kind: MethodKind, resources: Mapping[str, Resource]) -> list[str]:
    shape = SHAPES[kind]
    rest = shape.subject(method.name)
    if not shape.plural:
        return [rest]
    return [resource.name for resource in resources.values() if rest in plurals(resource.name)]


def _by_name(names: list[str], package: str, resources: Mapping[str, Resource]) -> Resource | None:
    for name in names:
        for full_name in (f"{package}.{name}", name):
            if full_name in resources:
                return resources[full_name]
    found = [resource for resource in resources.values() if resource.name in names]
    return found[0] if len(found) == 1 else None
