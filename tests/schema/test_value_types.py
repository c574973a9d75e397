"""Conversions at their edges: what is kept exactly, and what is refused with which reason."""

import ipaddress
import math
import struct
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from gateway.schema.model import Field
from gateway.schema.values import InvalidValueError, ValueKind
from tests.harness.gateway import schema_of

FIELDS = {
    field.name: field
    for name in ("Scalar", "Rich")
    for field in schema_of("types").resources[f"types.v1.{name}"].fields
}
RICH = GetMessageClass(FIELDS["lasts"].descriptor.containing_type)

MICROS_TO_1970 = -946_684_800 * 10**6
DAY = 86_400 * 10**6


def proto(field: Field, value: Any) -> Any:
    """Return the value as the message holds it."""
    message = GetMessageClass(field.descriptor.containing_type)(**{field.name: value})
    return getattr(message, field.name)


def encode(name: str, value: Any) -> Any:
    field = FIELDS[name]
    held = proto(field, value)
    return held if field.type.encode is None else field.type.encode(held)


def decode(name: str, value: Any) -> Any:
    field = FIELDS[name]
    decoded = value if field.type.decode is None else field.type.decode(value)
    return proto(field, decoded)


def parse(name: str, text: str) -> Any:
    convert = FIELDS[name].type.parse
    assert convert is not None
    return convert(text)


KEPT: list[tuple[str, Any, Any]] = [
    ("small", -(2**15), -(2**15)),
    ("narrow_int", 2**31 - 1, 2**31 - 1),
    ("wide_int", -(2**31), -(2**31)),
    ("uint64_value", 2**64 - 1, Decimal(2**64 - 1)),
    ("unsigned_big", 2**63 - 1, 2**63 - 1),
    ("short_text", "ä" * 12, "ä" * 12),
    ("identifier", "123E4567-E89B-12D3-A456-426614174000", UUID("123e4567-e89b-12d3-a456-426614174000")),
    ("color", -(2**31), "COLOR_DEEP"),
    ("color_number", -(2**31), -(2**31)),
    ("color_enum", 1, "COLOR_RED"),
    ("at", {"seconds": 0}, (MICROS_TO_1970,)),
    ("at", {"seconds": -62_135_596_800}, (MICROS_TO_1970 - 62_135_596_800 * 10**6,)),
    ("at", {"seconds": 253_402_300_799, "nanos": 999_999_000}, (252_455_616_000 * 10**6 - 1,)),
    ("lasts", {"seconds": -1, "nanos": -1000}, (0, 0, -1_000_001)),
    ("lasts", {"seconds": 315_576_000_000}, (0, 0, 315_576_000_000 * 10**6)),
    ("day", {"year": 1, "month": 1, "day": 1}, (-730_119,)),
    ("day", {"year": 9999, "month": 12, "day": 31}, (2_921_939,)),
    ("day", {"year": 2000, "month": 2, "day": 29}, (59,)),
    ("opens", {"hours": 24}, (DAY,)),
    ("opens", {}, (0,)),
    ("opens", {"hours": 23, "minutes": 59, "seconds": 59, "nanos": 999_999_000}, (DAY - 1,)),
    ("exact", {"value": "-1.50"}, Decimal("-1.50")),
    ("exact", {"value": ""}, Decimal(0)),
    ("exact", {"value": "1e131071"}, Decimal("1e131071")),
    ("price", {"value": "9999999999.99"}, Decimal("9999999999.99")),
    ("price", {"value": "1.5000"}, Decimal("1.5")),
    (
        "cost",
        {"currency_code": "EUR", "units": 2**63 - 1, "nanos": 999_999_999},
        Decimal("9223372036854775807.999999999"),
    ),
    ("cost", {"currency_code": "EUR", "units": -1, "nanos": -500_000_000}, Decimal("-1.5")),
    ("place", {"latitude": -90, "longitude": 180}, (180.0, -90.0)),
    ("bool_wrapper", {"value": False}, False),
    ("code_wrapper", {"value": "abcd"}, "abcd"),
    ("decimal_text", "-123456789012345.12345", Decimal("-123456789012345.12345")),
    ("address", "10.0.0.1", ipaddress.ip_address("10.0.0.1")),
    ("address", "10.0.0.1/8", ipaddress.ip_interface("10.0.0.1/8")),
    ("address", "::1/128", ipaddress.ip_address("::1")),
    ("network", "10.0.0.0/8", "10.0.0.0/8"),
    ("json_text", '{"a": -0.0, "b": "\\\\u0000"}', '{"a": -0.0, "b": "\\\\u0000"}'),
    ("part", {"name": "n", "big": 2**64 - 1}, '{"name":"n","big":"18446744073709551615"}'),
    ("part", {}, "{}"),
    ("list", {"values": []}, "[]"),
    ("anything", {"null_value": 0}, "null"),
    ("labels", {"a": "\\u0000"}, '{"a":"\\\\u0000"}'),
    ("labels", {}, "{}"),
    ("parts", [], "[]"),
    ("doubles", [], []),
    ("hues", [1, 0], ["HUE_RED", "HUE_UNSPECIFIED"]),
    ("hours", [{"hours": 1}], [(DAY // 24,)]),
]

REFUSED: list[tuple[str, Any, str]] = [
    ("small", 2**15, "OUT_OF_RANGE"),
    ("narrow_int", 2**31, "OUT_OF_RANGE"),
    ("unsigned_big", 2**63, "OUT_OF_RANGE"),
    ("string_value", "a\0b", "NUL_IN_TEXT"),
    ("short_text", "ä" * 13, "TOO_LONG"),
    ("short_text", "\0", "NUL_IN_TEXT"),
    ("identifier", "", "INVALID_UUID"),
    ("identifier", "{123e4567-e89b-12d3-a456-426614174000}", "INVALID_UUID"),
    ("color", 7, "UNKNOWN_ENUM_VALUE"),
    ("color_number", 7, "UNKNOWN_ENUM_VALUE"),
    ("at", {"nanos": 1}, "INEXACT"),
    ("at", {"nanos": 999_999_100}, "INEXACT"),
    ("lasts", {"nanos": -100}, "INEXACT"),
    ("opens", {"nanos": 100}, "INEXACT"),
    ("at", {"nanos": -1000}, "OUT_OF_RANGE"),
    ("at", {"seconds": 253_402_300_800}, "OUT_OF_RANGE"),
    ("at", {"seconds": -62_135_596_801}, "OUT_OF_RANGE"),
    ("lasts", {"nanos": 1}, "INEXACT"),
    ("lasts", {"seconds": 1, "nanos": -1000}, "INVALID_DURATION"),
    ("lasts", {"seconds": 315_576_000_001}, "OUT_OF_RANGE"),
    ("lasts", {"seconds": 315_576_000_000, "nanos": 1000}, "OUT_OF_RANGE"),
    ("day", {"year": 2000, "month": 1}, "PARTIAL_DATE"),
    ("day", {"year": 2001, "month": 2, "day": 29}, "OUT_OF_RANGE"),
    ("day", {"year": 10_000, "month": 1, "day": 1}, "OUT_OF_RANGE"),
    ("opens", {"hours": 23, "minutes": 59, "seconds": 60}, "OUT_OF_RANGE"),
    ("opens", {"hours": 24, "nanos": 1000}, "OUT_OF_RANGE"),
    ("opens", {"nanos": 1}, "INEXACT"),
    ("exact", {"value": "NaN"}, "INVALID_NUMBER"),
    ("exact", {"value": "1e131072"}, "OUT_OF_RANGE"),
    ("exact", {"value": "1e-16384"}, "INEXACT"),
    ("exact", {"value": "1e999999999"}, "INVALID_NUMBER"),
    ("exact", {"value": "\u0661"}, "INVALID_NUMBER"),
    ("price", {"value": "0.001"}, "INEXACT"),
    ("price", {"value": "10000000000"}, "OUT_OF_RANGE"),
    ("cost", {"currency_code": "USD", "units": 1}, "WRONG_CURRENCY"),
    ("cost", {"units": 1}, "WRONG_CURRENCY"),
    ("cost", {"currency_code": "EUR", "units": 1, "nanos": -1}, "INVALID_MONEY"),
    ("cost", {"currency_code": "EUR", "nanos": 10**9}, "OUT_OF_RANGE"),
    ("fee", {"currency_code": "USD", "nanos": 1}, "INEXACT"),
    ("place", {"latitude": 90.5}, "OUT_OF_RANGE"),
    ("place", {"longitude": math.nan}, "OUT_OF_RANGE"),
    ("code_wrapper", {"value": "abcde"}, "TOO_LONG"),
    ("jsonb_text", "{", "INVALID_JSON"),
    ("jsonb_text", "NaN", "INVALID_JSON"),
    ("jsonb_text", '"\\ud800"', "INVALID_JSON"),
    ("jsonb_text", '"\\u0000"', "NUL_IN_TEXT"),
    ("jsonb_text", "[-0.0]", "INEXACT"),
    ("address", "10.0.0.256", "INVALID_ADDRESS"),
    ("address", "fe80::1%eth0", "INVALID_ADDRESS"),
    ("address", f"10.0.0.1/{'0' * 100}32", "INVALID_ADDRESS"),
    ("network", "10.0.0.1/8", "INVALID_ADDRESS"),
    ("network", f"0.0.0.0/{'0' * 100}8", "INVALID_ADDRESS"),
    ("part", {"name": "\0"}, "NUL_IN_TEXT"),
    ("part", {"weight": -0.0}, "INEXACT"),
    ("part", {"at": {"nanos": -1}}, "INVALID_JSON"),
    ("anything", {"number_value": math.nan}, "INVALID_JSON"),
    ("anything", {}, "INVALID_JSON"),
    ("list", {"values": [{}]}, "INVALID_JSON"),
    ("values", [{}], "INVALID_JSON"),
    ("anything", {"null_value": 9}, "UNKNOWN_ENUM_VALUE"),
    ("anything", {"number_value": -0.0}, "INEXACT"),
    ("attributes", {"fields": {"\0": {"null_value": 0}}}, "NUL_IN_TEXT"),
    ("strings", ["a", "\0"], "NUL_IN_TEXT"),
    ("codes", ["abcd"], "TOO_LONG"),
    ("times", [{"nanos": 1}], "INEXACT"),
]

UNREADABLE: list[tuple[str, Any]] = [
    ("int32s", [1, None]),
    ("int32s", [[1], [2]]),
    ("wide_int", 2**31),
    ("uint32_value", -1),
    ("uint64_value", Decimal(2**64)),
    ("uint64_value", Decimal("1.5")),
    ("uint64_value", Decimal("NaN")),
    ("unsigned_big", -1),
    ("color", "COLOR_GONE"),
    ("color_number", 7),
    ("at", (2**63 - 1,)),
    ("at", (-(2**63),)),
    ("at", (MICROS_TO_1970 - 62_135_596_800 * 10**6 - 1,)),
    ("lasts", (1, 0, 0)),
    ("lasts", (2**31 - 1, 2**31 - 1, 2**63 - 1)),
    ("lasts", (0, 2**31 - 1, 0)),
    ("day", (2**31 - 1,)),
    ("day", (-730_120,)),
    ("exact", Decimal("Infinity")),
    ("price", Decimal("NaN")),
    ("cost", Decimal("NaN")),
    ("cost", Decimal("0.0000000001")),
    ("cost", Decimal(2**63)),
    ("cost", Decimal("1e100000")),
    ("place", (181.0, 0.0)),
    ("part", '{"unknown": 1}'),
    ("part", '{"name": 1}'),
    ("attributes", "1"),
]


@pytest.mark.parametrize(("name", "value", "stored"), KEPT)
def test_values_are_kept(name: str, value: Any, stored: Any) -> None:
    assert encode(name, value) == stored
    if name not in ("identifier", "exact", "price", "address"):
        assert decode(name, stored) == proto(FIELDS[name], value)


@pytest.mark.parametrize(("name", "value", "reason"), REFUSED)
def test_values_are_refused(name: str, value: Any, reason: str) -> None:
    with pytest.raises(InvalidValueError) as caught:
        encode(name, value)
    assert caught.value.reason == reason


@pytest.mark.parametrize(("name", "stored"), UNREADABLE)
def test_stored_values_that_no_message_holds_are_refused(name: str, stored: Any) -> None:
    with pytest.raises(InvalidValueError):
        decode(name, stored)


def test_unknown_fields_of_a_document_are_refused() -> None:
    part: Any = RICH(part={"name": "x"})
    part.part.MergeFromString(b"\xfa\x3f\x01a")
    convert = FIELDS["part"].type.encode
    assert convert is not None
    with pytest.raises(InvalidValueError) as caught:
        convert(part.part)
    assert caught.value.reason == "UNKNOWN_FIELDS"


@pytest.mark.parametrize(
    "name", ["double_value", "float_value", "bool_value", "int32_value", "int64_value", "bytes_value"]
)
def test_what_needs_no_check_costs_no_call(name: str) -> None:
    assert FIELDS[name].type.encode is None
    assert FIELDS[name].type.decode is None


def test_text_needs_no_call_when_read() -> None:
    assert FIELDS["string_value"].type.decode is None


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_decimals_keep_every_digit(number: Decimal) -> None:
    stored = encode("exact", {"value": str(number)})
    assert Decimal(decode("exact", stored).value) == number


@given(st.from_regex(r"-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?", fullmatch=True))
def test_of_a_json_texts_numbers_only_negative_zeros_are_refused(number: str) -> None:
    def stored() -> str | None:
        try:
            return str(encode("jsonb_text", f"[1, {number}]"))
        except InvalidValueError:
            return None

    is_negative_zero = number.startswith("-") and not Decimal(number)
    assert stored() == (None if is_negative_zero else f"[1, {number}]")


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 999_999_999))
def test_money_keeps_every_nano(units: int, nanos: int) -> None:
    money = {"currency_code": "EUR", "units": units, "nanos": -nanos if units < 0 else nanos}
    assert decode("cost", encode("cost", money)) == proto(FIELDS["cost"], money)


@given(st.integers(-(315_576_000_000 * 10**6), 315_576_000_000 * 10**6))
def test_intervals_of_any_make_read_as_one_duration(micros: int) -> None:
    days, rest = divmod(micros, DAY)
    held = decode("lasts", (0, days, rest))
    assert held.seconds * 10**6 + held.nanos // 1000 == micros
    assert encode("lasts", {"seconds": held.seconds, "nanos": held.nanos}) == (0, 0, micros)


LITERALS: list[tuple[str, str, Any]] = [
    ("int32_value", "-5", -5),
    ("uint64_value", "18446744073709551615", 2**64 - 1),
    ("double_value", "1e3", 1000.0),
    ("double_value", "-inf", -math.inf),
    ("bool_value", "true", True),
    ("string_value", "x", "x"),
    ("bytes_value", "aGk=", b"hi"),
    ("bytes_value", "_-8", b"\xff\xef"),
    ("color", "COLOR_RED", "COLOR_RED"),
    ("color_number", "COLOR_RED", 1),
    ("color_enum", "COLOR_RED", "COLOR_RED"),
    ("identifier", "123e4567-e89b-12d3-a456-426614174000", UUID("123e4567-e89b-12d3-a456-426614174000")),
    ("at", "1970-01-01T00:00:00Z", (MICROS_TO_1970,)),
    ("at", "1970-01-01T01:00:00.000001+01:00", (MICROS_TO_1970 + 1,)),
    ("lasts", "-1.5s", (0, 0, -1_500_000)),
    ("day", "2000-01-02", (1,)),
    ("opens", "00:01", (60_000_000,)),
    ("opens", "24:00:00", (DAY,)),
    ("exact", "1.25", Decimal("1.25")),
    ("cost", "1.25", Decimal("1.25")),
    ("address", "10.0.0.1", ipaddress.ip_address("10.0.0.1")),
]


@pytest.mark.parametrize(("name", "text", "value"), LITERALS)
def test_literals_are_parsed(name: str, text: str, value: Any) -> None:
    assert parse(name, text) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("int32_value", "2147483648"),
        ("int32_value", "1.0"),
        ("int32_value", "1" * 5000),
        ("double_value", "1e999"),
        ("double_value", "0x1"),
        ("bool_value", "yes"),
        ("string_value", "\0"),
        ("bytes_value", "!"),
        ("color", "RED"),
        ("identifier", "1"),
        ("at", "1970-01-01"),
        ("at", "1970-01-01T00:00:00"),
        ("at", "1970-13-01T00:00:00Z"),
        ("at", "1970-01-01T00:00:00.0000001Z"),
        ("lasts", "1"),
        ("lasts", "1.0000001s"),
        ("day", "2001-02-29"),
        ("day", "20010228"),
        ("opens", "25:00"),
        ("exact", "one"),
        ("cost", "one"),
        ("address", "localhost"),
        ("network", "10.0.0.1/8"),
    ],
)
def test_bad_literals_are_refused(name: str, text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse(name, text)


def test_only_documents_arrays_and_points_have_no_literals() -> None:
    without = {field.type.kind for field in FIELDS.values() if field.type.parse is None}
    assert without == {ValueKind.JSON, ValueKind.ARRAY, ValueKind.POINT}


@given(st.floats(width=32))
def test_floats_keep_their_bits(number: float) -> None:
    assert struct.pack("<f", decode("float_value", encode("float_value", number))) == struct.pack(
        "<f", number
    )
