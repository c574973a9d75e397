"""Descriptor set → elements: each named thing with its file, line, comment and options."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeAlias

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
    SourceCodeInfo,
)

from gateway.schema.diagnostics import Element
from gateway.schema.protos.query_places import QUERY_PATH

Path: TypeAlias = tuple[int, ...]
Named: TypeAlias = (
    DescriptorProto
    | FieldDescriptorProto
    | EnumDescriptorProto
    | ServiceDescriptorProto
    | MethodDescriptorProto
)

# Field numbers of descriptor.proto: a place is a path of them (SourceCodeInfo.Location.path).
_FILE_MESSAGE, _FILE_ENUM, _FILE_SERVICE = 4, 5, 6
_MESSAGE_FIELD, _MESSAGE_NESTED, _MESSAGE_ENUM = 2, 3, 4
_SERVICE_METHOD = 2


def read_elements(files: FileDescriptorSet) -> dict[str, Element]:
    """Return every message, field, enum, service and method of the set by its full name."""
    elements: dict[str, Element] = {}
    for file in files.file:
        places: dict[Path, list[SourceCodeInfo.Location]] = {}
        for place in file.source_code_info.location:
            places.setdefault(tuple(place.path), []).append(place)
        for name, path, proto in _walk_file(file):
            own = places.get(path)
            element = _element(file.name, own[-1] if own else None, proto)
            runs = tuple(map(_run, places.get((*path, *QUERY_PATH), ())))
            elements[name] = replace(element, query=runs) if runs else element
    return elements


def _element(file: str, place: SourceCodeInfo.Location | None, proto: Named) -> Element:
    if place is None:
        return Element(file, 0, "", proto.options)
    comment = place.leading_comments or place.trailing_comments
    return Element(file, place.span[0] + 1, _clean(comment), proto.options)


def _run(place: SourceCodeInfo.Location) -> tuple[int, int, int]:
    line, first, end = place.span
    return line + 1, first + 1, end - first


def _clean(comment: str) -> str:
    lines = (line.strip() for line in comment.strip().splitlines())
    return "\n".join(line for line in lines if not line.startswith("buf:lint:")).strip()


def _walk_file(file: FileDescriptorProto) -> Iterator[tuple[str, Path, Named]]:
    prefix = f"{file.package}." if file.package else ""
    for i, message in enumerate(file.message_type):
        yield from _walk_message(message, prefix, (_FILE_MESSAGE, i))
    yield from _walk_leaves(file.enum_type, prefix, (_FILE_ENUM,))
    for i, service in enumerate(file.service):
        name, path = prefix + service.name, (_FILE_SERVICE, i)
        yield name, path, service
        yield from _walk_leaves(service.method, f"{name}.", (*path, _SERVICE_METHOD))


def _walk_message(message: DescriptorProto, prefix: str, path: Path) -> Iterator[tuple[str, Path, Named]]:
    name = prefix + message.name
    yield name, path, message
    yield from _walk_leaves(message.field, f"{name}.", (*path, _MESSAGE_FIELD))
    yield from _walk_leaves(message.enum_type, f"{name}.", (*path, _MESSAGE_ENUM))
    for i, nested in enumerate(message.nested_type):
        yield from _walk_message(nested, f"{name}.", (*path, _MESSAGE_NESTED, i))


def _walk_leaves(
    protos: Iterable[FieldDescriptorProto | EnumDescriptorProto | MethodDescriptorProto],
    prefix: str,
    path: Path,
) -> Iterator[tuple[str, Path, Named]]:
    for i, proto in enumerate(protos):
        yield prefix + proto.name, (*path, i), proto
