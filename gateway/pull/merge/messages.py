"""The merge of one message or enum with the one that stands: fields, table, `reserved` and comments."""

import re
from dataclasses import replace

from google.protobuf.descriptor_pb2 import DescriptorProto, EnumDescriptorProto

from gateway.proto_files.edits import Edits, Path
from gateway.proto_files.options import values_of, written_field
from gateway.proto_files.text import (
    ProtoEnum,
    ProtoField,
    ProtoMessage,
    commented,
    declaration,
    enum_value_lines,
    field_lines,
    reserved,
    table_option,
)
from gateway.schema.protos.options import COLUMN, TABLE

_MESSAGE = DescriptorProto
_ENUM = EnumDescriptorProto
# Comments that a pull makes up where the database has none: they follow the database.
_MADE_UP = re.compile(r"// (The column `.*`: .*|A row of the table `.*`)\.")


def merge_message(edits: Edits, path: Path, old: DescriptorProto, new: ProtoMessage, package: str) -> None:
    """Edit a message so that it says what a draft does.

    Args:
        edits: of its file.
        path: the message's.
        old: the message as it stands.
        new: the draft; comments of fields that stay are left, but for those that a pull made up.
        package: the file's.

    """
    wanted = {one.name: one for one in new.fields}
    for index, field in enumerate(old.field):
        at = (*path, _MESSAGE.FIELD_FIELD_NUMBER, index)
        if field.name not in wanted:
            edits.remove(at)
            continue
        stands = written_field(field, values_of(field.options.Extensions[COLUMN]))
        _merge_field(edits, at, stands, wanted[field.name], package)
    names = {field.name for field in old.field}
    for one in new.fields:
        if one.name not in names:
            edits.append_inside(path, "\n".join(field_lines(one, package)))
    if new.table and values_of(old.options.Extensions[TABLE]) != new.table:
        _merge_table(edits, path, new)
    if new.comment:
        _follow(edits, path, f"// {new.comment}\n")
    ranges = [(one.start, one.end - 1) for one in old.reserved_range]
    if (ranges, sorted(old.reserved_name)) != (list(new.reserved_numbers), list(new.reserved_names)):
        _merge_reserved(edits, path, _MESSAGE, new)


def _merge_field(edits: Edits, path: Path, old: ProtoField, new: ProtoField, package: str) -> None:
    if new.comment:
        _follow(edits, path, commented(new.comment))
    if replace(new, comment="") == old:
        return
    column = (*path, 8, COLUMN.number)
    others = edits.statements(path, column)
    edits.replace(edits.places(path)[0], declaration(replace(new, others=others), package))


def _follow(edits: Edits, path: Path, comment: str) -> None:
    """Put a comment in the place of one that a pull made up."""
    place = edits.comment(path)
    said = edits.said(place)
    if _MADE_UP.fullmatch(said.strip()) and said != comment:
        edits.replace(place, comment)


def _merge_table(edits: Edits, path: Path, new: ProtoMessage) -> None:
    first, *others = edits.options((*path, _MESSAGE.OPTIONS_FIELD_NUMBER, TABLE.number))
    edits.replace(first, table_option(new.table))
    for place in others:
        edits.remove_statement(place)


def _merge_reserved(
    edits: Edits,
    path: Path,
    kind: type[DescriptorProto | EnumDescriptorProto],
    new: ProtoMessage | ProtoEnum,
) -> None:
    lines = list(reserved(new))
    numbers = (kind.RESERVED_RANGE_FIELD_NUMBER, kind.RESERVED_NAME_FIELD_NUMBER)
    places = sorted(place for number in numbers for place in edits.places((*path, number)))
    for place in places[1:] if lines else places:
        edits.remove_statement(place)
    statements = "\n  ".join(lines)
    if lines and places:
        edits.replace(places[0], statements)
    elif lines:
        first = edits.comment((*path, 2, 0))
        edits.insert_line(first, f"  {statements}\n")


def merge_enum(edits: Edits, path: Path, old: EnumDescriptorProto, new: ProtoEnum) -> None:
    """Edit an enum so that it says what a draft does; its zero stays.

    Args:
        edits: of its file.
        path: the enum's.
        old: the enum as it stands.
        new: the draft.

    """
    wanted = {name for name, _, _ in new.values}
    for index, value in enumerate(old.value):
        if value.number and value.name not in wanted:
            edits.remove((*path, _ENUM.VALUE_FIELD_NUMBER, index))
    names = {value.name for value in old.value}
    for one in new.values:
        if one[0] not in names:
            edits.append_inside(path, "\n".join(enum_value_lines(*one)))
    ranges = [(one.start, one.end) for one in old.reserved_range]
    if (ranges, sorted(old.reserved_name)) != (list(new.reserved_numbers), list(new.reserved_names)):
        _merge_reserved(edits, path, _ENUM, new)
