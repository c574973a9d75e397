"""Elements of a .proto file, and their text as `buf format` leaves it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.schema.tables.naming import snake_case

Value: TypeAlias = "str | bool | int | float | Word | Sequence[str] | Message | Sequence[Message]"
"""Of an option: a text, a word, several texts (one is written as one), a message, or several messages."""
Message: TypeAlias = "Mapping[str, Value]"

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})

# What begins a field, or anything else in a message, and so is not taken for the first part of a type's name.
_WORDS = frozenset(
    (
        *("double", "float", "bool", "string", "bytes", "group", "map", "optional", "required", "repeated"),
        *(
            "int32",
            "int64",
            "uint32",
            "uint64",
            "sint32",
            "sint64",
            "fixed32",
            "fixed64",
            "sfixed32",
            "sfixed64",
        ),
        *("message", "enum", "oneof", "option", "extend", "extensions", "reserved"),
    )
)


class Word(str):
    """The name of an enum's value, which stands without quotes."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class ProtoField:
    """A field. `label` is empty, `optional` or `repeated`; `options` are those of its column."""

    name: str
    number: int
    type: str
    comment: str
    label: str = ""
    options: Mapping[str, Value] = field(default_factory=dict)
    others: Sequence[str] = ()
    """Options that aren't its column's, as they are written."""


@dataclass(frozen=True, slots=True)
class ProtoMessage:
    """A message. `table` are the options of its table, where it is one."""

    name: str
    comment: str
    fields: Sequence[ProtoField]
    table: Mapping[str, Value] = field(default_factory=dict)
    reserved_numbers: Sequence[tuple[int, int]] = ()
    """Ranges, the last number among them."""
    reserved_names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ProtoEnum:
    """An enum, but for its zero, which stands for no value. `values` are names, numbers and labels."""

    name: str
    comment: str
    values: Sequence[tuple[str, int, str]]
    reserved_numbers: Sequence[tuple[int, int]] = ()
    """Ranges, the last number among them."""
    reserved_names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class ProtoMethod:
    """A method. `http` is its google.api.http, empty without a route."""

    name: str
    comment: str
    request: str
    response: str
    http: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProtoFile:
    """A file. `service` is its name and comment, None without one; types may be named with the package.

    `options` are whole statements.
    """

    path: str
    package: str
    comment: str
    head: str
    imports: Sequence[str]
    messages: Sequence[ProtoMessage] = ()
    enums: Sequence[ProtoEnum] = ()
    service: tuple[str, str] | None = None
    methods: Sequence[ProtoMethod] = ()
    options: Sequence[str] = ()

    def __str__(self) -> str:
        lines = [f"// {self.head}", 'syntax = "proto3";', ""]
        if self.package:
            lines += [*_comment(self.comment, ""), f"package {self.package};", ""]
        lines += [f'import "{path}";' for path in sorted(set(self.imports))]
        lines += ["", *self.options] if self.options else []
        if self.service is not None:
            lines += ["", *service_lines(*self.service, self.methods)]
        for enum in self.enums:
            lines += ["", *enum_lines(enum)]
        for message in self.messages:
            lines += ["", *message_lines(message, self.package)]
        return "\n".join(lines) + "\n"


def commented(text: str) -> str:
    """Return the lines of a field's comment, each with its end."""
    return "".join(f"{line}\n" for line in _comment(text, "  "))


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in text.strip().splitlines():
        seen = "".join(letter if letter.isprintable() else " " for letter in line)
        yield f"{indent}// {seen}".rstrip()


def service_lines(name: str, comment: str, methods: Iterable[ProtoMethod]) -> Iterator[str]:
    """Yield the lines of a service."""
    yield from _comment(comment, "")
    yield f"service {name} {{"
    for method in methods:
        yield from method_lines(method)
    yield "}"


def method_lines(method: ProtoMethod) -> Iterator[str]:
    """Yield the lines of a method in its service."""
    yield from _comment(method.comment, "  ")
    head = f"  rpc {method.name}({method.request}) returns ({method.response})"
    if not method.http:
        yield f"{head};"
        return
    yield f"{head} {{"
    yield f"    {route_option(method.http)}"
    yield "  }"


def route_option(http: Mapping[str, Value]) -> str:
    """Return the statement of a method's routes."""
    return f"option {_option('(google.api.http)', http, '    ')};"


def enum_lines(enum: ProtoEnum) -> Iterator[str]:
    """Yield the lines of an enum."""
    yield from _comment(enum.comment, "")
    yield f"enum {enum.name} {{"
    yield from _reserved(enum)
    yield "  // No value: it isn't stored."
    yield f"  {zero_name(enum.name)} = 0;"
    for value in enum.values:
        yield from enum_value_lines(*value)
    yield "}"


def enum_value_lines(name: str, number: int, label: str) -> Iterator[str]:
    """Yield the lines of an enum's value."""
    yield from _comment(f"`{label}`.", "  ")
    yield f"  {name} = {number} [{_option('(rowgate.v1.enum_value)', {'label': label}, '  ')}];"


def zero_name(enum: str) -> str:
    """Return the name of an enum's zero."""
    return f"{snake_case(enum).upper()}_UNSPECIFIED"


def message_lines(message: ProtoMessage, package: str) -> Iterator[str]:
    """Yield the lines of a message in a file of the package."""
    yield from _comment(message.comment, "")
    yield f"message {message.name} {{"
    if message.table:
        yield f"  {table_option(message.table)}"
        yield ""
    yield from _reserved(message)
    for one in message.fields:
        yield from field_lines(one, package)
    yield "}"


def field_lines(one: ProtoField, package: str) -> Iterator[str]:
    """Yield the lines of a field in its message, in a file of the package."""
    yield from _comment(one.comment, "  ")
    yield f"  {declaration(one, package)}"


def table_option(values: Mapping[str, Value]) -> str:
    """Return the statement in a message that makes it a table."""
    return f"option {_option('(rowgate.v1.table)', values, '  ')};"


def _reserved(of: ProtoMessage | ProtoEnum) -> Iterator[str]:
    yield from (f"  {statement}" for statement in reserved(of))
    if of.reserved_numbers or of.reserved_names:
        yield ""


def reserved(of: ProtoMessage | ProtoEnum) -> Iterator[str]:
    """Yield the statements that reserve numbers and names."""
    if of.reserved_numbers:
        ranges = (f"{low}" if low == high else f"{low} to {high}" for low, high in of.reserved_numbers)
        yield f"reserved {', '.join(ranges)};"
    if of.reserved_names:
        yield f"reserved {', '.join(map(_text, of.reserved_names))};"


def _type_in(package: str, type_: str) -> str:
    """Return a type as a file of the package names it.

    A name whose first part is a word of the language, or a part of the package itself, is taken for something
    else unless a dot says that it is whole.
    """
    own = type_.removeprefix(f"{package}.")
    first, dot, _ = own.partition(".")
    return f".{own}" if dot and first in (*_WORDS, *package.split(".")[1:]) else own


def declaration(one: ProtoField, package: str) -> str:
    """Return a field's declaration in a file of the package."""
    head = f"{one.label} {_type_in(package, one.type)} {one.name} = {one.number}".lstrip()
    alone = not one.others
    column = [_option("(rowgate.v1.column)", one.options, "  " if alone else "    ")] if one.options else []
    options = [*one.others, *column]
    if len(options) < 2:  # noqa: PLR2004 - buf writes several in lines of their own
        return f"{head} [{options[0]}];" if options else f"{head};"
    lines = ",\n    ".join(options)
    return f"{head} [\n    {lines}\n  ];"


def _option(name: str, values: Mapping[str, Value], indent: str) -> str:
    """Return an option; the only value of its message is named by its path."""
    if len(values) == 1:
        [(key, value)] = values.items()
        return f"{name}.{key} = {_value(value, indent)}"
    return f"{name} = {_value(values, indent)}"


def _value(value: Value, indent: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float() | Word():
            return str(value)
        case str():
            return _text(value)
        case Mapping():
            return _literal(value, indent)
    return _list([one for one in value if isinstance(one, str)], indent)


def _literal(values: Mapping[str, Value], indent: str) -> str:
    inner = f"{indent}  "
    lines = [line for key, value in values.items() for line in _entry(key, value, inner)]
    if len(lines) == 1 and "\n" not in lines[0] and "[" not in lines[0]:
        return f"{{{lines[0]}}}"
    return "\n".join(("{", *(f"{inner}{line}" for line in lines), f"{indent}}}"))


def _entry(key: str, value: Value, indent: str) -> Iterator[str]:
    """Yield `key: value`; of several messages one each."""
    if isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
        yield from (f"{key}: {_value(one, indent)}" for one in value)
    else:
        yield f"{key}: {_value(value, indent)}"


def _list(values: Sequence[str], indent: str) -> str:
    if len(values) == 1:
        return _value(values[0], indent)
    lines = (f"{indent}  {_value(value, indent)}" for value in values)
    return "\n".join(("[", ",\n".join(lines), f"{indent}]"))


def _text(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
