"""The files of a scaffold: what is missing is put at its place, and all else stays byte for byte."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from google.protobuf.descriptor_pb2 import FileDescriptorProto

from gateway.proto_files.edits import Edits, Path
from gateway.proto_files.imports import add_imports
from gateway.proto_files.language_options import written_options
from gateway.proto_files.services import FILES, ROUTES_FILE, types_of
from gateway.proto_files.text import (
    ProtoField,
    ProtoFile,
    ProtoMessage,
    ProtoMethod,
    field_lines,
    message_lines,
    method_lines,
    service_lines,
)
from gateway.scaffold.missing import Missing

HEAD = "Written by `rowgate scaffold`, which adds what is missing and keeps what you change here."
# Field numbers of descriptor.proto, of which SourceCodeInfo's paths are made.
_MESSAGE, _SERVICE, _METHOD = 4, 6, 2


@dataclass(frozen=True, slots=True)
class File:
    """A file as it stands: its text, and its descriptor with places."""

    text: str
    proto: FileDescriptorProto


class Files:
    """Files, to which parts are added.

    Args:
        files: those that there are, by path.
        elements: the file of each message and enum, by full name.

    """

    def __init__(self, files: Mapping[str, File], elements: Mapping[str, str]) -> None:
        self._files = files
        self._elements = elements
        self._edits = {path: Edits(file.text, file.proto) for path, file in files.items()}
        self._imports: defaultdict[str, set[str]] = defaultdict(set)
        self._new: dict[str, ProtoFile] = {}

    def add(self, missing: Missing, path: str, resource: str) -> None:
        """Add what is missing of a service.

        Args:
            missing: the service's parts.
            path: the file of the service, which need not be there.
            resource: the file of its resource.

        """
        package = self._files[resource].proto.package
        if path in self._files:
            self._complete(missing, path, package)
        elif any(missing.methods.values()):
            self._new[path] = self._file(missing, path, resource)
        for name, fields in missing.fields.items():
            self._complete_message(self._elements[_full(package, name)], name, fields)

    def texts(self) -> dict[str, str]:
        """Return the texts of all files."""
        for path, names in self._imports.items():
            add_imports(self._edits[path], self._files[path].proto, names)
        edited = {path: str(edits) for path, edits in self._edits.items()}
        return edited | {path: str(file) for path, file in self._new.items()}

    def _file(self, missing: Missing, path: str, resource: str) -> ProtoFile:
        """Return a new file of a service."""
        file = self._files[resource].proto
        methods = [one for one in missing.methods.values() if one]
        messages = [one for one in missing.messages.values() if one]
        return ProtoFile(
            path,
            file.package,
            missing.file_comment,
            HEAD,
            [resource, *self._imported(types_of(methods, messages), methods, file.package)],
            messages,
            service=missing.service,
            methods=methods,
            options=written_options(self._edits[resource]),
        )

    def _complete(self, missing: Missing, path: str, package: str) -> None:
        """Add methods and messages to a file that there is."""
        edits, proto = self._edits[path], self._files[path].proto
        services = [one.name for one in proto.service]
        methods = [one for one in missing.methods.values() if one]
        messages = {name: (_MESSAGE, at) for at, name in enumerate(one.name for one in proto.message_type)}
        parts: list[tuple[Path | None, str]] = [
            (messages.get(name), "\n".join(message_lines(_fitting(one, proto), package)) if one else "")
            for name, one in missing.messages.items()
        ]
        if missing.service[0] in services:
            self._complete_service(path, services.index(missing.service[0]), missing.methods)
        elif methods:
            parts.insert(0, (None, "\n".join(service_lines(*missing.service, methods))))
        _insert(edits, parts, "\n", edits.append)
        added = [one for one in missing.messages.values() if one]
        self._imports[path] |= set(self._imported(types_of(methods, added), methods, package))

    def _complete_service(self, path: str, at: int, methods: Mapping[str, ProtoMethod | None]) -> None:
        edits, service = self._edits[path], self._files[path].proto.service[at]
        own: Path = (_SERVICE, at)
        places = {one.name: (*own, _METHOD, number) for number, one in enumerate(service.method)}
        is_one_line = "\n" not in edits.said(edits.places(own)[0])
        parts = [
            (None if is_one_line else places.get(name), "\n".join(method_lines(one)) if one else "")
            for name, one in methods.items()
        ]
        _insert(edits, parts, "", lambda text: edits.append_inside(own, text))

    def _complete_message(self, path: str, name: str, fields: Sequence[ProtoField]) -> None:
        proto = self._files[path].proto
        at = [one.name for one in proto.message_type].index(name)
        fitting = _fitting(ProtoMessage(name, "", fields), proto)
        lines = [line for one in fitting.fields for line in field_lines(one, proto.package)]
        self._edits[path].append_inside((_MESSAGE, at), "\n".join(lines))
        self._imports[path] |= set(self._imported({one.type for one in fields}, [], proto.package))

    def _imported(self, types: Iterable[str], methods: Sequence[ProtoMethod], package: str) -> list[str]:
        """Return the files of types, and of the routes of methods."""
        routes = [ROUTES_FILE] if any(method.http for method in methods) else []
        named = {
            type_: self._elements.get(_full(package, type_), self._elements.get(type_)) for type_ in types
        }
        files = {file or FILES.get(type_) for type_, file in named.items()}
        return [*routes, *(file for file in files if file)]


def _full(package: str, name: str) -> str:
    return f"{package}.{name}" if package else name


def _fitting(message: ProtoMessage, file: FileDescriptorProto) -> ProtoMessage:
    """Return the message with the labels that proto2 wants."""
    if file.syntax not in ("", "proto2"):
        return message
    return replace(message, fields=[replace(one, label=one.label or "optional") for one in message.fields])


def _insert(
    edits: Edits, parts: Sequence[tuple[Path | None, str]], between: str, append: Callable[[str], None]
) -> None:
    """Put each text behind the part before it, or above the first part that is there.

    Args:
        edits: of the file.
        parts: where each part is, or else its text; some are elsewhere, and have neither.
        between: what stands between two parts beside their line ends.
        append: puts a text where no part is.

    """
    last: Path | None = None
    first = next((path for path, _ in parts if path), None)
    for path, text in parts:
        if path is not None:
            last = path
        elif text and last is not None:
            edits.insert_after(edits.places(last)[0], f"{between}{text}")
        elif text and first is not None:
            edits.insert_above(first, f"{text}\n{between}")
        elif text:
            append(text)
