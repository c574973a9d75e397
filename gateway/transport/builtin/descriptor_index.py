"""An index of a descriptor set for reflection: the file that declares each name.

Works on the files as they were given: a descriptor pool hands back files without comments (source info), and
clients show comments.
"""

from collections.abc import Iterable, Iterator, Sequence

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)


class DescriptorIndex:
    """Finds the serialised files of symbols and extensions. A look-up without a result raises KeyError."""

    def __init__(self, files: Iterable[FileDescriptorProto]) -> None:
        self._bodies: dict[str, bytes] = {}
        self._imports: dict[str, Sequence[str]] = {}
        self._symbols: dict[str, str] = {}
        self._extensions: dict[tuple[str, int], str] = {}
        for file in files:
            if file.name not in self._bodies:
                self._add(file)

    def _add(self, file: FileDescriptorProto) -> None:
        self._bodies[file.name] = file.SerializeToString()
        self._imports[file.name] = tuple(file.dependency)
        for symbol in _symbols(file):
            self._symbols.setdefault(symbol, file.name)
        for extension in _extensions(file):
            self._extensions[extension.extendee.lstrip("."), extension.number] = file.name

    def file_of_symbol(self, symbol: str) -> str:
        """Return the name of the file that declares a full name."""
        return self._symbols[symbol]

    def file_of_extension(self, message: str, number: int) -> str:
        """Return the name of the file that declares an extension of a message."""
        return self._extensions[message, number]

    def extension_numbers(self, message: str) -> Sequence[int]:
        """Return the numbers of a message's known extensions, sorted."""
        if message not in self._symbols:
            raise KeyError(message)
        return sorted(number for extended, number in self._extensions if extended == message)

    def with_imports(self, file: str, sent: set[str]) -> Sequence[bytes]:
        """Return a file, serialised, then what it imports, directly or not, and `sent` doesn't name yet."""
        bodies = [self._bodies[file]]
        sent.add(file)
        queue = list(self._imports[file])
        while queue:
            name = queue.pop()
            if name in sent or name not in self._bodies:
                continue
            sent.add(name)
            bodies.append(self._bodies[name])
            queue.extend(self._imports[name])
        return bodies


def _symbols(file: FileDescriptorProto) -> Iterator[str]:
    scope = f"{file.package}." if file.package else ""
    for message in file.message_type:
        yield from _message_symbols(scope, message)
    for enum in file.enum_type:
        yield from _enum_symbols(scope, enum)
    yield from (scope + extension.name for extension in file.extension)
    for service in file.service:
        yield scope + service.name
        yield from (f"{scope}{service.name}.{method.name}" for method in service.method)


def _message_symbols(scope: str, message: DescriptorProto) -> Iterator[str]:
    name = scope + message.name
    yield name
    yield from (f"{name}.{field.name}" for field in (*message.field, *message.extension))
    yield from (f"{name}.{oneof.name}" for oneof in message.oneof_decl)
    for enum in message.enum_type:
        yield from _enum_symbols(f"{name}.", enum)
    for nested in message.nested_type:
        yield from _message_symbols(f"{name}.", nested)


def _enum_symbols(scope: str, enum: EnumDescriptorProto) -> Iterator[str]:
    # An enum's values are its siblings, as in C++.
    yield scope + enum.name
    yield from (scope + value.name for value in enum.value)


def _extensions(file: FileDescriptorProto) -> Iterator[FieldDescriptorProto]:
    yield from file.extension
    queue = list(file.message_type)
    while queue:
        message = queue.pop()
        yield from message.extension
        queue.extend(message.nested_type)
