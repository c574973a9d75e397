"""Regular expressions of filters: what they are, what is refused, and that none of them takes long."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.request.filter.regular_expressions import (
    MAX_NODES,
    MAX_PATTERN,
    InvalidPatternError,
    read_pattern,
)
from tests.conftest import GatewayFor
from tests.filters.judged import expressions
from tests.harness.client import RpcFailed
from tests.rpc.readside import insert

LIST = "types.v1.ScalarService/ListScalars"
HOSTILE = [
    "(a+)+$",
    "^(a|a)*$",
    "^(a|aa)+$",
    "(.*)(.*)(.*)(.*)(.*)(.*)[^b]$",
    "(x+x+)+y",
    "((a*)*)*$",
    "(?:(?:a{0,9}){0,9}){0,9}$",
    "(a?){200}a{200}",
    r"(\w+\s?)*!",
    ".*" * 100 + "b$",
    "(?i)(" + "|".join("a" * n for n in range(1, 20)) + ")+$",
]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("abc", "abc"),
        ("", ""),
        ("^a.b$", "^a.b$"),
        ("(a|b)+?", "(?:a|b)+"),
        (r"\d{2,}\.", r"[0-9]{2,}\."),
        ("[^]x-]", r"[^\]x\-]"),
        (r"[\d_é-ü]", r"[0-9\_é-ü]"),
        ("a b*", r"a\ b*"),
        ("***=a", None),
        (r"\Aa", None),
        ("é%_", r"é\%\_"),
    ],
)
def test_an_expression_is_written_anew(text: str, written: str | None) -> None:
    try:
        assert read_pattern(text).text == written
    except InvalidPatternError:
        assert written is None


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("(a", 0, 'a "(" without its ")"'),
        ("a)", 1, 'a ")" without its "("'),
        ("[a", 0, 'a "[" without its "]"'),
        ("*a", 0, "nothing stands before"),
        ("a**", 2, "expected a group"),
        ("^*", 0, "is a place"),
        ("a{3,2}", 1, "expected {2}"),
        ("a{256}", 1, "up to 255"),
        ("a{x}", 1, r"a brace is \{"),
        ("(?=a)", 0, "expected (?: or a plain group"),
        (r"(a)\1", 3, r'there is no "\1"'),
        (r"\b", 0, r'there is no "\b"'),
        ("a\\", 1, "a backslash with nothing behind it"),
        ("[b-a]", 1, "is no range"),
        ("[[:alpha:]]", 1, "expected"),
        ("(a{100}){11}", 12, f"more than {MAX_NODES}"),
        ("a" * (MAX_PATTERN + 1), 0, f"at most {MAX_PATTERN}"),
        ("(" * 33, 32, "nested"),
    ],
)
def test_what_is_refused(text: str, place: int, says: str) -> None:
    with pytest.raises(InvalidPatternError) as refused:
        read_pattern(text)
    assert says in refused.value.description
    assert refused.value.place == place


@settings(max_examples=500)
@given(st.text(alphabet="ab(|)[]{}*+?^$.\\d:=-,0129 \n'é", max_size=30))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        written = read_pattern(text).text
    except InvalidPatternError:
        return
    assert len(written) <= 12 * len(text)


@settings(max_examples=200)
@given(expressions())
def test_what_python_reads_is_read(text: str) -> None:
    re.compile(text)
    read_pattern(text)


async def test_what_takes_long_elsewhere_is_answered_soon(gateway_for: GatewayFor) -> None:
    """Python takes longer than the universe for the first of them."""
    gateway = await gateway_for("types")
    row = {"string_value": "a" * 20_000 + "b", "optional_string_value": "ab " * 5_000}
    resource = gateway.schema.resources["types.v1.Scalar"]
    await insert(gateway, resource, [{"id": i, **row} for i in range(10)])
    for text in HOSTILE:
        spelled = text.replace("\\", "\\\\")
        for column in ("string_value", "optional_string_value"):
            begun = time.monotonic()
            await gateway.call(LIST, filter=f'matches({column}, "{spelled}")', page_size=1)
            assert time.monotonic() - begun < 2.0, text


async def test_the_place_of_what_is_wrong_is_told(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(LIST, filter='matches(string_value, "a(b")')
    assert refused.value.reason == "INVALID_FILTER"
    assert 'character 2 of the regular expression: a "(" without its ")"' in refused.value.message
