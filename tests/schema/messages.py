"""Hypothesis strategies: any value that a message's field can carry, good or bad for its column."""

import json
import math
import string
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

_WIDTH = 3
_DEPTH = 2

INT32 = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([0, -(2**31), 2**31 - 1])
INT64 = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, -(2**63), 2**63 - 1])
UINT32 = st.integers(0, 2**32 - 1) | st.sampled_from([0, 2**31, 2**32 - 1])
UINT64 = st.integers(0, 2**64 - 1) | st.sampled_from([0, 2**63 - 1, 2**63, 2**64 - 1])
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=16)
DOUBLE = (
    st.floats(allow_nan=False)
    | st.just(math.nan)
    | st.sampled_from([0.0, -0.0, 5e-324, 1.7976931348623157e308])
)
FLOAT = st.floats(width=32, allow_nan=False) | st.just(math.nan)
NANOS = st.sampled_from([0, 0, 1000, 999_999_000, 1, 999_999_999, -1, 10**9])

_SCALARS: Mapping[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_INT32: INT32,
    FieldDescriptor.TYPE_SINT32: INT32,
    FieldDescriptor.TYPE_SFIXED32: INT32,
    FieldDescriptor.TYPE_INT64: INT64,
    FieldDescriptor.TYPE_SINT64: INT64,
    FieldDescriptor.TYPE_SFIXED64: INT64,
    FieldDescriptor.TYPE_UINT32: UINT32,
    FieldDescriptor.TYPE_FIXED32: UINT32,
    FieldDescriptor.TYPE_UINT64: UINT64,
    FieldDescriptor.TYPE_FIXED64: UINT64,
    FieldDescriptor.TYPE_FLOAT: FLOAT,
    FieldDescriptor.TYPE_DOUBLE: DOUBLE,
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: TEXT,
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=16),
}

_DIGITS = st.text(string.digits, max_size=20)
_DECIMALS = (
    st.builds("{}{}.{}".format, st.sampled_from(["", "-", "+"]), _DIGITS, _DIGITS)
    | st.builds("{}e{}".format, st.integers(), st.integers(-40, 40))
    | st.decimals(allow_nan=True, allow_infinity=True).map(str)
)
_MESSAGES: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "google.protobuf.Timestamp": {
        "seconds": st.integers(-62_135_596_801, 253_402_300_800),
        "nanos": NANOS,
    },
    "google.protobuf.Duration": {
        "seconds": st.integers(-315_576_000_001, 315_576_000_001) | st.integers(-2, 2),
        "nanos": NANOS,
    },
    "google.type.Date": {
        "year": st.integers(-1, 10_000),
        "month": st.integers(0, 13),
        "day": st.integers(0, 32),
    },
    "google.type.TimeOfDay": {
        "hours": st.integers(-1, 25),
        "minutes": st.integers(0, 60),
        "seconds": st.integers(0, 60),
        "nanos": NANOS,
    },
    "google.type.Decimal": {"value": _DECIMALS},
    "google.type.Money": {
        "currency_code": st.sampled_from(["EUR", "USD", ""]),
        "units": INT64 | st.integers(-(10**9), 10**9),
        "nanos": st.integers(-999_999_999, 999_999_999) | NANOS,
    },
    "google.type.LatLng": {
        "latitude": st.floats(-91, 91) | st.just(float("nan")),
        "longitude": st.floats(-181, 181),
    },
}

# Strings whose column wants more than text: mostly good ones, by the field's name.
_STRINGS: Mapping[str, st.SearchStrategy[str]] = {
    "identifier": st.uuids().map(str) | st.uuids().map(lambda one: str(one).upper()),
    "decimal_text": _DECIMALS,
    "json": st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=5,
    ).map(json.dumps),
    "address": st.ip_addresses().map(str)
    | st.builds("{}/{}".format, st.ip_addresses(v=4), st.integers(0, 33)),
    "network": st.builds("{}/{}".format, st.ip_addresses(v=4), st.sampled_from([0, 8, 32]))
    | st.builds("{}/128".format, st.ip_addresses(v=6)),
    "mac": st.builds(":".join, st.lists(st.integers(0, 255).map("{:02x}".format), min_size=6, max_size=6)),
}


def messages(descriptor: Descriptor, depth: int = _DEPTH) -> st.SearchStrategy[Message]:
    """Return a strategy for messages of that type, with any of their fields set."""
    make: Callable[..., Message] = GetMessageClass(descriptor)
    known = _MESSAGES.get(descriptor.full_name)
    if known is not None:
        return st.builds(make, **known)
    parts = {field.name: values(field, depth) for field in descriptor.fields}
    kept = {name: strategy for name, strategy in parts.items() if strategy is not None}
    return st.fixed_dictionaries({}, optional=kept).map(lambda chosen: make(**chosen))


@cache
def values(field: FieldDescriptor, depth: int = _DEPTH) -> st.SearchStrategy[Any] | None:
    """Return a strategy for the field's values, as constructors take them; None where too deep."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _maps(field, depth)
    one = _one(field, depth)
    if one is None or not field.is_repeated:
        return one
    return st.lists(one, max_size=_WIDTH)


def _one(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any] | None:
    if field.enum_type is not None:
        labels = st.sampled_from(sorted(field.enum_type.values_by_number))
        return labels if field.enum_type.is_closed else labels | st.just(99)
    if field.message_type is not None:
        return messages(field.message_type, depth - 1) if depth else None
    if field.type == FieldDescriptor.TYPE_STRING:
        special = [strategy for name, strategy in _STRINGS.items() if field.name.startswith(name)]
        return st.one_of(*special, TEXT) if special else TEXT
    return _SCALARS[field.type]


def _maps(field: FieldDescriptor, depth: int) -> st.SearchStrategy[Any] | None:
    entry = field.message_type.fields_by_name
    keys, held = _one(entry["key"], depth), _one(entry["value"], depth)
    return None if keys is None or held is None else st.dictionaries(keys, held, max_size=_WIDTH)
