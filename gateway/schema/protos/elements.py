"""Descriptor set → elements: each named thing with its file, line, comment and options."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
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

from gateway.schema.diagnostics import Element, Place
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
        places = _Places(file.source_code_info)
        for name, path, proto in _walk_file(file):
            elements[name] = Element(file.name, proto.options, partial(places.of, path))
    return elements


class _Places:
    """Where the elements of a file stand; sorted out at the first question, which few files are asked."""

    def __init__(self, source: SourceCodeInfo) -> None:
        self._source = source

    def of(self, path: Path) -> Place:
        """Return the place of an element."""
        found = self._by_path.get(path)
        line, comment = (found[-1].span[0] + 1, _comment(found[-1])) if found else (0, "")
        return Place(line, comment, tuple(map(_run, self._by_path.get((*path, *QUERY_PATH), ()))))

    @cached_property
    def _by_path(self) -> Mapping[Path, Sequence[SourceCodeInfo.Location]]:
        found = defaultdict[Path, list[SourceCodeInfo.Location]](list)
        for location in self._source.location:
            found[tuple(location.path)].append(location)
        return found


def _comment(location: SourceCodeInfo.Location) -> str:
    comment = location.leading_comments or location.trailing_comments
    lines = (line.strip() for line in comment.strip().splitlines())
    return "\n".join(line for line in lines if not line.startswith("buf:lint:")).strip()


def _run(location: SourceCodeInfo.Location) -> tuple[int, int, int]:
    line, first, end = location.span
    return line + 1, first + 1, end - first


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
