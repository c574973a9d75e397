"""The protos that a pull finds: which the next one keeps but for what the database changed."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

from gateway.introspect.tables.ddl import DEFAULT_SCHEMA
from gateway.introspect.tables.table_records import Name
from gateway.proto_files.numbers import CommittedMessage, read_numbers
from gateway.proto_files.options import values_of, written_field
from gateway.proto_files.text import ProtoField
from gateway.schema.model import Resource
from gateway.schema.protos.options import COLUMN, TABLE
from gateway.schema.protos.sources import compile_protos, proto_files
from gateway.schema.read import read_schema
from gateway.schema.tables.naming import snake_case
from gateway.schema.types.enums import ENUM_VALUE, enum_type_name

HEAD = "Written by `rowgate pull`, which follows the database and keeps what you change here."
"""The first line of each file that a pull wrote; without its beginning a file is somebody's own."""


@dataclass(frozen=True, slots=True)
class CommittedField:
    """A column's field as it stands.

    Args:
        proto: as it is written, without its comment.
        sql: the type of the column that it carries, as schemas spell it.
        has_null: whether it has a place for NULL.
        is_message: whether its type is a message, which has that by itself.

    """

    proto: ProtoField
    sql: str
    has_null: bool
    is_message: bool


@dataclass(frozen=True, slots=True)
class CommittedTable:
    """A table's message as it stands.

    Args:
        full_name: its name, with its package.
        message: its names and numbers.
        fields: its fields, by column.
        others: its fields that no column carries, such as an etag.
        options: those of its table.
        key: the columns of its key.
        known: the columns that pulls offered: those without a field were left out by hand.
        knows_unreadable: whether the field that names unreadable values was offered.

    """

    full_name: str = ""
    message: CommittedMessage = field(default_factory=CommittedMessage)
    fields: Mapping[str, CommittedField] = field(default_factory=dict)
    others: Sequence[ProtoField] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    key: Sequence[str] = ()
    known: Collection[str] = ()
    knows_unreadable: bool = False

    def renamed(self, columns: Mapping[str, str]) -> "CommittedTable":
        """Return the message of a table whose columns have other names now."""
        names = {columns.get(column, column): name for column, name in self.message.columns.items()}
        fields = {columns.get(column, column): one for column, one in self.fields.items()}
        key = [columns.get(column, column) for column in self.key]
        return replace(self, message=replace(self.message, columns=names), fields=fields, key=key)


@dataclass(frozen=True, slots=True)
class CommittedFile:
    """A file that a pull wrote: its text, and its descriptor with places."""

    text: str
    proto: FileDescriptorProto


@dataclass(frozen=True, slots=True)
class Committed:
    """The protos of a folder.

    Args:
        tables: the tables' messages that pulls wrote.
        messages: all messages that pulls wrote, by full name.
        enums: the enums that pulls wrote, by the enum type that they stand for.
        enum_names: the full names of these.
        elsewhere: the full names of the tables' messages that are somebody's own.
        files: the files that pulls wrote, by path.
        others: the texts of the other files, by path.
        services: the full names of all services.
        descriptors: all of them, compiled.

    """

    tables: Mapping[Name, CommittedTable] = field(default_factory=dict)
    messages: Mapping[str, CommittedMessage] = field(default_factory=dict)
    enums: Mapping[Name, CommittedMessage] = field(default_factory=dict)
    enum_names: Mapping[Name, str] = field(default_factory=dict)
    elsewhere: Mapping[Name, str] = field(default_factory=dict)
    files: Mapping[str, CommittedFile] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    services: Collection[str] = ()
    descriptors: FileDescriptorSet = field(default_factory=FileDescriptorSet)


def text_of(file: Path) -> str:
    """Return a file's text, its line ends as they are."""
    return file.read_bytes().decode()


def is_pulled(text: str) -> bool:
    """Return whether a pull wrote a file, and may change it."""
    return text.startswith("// Written by `rowgate pull`")


def read_committed(folder: Path) -> Committed:
    """Return what the folder's protos say, if there are any. Raises SchemaError where they are wrong."""
    if not proto_files(folder):
        return Committed()
    descriptors = compile_protos(folder)
    texts = {path.relative_to(folder).as_posix(): text_of(path) for path in proto_files(folder)}
    own = [file for file in descriptors.file if file.name in texts]
    files = {file.name: CommittedFile(texts[file.name], file) for file in own if is_pulled(texts[file.name])}
    pulled = [message for file in files.values() for message in _named(file.proto)]
    others = [message for file in own if file.name not in files for message in _named(file)]
    tables = [(name, message) for name, message in pulled if _is_table(message)]
    resources = read_schema(descriptors).resources if tables else {}
    enums = list(_enums((file.proto for file in files.values()), [message for _, message in tables]))
    return Committed(
        {_table_of(message): _table(name, message, resources[name]) for name, message in tables},
        {name: _committed(message) for name, message in pulled},
        {type_: _committed_enum(enum) for type_, _, enum in enums},
        {type_: name for type_, name, _ in enums},
        {_table_of(message): name for name, message in others if _is_table(message)},
        files,
        {path: text for path, text in texts.items() if path not in files},
        {f"{file.package}.{service.name}" for file in own for service in file.service},
        descriptors,
    )


def _table(full_name: str, message: DescriptorProto, resource: Resource) -> CommittedTable:
    written = {
        one.name: written_field(one, values_of(one.options.Extensions[COLUMN])) for one in message.field
    }
    return CommittedTable(
        full_name,
        _committed(message),
        {
            one.column: CommittedField(
                written[one.name],
                one.type.sql,
                has_null=one.nullable,
                is_message=one.descriptor.message_type is not None,
            )
            for one in resource.fields
        },
        [proto for name, proto in written.items() if name not in resource.by_name],
        values_of(message.options.Extensions[TABLE]),
        resource.primary_key,
    )


def _named(file: FileDescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    return ((f"{file.package}.{message.name}", message) for message in file.message_type)


def _is_table(message: DescriptorProto) -> bool:
    return message.options.HasExtension(TABLE)


def _table_of(message: DescriptorProto) -> Name:
    table = message.options.Extensions[TABLE]
    return Name(table.schema or DEFAULT_SCHEMA, table.name or snake_case(message.name))


def _enums(
    files: Iterable[FileDescriptorProto], tables: Iterable[DescriptorProto]
) -> Iterator[tuple[Name, str, EnumDescriptorProto]]:
    """Yield each enum type that columns have, and the full name and descriptor of the enum for it."""
    known = {f".{file.package}.{enum.name}": enum for file in files for enum in file.enum_type}
    for table in tables:
        for one in table.field:
            named = one.options.Extensions[COLUMN].enum_type
            if named and one.type_name in known:
                schema, name = enum_type_name(named, _table_of(table).schema)
                yield Name(schema, name), one.type_name.removeprefix("."), known[one.type_name]


def _committed_enum(enum: EnumDescriptorProto) -> CommittedMessage:
    return CommittedMessage(
        name=enum.name,
        numbers={one.name: one.number for one in enum.value if one.number},
        columns={
            one.options.Extensions[ENUM_VALUE].label or one.name: one.name for one in enum.value if one.number
        },
        reserved_numbers=[(one.start, one.end) for one in enum.reserved_range],
        reserved_names=list(enum.reserved_name),
    )


def _committed(message: DescriptorProto) -> CommittedMessage:
    columns = {one.options.Extensions[COLUMN].name or one.name: one.name for one in message.field}
    return replace(read_numbers(message), columns=columns)
