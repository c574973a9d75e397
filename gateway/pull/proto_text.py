"""Elements of a .proto file, and their text as `buf format` leaves it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gateway.schema.tables.naming import snake_case

Value: TypeAlias = "str | bool | int | Word | Sequence[str] | Message | Sequence[Message]"
"""Of an option: a text, a word, several texts (one is written as one), a message, or several messages."""
Message: TypeAlias = "Mapping[str, Value]"

_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


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
    """A file. `service` is its name and comment, None without one; types may be named with the package."""

    path: str
    package: str
    comment: str
    head: str
    imports: Sequence[str]
    messages: Sequence[ProtoMessage] = ()
    enums: Sequence[ProtoEnum] = ()
    service: tuple[str, str] | None = None
    methods: Sequence[ProtoMethod] = ()

    def __str__(self) -> str:
        lines = [f"// {self.head}", 'syntax = "proto3";', "", *_comment(self.comment, "")]
        lines += [f"package {self.package};", ""]
        lines += [f'import "{path}";' for path in sorted(set(self.imports))]
        if self.service is not None:
            lines += ["", *_service(*self.service, self.methods)]
        for enum in self.enums:
            lines += ["", *_enum(enum)]
        for message in self.messages:
            lines += ["", *_message(message, f"{self.package}.")]
        return "\n".join(lines) + "\n"


def _comment(text: str, indent: str) -> Iterator[str]:
    for line in text.strip().splitlines():
        seen = "".join(letter if letter.isprintable() else " " for letter in line)
        yield f"{indent}// {seen}".rstrip()


def _service(name: str, comment: str, methods: Iterable[ProtoMethod]) -> Iterator[str]:
    yield from _comment(comment, "")
    yield f"service {name} {{"
    for method in methods:
        yield from _comment(method.comment, "  ")
        yield from _method(method)
    yield "}"


def _method(method: ProtoMethod) -> Iterator[str]:
    head = f"  rpc {method.name}({method.request}) returns ({method.response})"
    if not method.http:
        yield f"{head};"
        return
    yield f"{head} {{"
    yield f"    option {_option('(google.api.http)', method.http, '    ')};"
    yield "  }"


def _enum(enum: ProtoEnum) -> Iterator[str]:
    yield from _comment(enum.comment, "")
    yield f"enum {enum.name} {{"
    yield from _reserved(enum)
    yield "  // No value: it isn't stored."
    yield f"  {zero_name(enum.name)} = 0;"
    for name, number, label in enum.values:
        yield from _comment(f"`{label}`.", "  ")
        yield f"  {name} = {number} [{_option('(rowgate.v1.enum_value)', {'label': label}, '  ')}];"
    yield "}"


def zero_name(enum: str) -> str:
    """Return the name of an enum's zero."""
    return f"{snake_case(enum).upper()}_UNSPECIFIED"


def _message(message: ProtoMessage, package: str) -> Iterator[str]:
    yield from _comment(message.comment, "")
    yield f"message {message.name} {{"
    if message.table:
        yield f"  option {_option('(rowgate.v1.table)', message.table, '  ')};"
        yield ""
    yield from _reserved(message)
    for one in message.fields:
        yield from _comment(one.comment, "  ")
        yield _field(replace(one, type=one.type.removeprefix(package)))
    yield "}"


def _reserved(of: ProtoMessage | ProtoEnum) -> Iterator[str]:
    if of.reserved_numbers:
        ranges = (f"{low}" if low == high else f"{low} to {high}" for low, high in of.reserved_numbers)
        yield f"  reserved {', '.join(ranges)};"
    if of.reserved_names:
        yield f"  reserved {', '.join(map(_text, of.reserved_names))};"
    if of.reserved_numbers or of.reserved_names:
        yield ""


def _field(one: ProtoField) -> str:
    head = f"  {one.label} {one.type} {one.name} = {one.number}".replace("   ", "  ", 1)
    return f"{head} [{_option('(rowgate.v1.column)', one.options, '  ')}];" if one.options else f"{head};"


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
        case int() | Word():
            return str(value)
        case str():
            return _text(value)
        case Mapping():
            return _literal(value, indent)
    return _list([text for text in value if isinstance(text, str)], indent)


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
        return _text(values[0])
    lines = (f"{indent}  {_text(value)}" for value in values)
    return "\n".join(("[", ",\n".join(lines), f"{indent}]"))


def _text(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'
