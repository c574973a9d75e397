"""A file that stands, as it is edited: its elements are merged, added and removed, and its imports follow."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, MethodDescriptorProto

from gateway.proto_files.edits import Edits, Path
from gateway.proto_files.imports import add_imports
from gateway.proto_files.options import values_of
from gateway.proto_files.services import FILES, ROUTES_FILE, numbered
from gateway.proto_files.text import (
    ProtoEnum,
    ProtoMessage,
    ProtoMethod,
    enum_lines,
    message_lines,
    method_lines,
    route_option,
)
from gateway.pull.earlier.committed import CommittedFile
from gateway.pull.merge.messages import merge_enum, merge_message

_FILE = FileDescriptorProto


class EditedFile:
    """A file that stands, as it is edited.

    Args:
        file: as it stands.

    """

    def __init__(self, file: CommittedFile) -> None:
        self.proto = file.proto
        self.edits = Edits(file.text, file.proto)
        self.messages = {one.name: index for index, one in enumerate(file.proto.message_type)}
        self.enums = {one.name: index for index, one in enumerate(file.proto.enum_type)}
        self.services = {one.name: index for index, one in enumerate(file.proto.service)}
        self.added: list[ProtoMessage | ProtoEnum] = []
        self.drafted: dict[str, ProtoMessage] = {}
        self.removed: set[str] = set()
        self.imported: set[str] = set()

    def merge(self, element: ProtoMessage | ProtoEnum) -> None:
        """Edit an element of the file."""
        if isinstance(element, ProtoEnum):
            index = self.enums[element.name]
            path = (_FILE.ENUM_TYPE_FIELD_NUMBER, index)
            merge_enum(self.edits, path, self.proto.enum_type[index], element)
            return
        index = self.messages[element.name]
        path = (_FILE.MESSAGE_TYPE_FIELD_NUMBER, index)
        merge_message(self.edits, path, self.proto.message_type[index], element, self.proto.package)
        self.drafted[element.name] = element

    def add(self, element: ProtoMessage | ProtoEnum) -> None:
        """Put a new element at the end."""
        if isinstance(element, ProtoEnum):
            lines = enum_lines(element)
        else:
            lines = message_lines(element, self.proto.package)
        self.edits.append("\n".join(lines))
        self.added.append(element)

    def remove(self, names: Collection[str]) -> None:
        """Take elements away."""
        kinds = (
            (_FILE.MESSAGE_TYPE_FIELD_NUMBER, self.messages),
            (_FILE.ENUM_TYPE_FIELD_NUMBER, self.enums),
            (_FILE.SERVICE_FIELD_NUMBER, self.services),
        )
        for number, elements in kinds:
            for name in elements.keys() & set(names):
                self.edits.remove((number, elements[name]))
                self.removed.add(name)

    def add_messages(self, messages: Iterable[ProtoMessage]) -> None:
        """Put those of some messages at the end that the file hasn't."""
        names = {*self.messages, *(one.name for one in self.added)}
        for message in messages:
            if message.name not in names:
                self.add(numbered(message))

    def add_method(self, service: str, method: ProtoMethod) -> None:
        """Put a method at the end of a service."""
        path = (_FILE.SERVICE_FIELD_NUMBER, self.services[service])
        self.edits.append_inside(path, "\n".join(method_lines(method)))
        types = {one.removeprefix("stream ") for one in (method.request, method.response)}
        self.imported |= {FILES[name] for name in types if name in FILES}
        self.imported |= {ROUTES_FILE} if method.http else set()

    def reroute(self, service: str, before: Iterable[ProtoMethod], after: Iterable[ProtoMethod]) -> None:
        """Let the routes of methods follow a key, but for those that their author gave them."""
        index = self.services[service]
        was, becomes = ({one.name: one for one in methods} for methods in (before, after))
        for number, method in enumerate(self.proto.service[index].method):
            old, new = was.get(method.name), becomes.get(method.name)
            stands = values_of(method.options.Extensions[annotations_pb2.http])
            if old and new and old.http != new.http and stands == old.http:
                self._reroute((_FILE.SERVICE_FIELD_NUMBER, index, 2, number), new)

    def _reroute(self, path: Path, method: ProtoMethod) -> None:
        """Give a method another route, or none; its other options stay."""
        options = (*path, MethodDescriptorProto.OPTIONS_FIELD_NUMBER)
        route = (*options, annotations_pb2.HTTP_FIELD_NUMBER)
        said, has_others = self.edits.options(route), self.edits.has_others(options, route)
        self.imported |= {ROUTES_FILE} if method.http else set()
        if not has_others and not (said and method.http):
            lines = method_lines(replace(method, comment=""))
            self.edits.replace(self.edits.places(path)[0], "\n".join(lines).strip())
            return
        if not said:
            self.edits.append_inside(path, f"    {route_option(method.http)}")
        for number, place in enumerate(said):
            if number == 0 and method.http:
                self.edits.replace(place, route_option(method.http))
            else:
                self.edits.remove_statement(place)

    def remove_methods(self, service: str, names: Collection[str]) -> None:
        """Take methods of a service away, and their requests and responses, which no other has."""
        index = self.services[service]
        methods = list(enumerate(self.proto.service[index].method))
        left = {
            type_
            for _, one in methods
            if one.name not in names
            for type_ in (one.input_type, one.output_type)
        }
        for number, method in methods:
            if method.name in names:
                self.edits.remove((_FILE.SERVICE_FIELD_NUMBER, index, 2, number))
                self.removed.add(method.name)
                own = {f"{method.name}Request", f"{method.name}Response"}
                self.remove({one for one in own if f".{self.proto.package}.{one}" not in left})

    @property
    def elements(self) -> frozenset[str]:
        """The names of what stood in it."""
        return frozenset((*self.messages, *self.enums, *self.services))

    @property
    def is_empty(self) -> bool:
        """Whether nothing would be left in it."""
        return not self.added and self.elements <= self.removed

    def import_what_is_used(self, files: Mapping[str, str]) -> None:
        """Import the files of types that are used now, and those no longer that were.

        Args:
            files: the file of each type, by its full name.

        """
        before = {files[name] for name in _types(self.proto, self.messages, frozenset()) if name in files}
        after = {files[name] for name in self._types_now() if name in files}
        for index, path in enumerate(self.proto.dependency):
            if path in before - after:
                self.edits.remove_statement(self.edits.places((_FILE.DEPENDENCY_FIELD_NUMBER, index))[0])
        add_imports(self.edits, self.proto, after | self.imported)

    def _types_now(self) -> Iterator[str]:
        """Yield the types that fields and methods have now."""
        for message in (*self.added, *self.drafted.values()):
            if isinstance(message, ProtoMessage):
                yield from (one.type for one in message.fields)
        left = set(self.messages) - self.drafted.keys() - self.removed
        yield from _types(self.proto, left, self.removed)


def _types(file: FileDescriptorProto, messages: Collection[str], without: Collection[str]) -> Iterator[str]:
    """Yield the types of some messages' fields, and of the methods of services but for some of either."""
    yield from _field_types(one for one in file.message_type if one.name in messages)
    for service in (one for one in file.service if one.name not in without):
        for method in (one for one in service.method if one.name not in without):
            yield from (method.input_type.removeprefix("."), method.output_type.removeprefix("."))


def _field_types(messages: Iterable[DescriptorProto]) -> Iterator[str]:
    for message in messages:
        yield from (one.type_name.removeprefix(".") for one in message.field)
        yield from _field_types(message.nested_type)
