"""What a pull would break for clients, by the rules of `buf breaking` (FILE): two descriptor sets compared.

A pull never gives a number to another field, nor a field another name, so these can't differ.
Rules: https://buf.build/docs/breaking/rules.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from gateway.proto_files.options import type_of, written_field


@dataclass(frozen=True, slots=True)
class _Elements:
    """What files declare, by full name."""

    messages: Mapping[str, DescriptorProto] = field(default_factory=dict)
    enums: Mapping[str, EnumDescriptorProto] = field(default_factory=dict)
    methods: Mapping[str, MethodDescriptorProto] = field(default_factory=dict)


def broken(before: FileDescriptorSet, after: FileDescriptorSet, paths: Iterable[str]) -> Sequence[str]:
    """Return what clients of some files lose, a sentence each.

    Args:
        before: what stands.
        after: what would.
        paths: the files that count.

    """
    old = _elements([file for file in before.file if file.name in {*paths}])
    new = _elements(after.file)
    return [*_messages(old, new), *_enums(old, new), *_methods(old, new)]


def _elements(files: Iterable[FileDescriptorProto]) -> _Elements:
    messages: dict[str, DescriptorProto] = {}
    enums: dict[str, EnumDescriptorProto] = {}
    methods: dict[str, MethodDescriptorProto] = {}
    for file in files:
        enums |= {f"{file.package}.{enum.name}": enum for enum in file.enum_type}
        for name, message in _nested(file.package, file.message_type):
            messages[name] = message
            enums |= {f"{name}.{enum.name}": enum for enum in message.enum_type}
        for service in file.service:
            methods |= {f"{file.package}.{service.name}.{one.name}": one for one in service.method}
    return _Elements(messages, enums, methods)


def _nested(scope: str, messages: Iterable[DescriptorProto]) -> Iterator[tuple[str, DescriptorProto]]:
    for message in messages:
        name = f"{scope}.{message.name}"
        yield name, message
        yield from _nested(name, message.nested_type)


def _messages(old: _Elements, new: _Elements) -> Iterator[str]:
    for name, message in old.messages.items():
        if name not in new.messages:
            yield f"message {name} is dropped"
            continue
        yield from _freed(f"message {name}", message, new.messages[name])
        fields = {one.number: one for one in new.messages[name].field}
        for one in message.field:
            if one.number not in fields:
                yield f"field {name}.{one.name} is dropped"
            elif (was := _declared(one)) != (becomes := _declared(fields[one.number])):
                yield f"field {name}.{one.name} was {was} and becomes {becomes}"


def _declared(field: FieldDescriptorProto) -> str:
    """Return a field's label and type."""
    return f"{written_field(field, {}).label} {type_of(field)}".lstrip()


def _enums(old: _Elements, new: _Elements) -> Iterator[str]:
    for name, enum in old.enums.items():
        if name not in new.enums:
            yield f"enum {name} is dropped"
            continue
        yield from _freed(f"enum {name}", enum, new.enums[name])
        numbers = {value.number for value in new.enums[name].value}
        yield from (
            f"value {value.name} of enum {name} is dropped"
            for value in enum.value
            if value.number not in numbers
        )


def _freed(
    name: str, old: DescriptorProto | EnumDescriptorProto, new: DescriptorProto | EnumDescriptorProto
) -> Iterator[str]:
    """Yield the names that are used again after they were reserved."""
    freed = set(old.reserved_name) - set(new.reserved_name)
    yield from (f"{one} of {name} is no longer reserved" for one in sorted(freed))


def _methods(old: _Elements, new: _Elements) -> Iterator[str]:
    yield from (f"method {name} is dropped" for name in old.methods if name not in new.methods)
