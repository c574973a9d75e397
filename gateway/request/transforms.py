"""Transforms of a request: what an update makes of stored values, checked against their columns."""

import math
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from google.protobuf.struct_pb2 import Value
from rowgate.v1.transforms_pb2 import FieldTransform, StoredTransforms

from gateway.errors import InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.request.keys import below
from gateway.request.rows import Values, not_allowed
from gateway.schema.model import Field, Resource
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

MAX_TRANSFORMS = 100
"""The most transforms of one row."""
MAX_ELEMENTS = 1000
"""The most elements of one transform."""
_ROUNDED_IN_DOUBLE = 2**53
"""From here on one number may stand for several: this one for itself and the next."""
_DIGITS = 40
_WHOLE = re.compile(rf"[+-]?[0-9]{{1,{_DIGITS}}}")
_NUMBER = re.compile(rf"[+-]?[0-9]{{1,{_DIGITS}}}(\.[0-9]{{1,{_DIGITS}}})?([eE][+-]?[0-9]{{1,2}})?")


class TransformKind(Enum):
    """What becomes of a stored value; values are the names of FieldTransform's fields."""

    INCREMENT = "increment"
    MULTIPLY = "multiply"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    APPEND = "append"
    APPEND_MISSING = "append_missing"
    REMOVE_ALL = "remove_all"
    SERVER_TIME = "server_time"


@dataclass(frozen=True, slots=True)
class Transform:
    """A transform without its operand: transforms that are equal share a statement.

    Args:
        column: of the stored value.
        kind: what becomes of it.

    """

    column: str
    kind: TransformKind


@dataclass(frozen=True, slots=True)
class Transforms:
    """Those of one row.

    Args:
        shape: each transform, in the order of the request.
        operands: their driver values by column; none of SERVER_TIME.

    """

    shape: tuple[Transform, ...] = ()
    operands: Values = field(default_factory=dict)


NO_TRANSFORMS = Transforms()
_NUMBERS = frozenset({ValueKind.INTEGER, ValueKind.DECIMAL, ValueKind.FLOAT})
_TIMES = frozenset({ValueKind.TIMESTAMP, ValueKind.DATE, ValueKind.TIME, ValueKind.DURATION})
_LISTS = frozenset({TransformKind.APPEND, TransformKind.APPEND_MISSING, TransformKind.REMOVE_ALL})
_BOUNDS = frozenset({TransformKind.MINIMUM, TransformKind.MAXIMUM})


def read_transforms(
    resource: Resource, sent: Sequence[FieldTransform], written: Sequence[Field], path: str
) -> Transforms:
    """Return a row's transforms; raises InvalidArgument naming the first that is wrong.

    Raises PermissionDenied for a field that the caller may not write.

    Args:
        resource: what the row is.
        sent: the transforms.
        written: the fields that the request sets, which can't be transformed too.
        path: the transforms' own in the request.

    """
    if not sent:
        return NO_TRANSFORMS
    if len(sent) > MAX_TRANSFORMS:
        raise _wrong(path, f"has {len(sent)} transforms; at most {MAX_TRANSFORMS} are allowed")
    shape: list[Transform] = []
    operands: dict[str, Any] = {}
    taken = {one.column: "is set by the request, too" for one in written}
    for i, one in enumerate(sent):
        place = f"{path}[{i}]"
        target = _target(resource, one.field, below(place, "field"))
        if target.column in taken:
            raise _wrong(below(place, "field"), f'"{target.name}" {taken[target.column]}')
        taken[target.column] = "is transformed twice"
        kind = _kind(target, one, place)
        shape.append(Transform(target.column, kind))
        if kind is not TransformKind.SERVER_TIME:
            operands[target.column] = _operand(target, kind, one, place)
    return Transforms(tuple(shape), operands)


def read_stored_transforms(
    resource: Resource,
    sent: StoredTransforms,
    key: Collection[str],
    changed: Collection[str] | None,
    path: str,
) -> tuple[Transform, ...]:
    """Return what a bulk write makes of stored values; raises as `read_transforms`.

    Args:
        resource: what the rows are.
        sent: as the request has it.
        key: the columns by which it knows stored rows.
        changed: those that it changes; None for all.
        path: its own in the request.

    """
    found: dict[str, Transform] = {}
    for descriptor, names in sent.ListFields():
        for i, name in enumerate(names):
            place, kind = f"{path}.{descriptor.name}[{i}]", TransformKind(descriptor.name)
            target = _target(resource, name, place)
            if len(found) == MAX_TRANSFORMS:
                raise _wrong(path, f"has more than {MAX_TRANSFORMS} transforms")
            if target.column in key or target.identity:
                raise _wrong(place, f'"{name}" is part of a key, or numbered by the database')
            if changed is not None and target.column not in changed:
                raise _wrong(place, f'"{name}" isn\'t changed: name it in update_mask')
            if target.column in found:
                raise _wrong(place, f'"{name}" is transformed twice')
            if not _takes(target.type, kind):
                raise _wrong(place, _isnt_for(target, kind))
            found[target.column] = Transform(target.column, kind)
    return tuple(found.values())


def _isnt_for(target: Field, kind: TransformKind) -> str:
    return f'{kind.value} isn\'t for "{target.name}", which is {target.type.sql}'


def _target(resource: Resource, name: str, path: str) -> Field:
    if name in resource.unwritable:
        raise not_allowed(path, named=name)
    found = resource.askable.by_name.get(name)
    if found is None:
        hint = did_you_mean(name, resource.askable.by_name)
        raise _wrong(path, f'{resource.message.full_name} has no field "{name[:64]}"{hint}')
    if found.column in resource.primary_key:
        raise _wrong(path, f'"{name}" is part of the key')
    if not found.writable or found.preset is not None:
        raise _wrong(path, f'"{name}" is set by the server')
    if any(found in members for members in resource.oneofs):
        raise _wrong(path, f'"{name}" is one of a oneof: set it')
    return found


def _kind(target: Field, sent: FieldTransform, place: str) -> TransformKind:
    name = sent.WhichOneof("transform")
    if name is None or (name == "server_time" and not sent.server_time):
        raise _wrong(place, f"says none of {', '.join(kind.value for kind in TransformKind)}")
    kind = TransformKind(name)
    if not _takes(target.type, kind):
        raise _wrong(place, _isnt_for(target, kind))
    return kind


def _takes(stored: ValueType, kind: TransformKind) -> bool:
    if kind in _LISTS:
        element = stored.element
        plain = kind is TransformKind.APPEND or (element is not None and element.equality)
        return element is not None and element.parse is not None and plain
    if kind is TransformKind.SERVER_TIME:
        return stored.kind is ValueKind.TIMESTAMP
    is_time = stored.kind in _TIMES and stored.parse is not None and kind in _BOUNDS
    return stored.kind in _NUMBERS or is_time


def _operand(target: Field, kind: TransformKind, sent: FieldTransform, place: str) -> Any:
    given = getattr(sent, kind.value)
    try:
        if kind not in _LISTS:
            return _single(target.type, kind, given)
        element = target.type.element
        if element is None or element.parse is None:  # `_takes` has seen to it
            raise AssertionError(target)
        if len(given.values) > MAX_ELEMENTS:
            raise _wrong(place, f"has more than {MAX_ELEMENTS} elements")
        return [element.parse(_text(one)) for one in given.values]
    except InvalidValueError as error:
        raise InvalidArgument.field(
            below(place, kind.value), error.description, reason=error.reason
        ) from error


def _single(stored: ValueType, kind: TransformKind, given: Value) -> Any:
    text = _text(given)
    if stored.kind is ValueKind.INTEGER:
        if not _WHOLE.fullmatch(text):
            raise InvalidValueError("is not a whole number", "INVALID_NUMBER")
        return Decimal(text)
    if stored.kind is ValueKind.DECIMAL:
        if not _NUMBER.fullmatch(text):
            raise InvalidValueError("is not a number", "INVALID_NUMBER")
        return Decimal(text) if kind is TransformKind.MULTIPLY else _parse(stored)(text)
    value = _parse(stored)(text)
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidValueError("is not finite", "NOT_FINITE")
    return value


def _parse(stored: ValueType) -> Callable[[str], Any]:
    if stored.parse is None:
        raise AssertionError(stored)
    return stored.parse


def _text(given: Value) -> str:
    """Return a value as literals spell it; raises InvalidValueError for one that is none, or isn't exact."""
    match given.WhichOneof("kind"):
        case "string_value":
            return given.string_value
        case "bool_value":
            return str(given.bool_value).lower()
        case "number_value":
            number = given.number_value
            if not number.is_integer():
                return repr(number)
            if abs(number) >= _ROUNDED_IN_DOUBLE:
                raise InvalidValueError(
                    "may have been rounded on its way: send its digits as a string", "INEXACT"
                )
            return str(int(number))
    raise InvalidValueError("is no number, string or bool", "INVALID_VALUE")


def _wrong(path: str, text: str) -> InvalidArgument:
    return InvalidArgument.field(path, f"is no such transform: {text}", reason="INVALID_TRANSFORM")
