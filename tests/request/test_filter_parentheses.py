"""Where it has to be certain what was meant, AND and OR don't stand side by side without parentheses."""

import pytest

from gateway.errors import InvalidArgument
from gateway.request.filter.parser import parse


@pytest.mark.parametrize(
    "text",
    [
        "a = 1 AND b = 2",
        "a = 1 OR b = 2",
        "a = 1 AND (b = 2 OR c = 3)",
        "(a = 1 AND b = 2) OR c = 3",
        "a = 1 (b = 2 OR c = 3)",
        "a = 1 AND NOT (b = 2 OR c = 3) AND d = 4",
        "a = (1 OR 2) AND b = 3",
        "((a = 1 OR b = 2)) AND c = 1",
    ],
)
def test_what_is_certain(text: str) -> None:
    assert parse(text, parentheses=True) == parse(text)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a=1 AND b=2 OR c=3", 13),
        ("a=1 OR b=2 AND c=3", 5),
        ("a=1 OR b=2 c=3", 5),
        ("a=1 b=2 OR c=3", 9),
        ("(a=1 OR b=2 AND c=3)", 6),
        ("a=1 AND (b=1 AND c=2 OR d=3)", 22),
        ("(a=1 OR b=2) AND c=3 OR d=4", 22),
    ],
)
def test_what_is_not(text: str, column: int) -> None:
    parse(text)
    with pytest.raises(InvalidArgument) as refused:
        parse(text, parentheses=True)
    assert refused.value.metadata["column"] == str(column)
