"""Driver values → the bytes that PostgreSQL's receive functions take, type by type.

As in each type's `…recv` of PostgreSQL's src/backend/utils/adt; array_recv wants the elements' type by its
number in pg_type, which never changes for a built-in one.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import attrgetter
from typing import Any

from gateway.schema.model import Field
from gateway.schema.types.sql_types import without_modifiers
from gateway.schema.values import ValueKind, ValueType

_INTERVAL = struct.Struct(">qii")
_POINT = struct.Struct(">dd")
_NUMERIC = struct.Struct(">HhHH")
_ARRAY = struct.Struct(">iiIii")
_NO_ELEMENTS = struct.Struct(">iiI")
_LENGTH = struct.Struct(">i")
_NEGATIVE = 0x4000
_GROUP = 4
"""Decimal digits that numeric packs into one number."""
_FAMILIES = {4: 2, 6: 3}
"""IP's version → what PostgreSQL calls the family (PGSQL_AF_INET, PGSQL_AF_INET6)."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How one type's values are written.

    Args:
        oid: the type's number in pg_type; 0 where no array of it is sent.
        body: one value's bytes.
        code: the value's format in `struct`, where all values have one size.
        wrapped: whether a driver value is a tuple that holds the number.

    """

    oid: int
    body: Callable[[Any], bytes]
    code: str = ""
    wrapped: bool = False


def wire_of(field: Field) -> Wire:
    """Return how the staged values of a field are written."""
    if field.type.kind is ValueKind.PLACE:
        return _EWKB
    element = field.type.element
    return _of(field.type) if element is None else _array(_of(element))


def _of(type_: ValueType) -> Wire:
    # Whatever is cast travels as text, and a PostgreSQL enum receives its label so.
    return _TEXT if type_.text_cast else _WIRES.get(without_modifiers(type_.sql), _TEXT)


def _number(oid: int, code: str) -> Wire:
    return Wire(oid, struct.Struct(f">{code}").pack, code)


def _wrapped(oid: int, code: str) -> Wire:
    pack = struct.Struct(f">{code}").pack
    return Wire(oid, lambda value: pack(*value), code, wrapped=True)


def _interval(value: Sequence[int]) -> bytes:
    months, days, micros = value
    return _INTERVAL.pack(micros, days, months)


def _jsonb(value: str) -> bytes:
    return b"\x01" + value.encode()


def _inet(value: Any) -> bytes:
    network = getattr(value, "network", None)
    bits = value.max_prefixlen if network is None else network.prefixlen
    address: bytes = value.packed
    return bytes((_FAMILIES[value.version], bits, 0, len(address))) + address


def _numeric(value: Decimal) -> bytes:
    # The digits as they are written: an exponent's zeros, which may be 131,072, are never made.
    digits = str(value).lstrip("-").partition("E")[0].replace(".", "").lstrip("0")
    if not digits:
        return _NUMERIC.pack(0, 0, 0, max(0, -value.adjusted()))
    exponent = value.adjusted() + 1 - len(digits)
    scale = max(0, -exponent)
    # The point lies between two groups. Those of zeros at either end stay away: only some thousand are taken.
    shift, exponent = exponent % _GROUP, exponent // _GROUP
    digits += "0" * shift
    count = -(-len(digits) // _GROUP)
    digits = digits.zfill(count * _GROUP)
    used = -(-len(digits.rstrip("0")) // _GROUP)
    groups = [int(digits[i : i + _GROUP]) for i in range(0, used * _GROUP, _GROUP)]
    sign = _NEGATIVE if value.is_signed() else 0
    return _NUMERIC.pack(used, count + exponent - 1, sign, scale) + struct.pack(f">{used}h", *groups)


def _array(element: Wire) -> Wire:
    body, oid, length = element.body, element.oid, _LENGTH.pack

    def array(values: Sequence[Any]) -> bytes:
        if not values:
            return _NO_ELEMENTS.pack(0, 0, oid)
        bodies = [body(value) for value in values]
        return _ARRAY.pack(1, 0, oid, len(bodies), 1) + b"".join(length(len(one)) + one for one in bodies)

    return Wire(0, array)


_TEXT = Wire(25, str.encode)
# Of an extension, whose numbers are each database's own.
_EWKB = Wire(0, bytes.fromhex)
_WIRES = {
    "smallint": _number(21, "h"),
    "integer": _number(23, "i"),
    "bigint": _number(20, "q"),
    "real": _number(700, "f"),
    "double precision": _number(701, "d"),
    "boolean": _number(16, "?"),
    "date": _wrapped(1082, "i"),
    "time without time zone": _wrapped(1083, "q"),
    "timestamp without time zone": _wrapped(1114, "q"),
    "timestamp with time zone": _wrapped(1184, "q"),
    "interval": Wire(1186, _interval),
    "numeric": Wire(1700, _numeric),
    "point": Wire(600, lambda value: _POINT.pack(*value)),
    "bytea": Wire(17, bytes),
    "uuid": Wire(2950, attrgetter("bytes")),
    "inet": Wire(869, _inet),
    "json": Wire(114, str.encode),
    "jsonb": Wire(3802, _jsonb),
    "character varying": Wire(1043, str.encode),
}
