"""The merge of a draft with the files that stand: what the database changed is edited, and the rest is left.

A file's text is its author's. A field is declared anew only where it no longer carries its column, a comment
only where it says what a pull made up, and whatever a draft has no word for stays.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto

from gateway.proto_files.edits import Edits
from gateway.proto_files.services import (
    FILES,
    ROUTES_FILE,
    ServedResource,
    StandardService,
    names_taken,
    numbered,
)
from gateway.proto_files.text import (
    ProtoEnum,
    ProtoFile,
    ProtoMessage,
    ProtoMethod,
    enum_lines,
    message_lines,
    method_lines,
)
from gateway.pull.committed import Committed, CommittedFile
from gateway.pull.draft import Draft
from gateway.pull.merge_message import merge_enum, merge_message
from gateway.pull.merge_service import rekeyed
from gateway.pull.service_draft import ServiceDraft

_FILE = FileDescriptorProto


class _File:
    """A file that stands, as it is edited."""

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
    def is_empty(self) -> bool:
        """Whether nothing would be left in it."""
        return not self.added and {*self.messages, *self.enums, *self.services} <= self.removed

    def import_what_is_used(self, files: Mapping[str, str]) -> None:
        """Import the files of types that are used now, and those no longer that were.

        Args:
            files: the file of each type, by its full name.

        """
        before = {files[name] for name in _types(self.proto, self.messages, frozenset()) if name in files}
        after = {files[name] for name in self._types_now() if name in files}
        paths = list(self.proto.dependency)
        for index, path in enumerate(paths):
            if path in before - after:
                self.edits.remove_statement(self.edits.places((_FILE.DEPENDENCY_FIELD_NUMBER, index))[0])
        for path in sorted((after | self.imported) - {*paths, self.proto.name}):
            later = [index for index, other in enumerate(paths) if other > path]
            at = (_FILE.DEPENDENCY_FIELD_NUMBER, later[0] if later else len(paths) - 1)
            place = self.edits.places(at)[0]
            insert = self.edits.insert_line if later else self.edits.insert_after
            insert(place, f'import "{path}";')

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


def merged(drafted: Draft, committed: Committed) -> dict[str, str]:
    """Return the texts of a pull's files, by path.

    Args:
        drafted: what the database asks for.
        committed: what stands.

    """
    files = {path: _File(file) for path, file in committed.files.items()}
    homes = {f"{file.proto.package}.{name}": file for file in files.values() for name in _elements(file)}
    new = [rest for file in drafted.files for rest in _merged_file(file, files, homes)]
    for service in drafted.services:
        if service.name in homes:
            _merge_service(service, homes)
    for name in drafted.dropped_enums:
        homes[name].remove({name.rpartition(".")[2]})
    for name in drafted.dropped_tables:
        _remove_table(name, files.values(), homes)
    types = {f"{file.package}.{enum.name}": file.path for file in drafted.files for enum in file.enums}
    declared = {name: file.name for file in committed.descriptors.file for name in _declared(file)}
    for one in files.values():
        one.import_what_is_used({**FILES, **declared, **types})
    texts = {path: str(one.edits) for path, one in files.items() if not one.is_empty}
    return texts | {file.path: str(file) for file in new}


def _declared(file: FileDescriptorProto) -> Iterator[str]:
    """Yield the full names of the types that a file declares, but for those inside of others."""
    yield from (f"{file.package}.{one.name}" for one in file.message_type)
    yield from (f"{file.package}.{one.name}" for one in file.enum_type)


def _elements(file: _File) -> Iterator[str]:
    yield from (*file.messages, *file.enums, *file.services)


def _merged_file(
    draft: ProtoFile, files: Mapping[str, _File], homes: Mapping[str, _File]
) -> Iterator[ProtoFile]:
    """Merge a file of the draft; yield what of it is a file that isn't there yet."""
    if draft.service is not None:
        yield draft
        return
    elements: list[ProtoMessage | ProtoEnum] = [*draft.enums, *draft.messages]
    new = [one for one in elements if f"{draft.package}.{one.name}" not in homes]
    for one in elements:
        if one not in new:
            homes[f"{draft.package}.{one.name}"].merge(one)
    if draft.path in files:
        for one in new:
            files[draft.path].add(one)
    elif new:
        yield replace(
            draft,
            messages=[one for one in draft.messages if one in new],
            enums=[one for one in draft.enums if one in new],
        )


def _merge_service(service: ServiceDraft, homes: Mapping[str, _File]) -> None:
    """Let a service's messages follow its key, and take away the methods that are offered no more."""
    package = service.served.package
    if service.before is not None:
        before, after = map(_messages_of, (service.before, service.served))
        stand = {one.name: homes[name] for one in before if (name := f"{package}.{one.name}") in homes}
        protos = {name: file.proto.message_type[file.messages[name]] for name, file in stand.items()}
        for message in rekeyed(protos, before, after):
            stand[message.name].merge(message)
    home, standard = homes[service.name], StandardService(service.served)
    home.remove_methods(standard.name, {standard.method_name(kind) for kind in service.dropped})
    names = {one.name for one in home.proto.service[home.services[standard.name]].method}
    for kind in service.added:
        if standard.method_name(kind) not in names:
            home.add_method(standard.name, standard.method(kind))
            home.add_messages([*standard.key_messages(), *standard.messages(kind)])


def _messages_of(resource: ServedResource) -> list[ProtoMessage]:
    standard = StandardService(resource)
    of_methods = (message for kind in standard.kinds for message in standard.messages(kind))
    return [*standard.key_messages(), *of_methods]


def _remove_table(message: str, files: Iterable[_File], homes: Mapping[str, _File]) -> None:
    """Take a table's message away, and its service: with its file, where that holds no other."""
    package, _, name = message.rpartition(".")
    homes[message].remove({name})
    for file in files:
        if file.proto.package == package and f"{name}Service" in file.services:
            is_alone = len(file.services) == 1
            file.remove({*_elements(file)} if is_alone else names_taken(name))
