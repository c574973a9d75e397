"""Enum types → enums, whose values have the labels that are stored."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.introspect.tables.ddl import quoted
from gateway.introspect.tables.table_records import Name
from gateway.proto_files.numbers import CommittedMessage
from gateway.proto_files.text import ProtoEnum, zero_name
from gateway.pull.earlier.committed import Committed
from gateway.pull.names import camel_case, free_name, lower_snake, message_name
from gateway.schema.tables.naming import snake_case


@dataclass(frozen=True, slots=True)
class Enum:
    """An enum and the type that it stands for."""

    type: Name
    package: str
    proto: ProtoEnum

    @property
    def full_name(self) -> str:
        """The enum's name with its package."""
        return f"{self.package}.{self.proto.name}"

    @property
    def file(self) -> str:
        """The file of its package's enums: tables of several packages may have columns of one."""
        return f"{self.package.replace('.', '/')}/enums.proto"


def read_enums(
    types: Mapping[Name, Sequence[str]],
    packages: Mapping[str, str],
    tables: Iterable[Name],
    committed: Committed,
) -> dict[str, Enum]:
    """Return the enums of enum types, by how the catalog prints the types.

    Args:
        types: the labels of each; what `why_text` gives a reason for has no enum.
        packages: the package of each schema.
        tables: whose messages' names are left to them.
        committed: names and numbers that are kept.

    """
    taken = {(table.schema, message_name(table.name)) for table in tables}
    taken |= {(name.schema, enum.name) for name, enum in committed.enums.items()}
    found: dict[str, Enum] = {}
    for name, labels in sorted(types.items()):
        if why_text(name, labels):
            continue
        others = {value for schema, value in taken if schema == name.schema}
        proto = _enum(name, labels, committed.enums.get(name, CommittedMessage()), others)
        names = (proto.name, zero_name(proto.name), *(value for value, _, _ in proto.values))
        taken |= {(name.schema, one) for one in names}
        found[quoted(name)] = Enum(name, packages[name.schema], proto)
    return found


def why_text(name: Name, labels: Sequence[str]) -> str:
    """Return why an enum type has no enum, and is told as text; empty where it has one."""
    if "." in f"{name.schema}{name.name}":
        return "the name of its type has a dot"
    if not labels:
        return "its type has no labels"
    return "a label of its type is empty" if "" in labels else ""


def _enum(name: Name, labels: Sequence[str], old: CommittedMessage, taken: set[str]) -> ProtoEnum:
    """Return the enum, with names that aren't taken in its package: those of values stand beside it."""
    wanted = camel_case(lower_snake(name.name, "enum").split("_"))
    proto_name = old.name or free_name(wanted, taken.__contains__)
    others = taken | {zero_name(proto_name), *old.columns.values(), *old.reserved_names}
    names: dict[str, str] = {}
    for label in labels:
        value = f"{snake_case(proto_name)}_{lower_snake(label, 'value')}".upper()
        names[label] = old.columns.get(label) or free_name(value, others.__contains__, "_")
        others.add(names[label])
    values = list(names.values())
    numbers, (ranges, reserved) = old.numbered(values), old.reserved_without(values)
    listed = sorted((numbers[value], value, label) for label, value in names.items())
    ordered = [(value, number, label) for number, value, label in listed]
    return ProtoEnum(proto_name, f"The enum type `{name}`.", ordered, ranges, reserved)
