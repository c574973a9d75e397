"""The oracle's own reading of rules: what the documents say of values, NULL and callers."""

import pytest

from tests.row_policies.callers import Caller
from tests.row_policies.rules import Verdict, found, judged

TYPES = {"name": "text", "rank": "int", "open": "bool", "code": "uuid", "state": "enum", "data": "document"}
ROW = {
    "name": "acme",
    "rank": 3,
    "open": True,
    "code": "00000000-aaaa-4bbb-8ccc-000000000000",
    "state": "STATE_OPEN",
    "data": '{"size": 3}',
}
NULLS = dict.fromkeys(ROW)
CALLER = Caller(
    "jwt",
    "3",
    ("editor",),
    {
        "org": {"name": "acme", "star": "*"},
        "rank": 3,
        "text": "3",
        "yes": True,
        "huge": 10**30,
        "half": 2.5,
        "list": ["acme"],
        "code": "00000000-AAAA-4bbb-8ccc-000000000000",
        "state": "STATE_OPEN",
    },
)


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        ("", False),
        ("*", True),
        ("name = principal.claims.org.name", True),
        ("name != principal.claims.org.name", False),
        ("name = principal.claims.org.star", False),
        ("name = principal.claims.none", None),
        ("NOT name = principal.claims.none", None),
        ("name = principal.claims.list", None),
        ("name != principal.claims.rank", None),
        ("rank = principal.id", True),
        ("rank = principal.claims.text", None),
        ("rank <= principal.claims.rank", True),
        ("rank = principal.claims.yes", None),
        ("rank < principal.claims.huge", None),
        ("rank < principal.claims.half", None),
        ("open = principal.claims.yes", True),
        ("open = principal.claims.rank", None),
        ("code = principal.claims.code", True),
        ("code = principal.claims.text", None),
        ("state = principal.claims.state", True),
        ('principal.roles:"editor" AND NOT principal.roles:"anonymous"', True),
        ('principal.roles:"authenticated"', True),
        ("principal.claims.rank >= 3", True),
        ('principal.claims.rank = "3"', None),
        ("principal.claims.none = null", True),
        ('principal.claims.list:"acme"', True),
        ('principal.claims.text:"3"', None),
        ('principal.kind != "jwt"', False),
        ("rank = 4 OR open = true AND rank = 3", True),
        ("rank = 3 OR open = true AND rank = 4", False),
        ("rank = 3 OR (open = true AND rank = 4)", True),
    ],
)
def test_a_rule(rule: str, verdict: Verdict) -> None:
    assert judged(rule, ROW, TYPES, CALLER) is verdict


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", True),
        ('name = "ac*"', True),
        (r'name = "ac\*"', False),
        ('name != "x*"', True),
        ('name:"CM"', True),
        ('name.startsWith("ac")', True),
        ("data.size > 2", True),
        ('data.size = "3"', None),
        ("-rank > 4", True),
        ("rank = null", False),
    ],
)
def test_a_filter(text: str, verdict: Verdict) -> None:
    assert found(text, ROW, TYPES) is verdict


@pytest.mark.parametrize("text", ["name = acme", "NOT rank > 3", "open = true", 'state != "STATE_OPEN"'])
def test_null_is_neither(text: str) -> None:
    assert found(text, NULLS, TYPES) is None
