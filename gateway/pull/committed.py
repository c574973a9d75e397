"""The protos that a pull finds: whose names and numbers clients rely on, and the next pull keeps."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from rowgate.v1 import annotations_pb2

from gateway.introspect.ddl import DEFAULT_SCHEMA
from gateway.introspect.table_records import Name
from gateway.schema.protos.sources import compile_protos
from gateway.schema.tables.naming import snake_case
from gateway.schema.types.enums import enum_type_name

HEAD = (
    "Written by `rowgate pull`, which keeps the names and numbers of messages and fields, and nothing else."
)
"""The first line of each file that a pull wrote; without it a file is somebody's own."""

# protobuf's own: https://protobuf.dev/programming-guides/proto3/#assigning
_OF_PROTOBUF = range(19_000, 20_000)
# The stubs give an extension no type of its own, so its look-up can't be checked.
_TABLE: Any = annotations_pb2.table
_COLUMN: Any = annotations_pb2.column
_LABEL: Any = annotations_pb2.enum_value


@dataclass(frozen=True, slots=True)
class CommittedMessage:
    """A message as it stands, or an enum, whose values count as fields.

    Args:
        name: its name.
        numbers: of its fields, by name.
        columns: its fields' names by their columns, where it is a table; an enum's values' by their labels.
        reserved_numbers: ranges, the last number among them.
        reserved_names: names.

    """

    name: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    reserved_numbers: Sequence[tuple[int, int]] = ()
    reserved_names: Sequence[str] = ()

    def numbered(self, names: Iterable[str]) -> dict[str, int]:
        """Return the fields' numbers: the old ones for those that had one, and for others the next."""
        last = max((0, *self.numbers.values(), *(high for _, high in self.reserved_numbers)))
        given = dict(self.numbers)
        for name in names:
            if name not in given:
                last = _OF_PROTOBUF.stop if last + 1 in _OF_PROTOBUF else last + 1
                given[name] = last
        return {name: given[name] for name in names}

    def reserved_without(self, names: Sequence[str]) -> tuple[list[tuple[int, int]], list[str]]:
        """Return the numbers and names to reserve where these fields are left; a name may be used again."""
        dropped = {name: number for name, number in self.numbers.items() if name not in names}
        numbers = sorted({*self.reserved_numbers, *((number, number) for number in dropped.values())})
        return numbers, sorted({*self.reserved_names, *dropped} - set(names))


@dataclass(frozen=True, slots=True)
class Committed:
    """The protos of a folder.

    Args:
        tables: the tables' messages that pulls wrote.
        messages: all messages that pulls wrote, by full name.
        enums: the enums that pulls wrote, by the enum type that they stand for.
        elsewhere: the full names of the tables' messages that are somebody's own.

    """

    tables: Mapping[Name, CommittedMessage] = field(default_factory=dict)
    messages: Mapping[str, CommittedMessage] = field(default_factory=dict)
    enums: Mapping[Name, CommittedMessage] = field(default_factory=dict)
    elsewhere: Mapping[Name, str] = field(default_factory=dict)


def proto_files(folder: Path) -> list[Path]:
    """Return the folder's protos, without those in hidden folders, which aren't served either."""
    found = sorted(folder.rglob("*.proto"))
    return [
        file for file in found if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]


def is_pulled(file: Path) -> bool:
    """Return whether a pull wrote the file, and may write it again."""
    return file.read_text(encoding="utf-8").startswith(f"// {HEAD}\n")


def read_committed(folder: Path) -> Committed:
    """Return what the folder's protos say, if there are any. Raises SchemaError where they are wrong."""
    if not proto_files(folder):
        return Committed()
    # Parsed again, so that the annotations are known.
    files = FileDescriptorSet.FromString(compile_protos(folder).SerializeToString())
    own = [file for file in files.file if (folder / file.name).is_file()]
    pulled = [message for file in own if is_pulled(folder / file.name) for message in _named(file)]
    others = [message for file in own if not is_pulled(folder / file.name) for message in _named(file)]
    return Committed(
        {_table_of(message): _committed(message) for _, message in pulled if _is_table(message)},
        {name: _committed(message) for name, message in pulled},
        dict(_enums(own, [message for _, message in pulled if _is_table(message)])),
        {_table_of(message): name for name, message in others if _is_table(message)},
    )


def _named(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    return ((f"{file.package}.{message.name}", message) for message in file.message_type)


def _is_table(message: DescriptorProto) -> bool:
    return message.options.HasExtension(_TABLE)


def _table_of(message: DescriptorProto) -> Name:
    table = message.options.Extensions[_TABLE]
    return Name(table.schema or DEFAULT_SCHEMA, table.name or snake_case(message.name))


def _enums(
    files: Iterable[FileDescriptorProto], tables: Iterable[DescriptorProto]
) -> Iterator[tuple[Name, CommittedMessage]]:
    known = {f".{file.package}.{enum.name}": enum for file in files for enum in file.enum_type}
    for table in tables:
        for one in table.field:
            named = one.options.Extensions[_COLUMN].enum_type
            if named and one.type_name in known:
                schema, name = enum_type_name(named, _table_of(table).schema)
                yield Name(schema, name), _committed_enum(known[one.type_name])


def _committed_enum(enum: EnumDescriptorProto) -> CommittedMessage:
    return CommittedMessage(
        name=enum.name,
        numbers={one.name: one.number for one in enum.value if one.number},
        columns={
            one.options.Extensions[_LABEL].label or one.name: one.name for one in enum.value if one.number
        },
        reserved_numbers=[(one.start, one.end) for one in enum.reserved_range],
        reserved_names=list(enum.reserved_name),
    )


def _committed(message: DescriptorProto) -> CommittedMessage:
    return CommittedMessage(
        name=message.name,
        numbers={one.name: one.number for one in message.field},
        columns={one.options.Extensions[_COLUMN].name or one.name: one.name for one in message.field},
        # descriptor.proto: the end of a range is behind it.
        reserved_numbers=[(one.start, one.end - 1) for one in message.reserved_range],
        reserved_names=list(message.reserved_name),
    )
