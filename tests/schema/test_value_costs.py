"""Reading a value takes time in proportion to its size, whatever is in it."""

import json
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.bulk.binary_values import wire_of
from gateway.schema.identity import key_identity
from gateway.schema.model import Field
from gateway.schema.values import InvalidValueError
from tests.harness.gateway import schema_of

FIELDS = {
    field.name: field
    for name in ("Scalar", "Rich")
    for field in schema_of("types").resources[f"types.v1.{name}"].fields
}
SMALL, LARGE = 2_000, 16_000
ROOM = 4
HASH_MODULUS = 2**61 - 1
"""What Python's hash of a number is taken modulo."""


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return the least time of several runs."""
    return min(_timed(work) for _ in range(7))


def _timed(work: Callable[[], object]) -> float:
    begun = time.process_time()
    with suppress(InvalidValueError):
        work()
    return time.process_time() - begun


def _encoding(name: str, value: Any) -> Callable[[], object]:
    field = FIELDS[name]
    message = GetMessageClass(field.descriptor.containing_type)(**{name: value})
    convert = field.type.encode
    assert convert is not None
    return lambda: convert(getattr(message, name))


TEXTS: dict[str, tuple[str, Callable[[int], Any]]] = {
    "digits that are no number": ("decimal_text", lambda n: "9" * n + "x"),
    "digits with a fraction that are none": ("exact", lambda n: {"value": "9" * n + "." + "9" * n + "x"}),
    "zeros after the point": ("exact", lambda n: {"value": "1." + "0" * n}),
    "backslashes in JSON": ("json_text", lambda n: '"' + "\\\\" * n + 'u0000"'),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_is_read_in_proportion_to_its_length(case: str) -> None:
    name, make = TEXTS[case]
    small, large = (cpu_seconds(_encoding(name, make(size))) for size in (SMALL, LARGE))
    assert large < ROOM * LARGE / SMALL * small + 0.001


def test_digits_in_json_are_read_as_quickly_as_all_else() -> None:
    digits, numbers = (f"[{text * (200_000 // len(text))}1]" for text in ("1" * 3999 + ",", "1" * 39 + ","))
    assert cpu_seconds(_encoding("json_text", digits)) < ROOM * cpu_seconds(_encoding("json_text", numbers))


def test_letters_in_json_are_read_as_quickly_as_each_other() -> None:
    exponents, others = (f'"-0{letter * 400_000}"' for letter in "ex")
    assert cpu_seconds(_encoding("jsonb_text", exponents)) < 2.5 * cpu_seconds(_encoding("json_text", others))


def test_jsonb_looks_at_digits_no_longer_than_json_does() -> None:
    digits = f"[{('1' * 3999 + ',') * 250}1]"
    as_json, as_jsonb = (cpu_seconds(_encoding(f"{kind}_text", digits)) for kind in ("json", "jsonb"))
    assert as_jsonb < 1.7 * as_json


def test_escapes_in_json_are_read_in_a_few_times_what_the_parser_takes() -> None:
    text = '"-0' + "\\\\" * 400_000 + '"'
    parsing = cpu_seconds(lambda: json.loads(text))
    assert cpu_seconds(_encoding("jsonb_text", text)) < 7 * parsing


@given(st.lists(st.text(alphabet='\\"-0e9u ', max_size=12), max_size=4))
def test_what_stands_in_strings_of_json_is_no_number(strings: list[str]) -> None:
    accepted = json.dumps(strings)
    assert _encoding("jsonb_text", accepted)() == accepted
    for number, reason in (("-0", "INEXACT"), ("1e131073", "OUT_OF_RANGE")):
        for refused in (f"[{number}, {accepted}]", f"[{accepted}, {number}]"):
            with pytest.raises(InvalidValueError) as caught:
                _encoding("jsonb_text", refused)()
            assert caught.value.reason == reason


def _wire_and_back(field: Field, number: Decimal) -> tuple[bytes, Any]:
    decode = field.type.decode
    assert decode is not None
    return wire_of(field).body(number), decode(number)


def test_an_exponent_is_no_more_work_than_its_digits() -> None:
    for number in (Decimal("1e131071"), Decimal("-12345e-16383")):
        body, read = _wire_and_back(FIELDS["exact"], number)
        assert len(body) < 20
        assert len(read["value"]) < 20
        assert Decimal(read["value"]) == number


def test_a_decimal_has_as_many_digits_as_a_numeric() -> None:
    body, read = _wire_and_back(FIELDS["exact"], Decimal("9" * 131_072))
    assert len(body) == 8 + 2 * 131_072 // 4
    assert read["value"] == "9" * 131_072


def _colliding(name: str, count: int) -> Iterable[Any]:
    numbers = [1 + i * HASH_MODULUS for i in range(count)]
    return [UUID(int=number) for number in numbers] if name == "identifier" else map(Decimal, numbers)


@pytest.mark.parametrize("name", ["identifier", "exact"])
def test_keys_that_were_chosen_to_collide_are_told_apart_as_others_are(name: str) -> None:
    identity = key_identity([FIELDS[name]])

    def distinct(count: int) -> Callable[[], object]:
        keys = [[key] for key in _colliding(name, count)]
        return lambda: len(set(map(identity, keys)))

    assert distinct(SMALL)() == SMALL
    assert cpu_seconds(distinct(LARGE)) < ROOM * LARGE / SMALL * cpu_seconds(distinct(SMALL))
