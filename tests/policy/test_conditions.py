"""What conditions over the caller say, and what is no condition."""

from itertools import product
from typing import Any

import pytest

from gateway.auth.principal import ANONYMOUS
from gateway.policy.condition import ConditionError, compile_condition
from tests.policy.callers import caller

_CLAIMS: dict[str, Any] = {
    "tenant": "t*",
    "level": 3,
    "share": 0.1,
    "active": True,
    "groups": ["audit", 7, False],
    "org": {"unit": "north", "a b": "c"},
    "none": None,
    "huge": 12345678901234567890,
    "infinite": float("inf"),
}


def _held(text: str) -> bool | None:
    return compile_condition(text, "here").holds(caller("auditor", **_CLAIMS))


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ('principal.id = "ann"', True),
        ('principal.id = "Ann"', False),
        ('principal.id != "ann"', False),
        ('principal.kind = "jwt"', True),
        ('principal.roles:"auditor"', True),
        ('principal.roles:("auditor" "clerk")', False),
        ('principal.roles:("auditor" OR "clerk")', True),
        ('NOT principal.roles:"clerk"', True),
        (r'principal.claims.tenant = "t\*"', True),
        ('principal.claims.tenant = "t"', False),
        ("principal.claims.level = 3", True),
        ("principal.claims.level = 3.0", True),
        ("principal.claims.level >= 4", False),
        ("principal.claims.level > -4", True),
        ("principal.claims.level = (1 OR 3)", True),
        ("principal.claims.level = (-3)", False),
        ("principal.claims.share = 0.1", True),
        ("principal.claims.huge = 12345678901234567890", True),
        ("principal.claims.huge = 12345678901234567891", False),
        ("principal.claims.active = true", True),
        ("principal.claims.active != true", False),
        ('principal.claims.groups:"audit"', True),
        ("principal.claims.groups:7", True),
        ("principal.claims.groups:1", False),
        ('principal.claims.groups:"7"', False),
        ("principal.claims.groups:false", True),
        ('principal.claims.org.unit = "north"', True),
        ('principal.claims.org."a b" = "c"', True),
        ('principal.claims."org".unit = "north"', True),
        ("principal.claims.tenant = null", False),
        ("principal.claims.none = null", True),
        ("principal.claims.absent = null", True),
        ("principal.claims.absent != null", False),
        ("principal.claims.tenant:*", True),
        ("principal.claims.none:*", False),
        ('principal.id.startsWith("a")', True),
        ('endsWith(principal.id, "N")', False),
        (r'contains(principal.claims.tenant, "\*")', True),
    ],
)
def test_what_is_known(text: str, *, held: bool) -> None:
    assert _held(text) is held


@pytest.mark.parametrize(
    "text",
    [
        "principal.claims.absent = 1",
        "principal.claims.absent != 1",
        "principal.claims.none = 1",
        "principal.claims.level = true",
        'principal.claims.level = "3"',
        "principal.claims.active = 1",
        "principal.claims.active = (0 OR 1)",
        'principal.claims.share = "audit"',
        "principal.claims.tenant < 4",
        'principal.claims.tenant:"t"',
        'principal.claims.groups = "audit"',
        'principal.claims.org = "north"',
        'principal.claims.org:"unit"',
        "principal.claims.level.deep = 3",
        'principal.claims.groups.0 = "audit"',
        "principal.claims.infinite > 1",
        'principal.claims.absent.startsWith("a")',
        "principal.claims.level.startsWith(3)",
    ],
)
def test_what_is_unknown_is_unknown_negated_too(text: str) -> None:
    assert _held(text) is None
    assert _held(f"NOT {text}") is None
    assert _held(f"NOT (NOT {text})") is None


_VALUES: dict[bool | None, str] = {
    True: 'principal.id = "ann"',
    False: 'principal.id = "bob"',
    None: "principal.claims.absent = 1",
}


@pytest.mark.parametrize(("one", "other"), list(product(_VALUES, repeat=2)))
def test_conditions_have_three_values_as_sql_has(one: bool | None, other: bool | None) -> None:  # noqa: FBT001
    held = {one, other}
    both = _held(f"{_VALUES[one]} AND {_VALUES[other]}")
    either = _held(f"{_VALUES[one]} OR {_VALUES[other]}")
    assert both is (False if False in held else None if None in held else True)
    assert either is (True if True in held else None if None in held else False)


def test_roles_of_who_brings_no_credential() -> None:
    holds = compile_condition('principal.roles:"anonymous" AND principal.kind = "anonymous"', "here").holds
    assert (holds(ANONYMOUS), holds(caller())) == (True, False)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "expected a condition"),
        ("  ", 1, "expected a condition"),
        ("principal.idd = ann", 11, 'did you mean "id"?'),
        ("principal.name = ann", 11, "expected principal.id, principal.kind or principal.claims.NAME"),
        ("principal = ann", 1, "is no value of the caller"),
        ('"principal".id = ann', 1, "is no value of the caller"),
        ("owner = ann", 1, '"owner" is no value of the caller'),
        ("ann", 1, '"ann" is no value of the caller'),
        ("principal.id", 13, "expected a comparator"),
        ("principal.id.x = ann", 14, "has no fields"),
        ("principal.claims = 1", 17, "expected the name of a claim"),
        ("principal.roles = x", 17, 'expected principal.roles:"name"'),
        ("principal.roles.x:y", 18, 'expected principal.roles:"name"'),
        ('principal.roles:"x*"', 17, "match exactly"),
        ("principal.id = a*", 16, "match exactly"),
        ('principal.id.startsWith("a*")', 25, "match exactly"),
        ("principal.id = principal.claims.sub", 16, "stand on the left"),
        ("principal.id < ann", 14, 'expected a number after "<"'),
        ("principal.claims.level < null", 24, 'null has no "<"'),
        ("principal.id=a AND principal.id=b OR principal.id=c", 35, "needs parentheses"),
        ("principal.id = (principal.id = a)", 17, "a comparison can't stand in a value"),
        ("principal.id = lower(a)", 16, "expected a value"),
        ("principal.id.startWith(a)", 1, 'did you mean "startsWith"?'),
        ("lower(principal.id) = a", 1, "known: startsWith"),
        ("startsWith(principal.id)", 1, 'expected startsWith(principal.id, "text")'),
        ("startsWith(owner, a)", 12, "is no value of the caller"),
        ("principal.id.startsWith(a) = true", 28, "takes no comparator"),
        ("principal.id ~ ann", 13, "expected a comparator"),
        ("principal.id = ann", 16, 'expected quotes around a text, as "ann"'),
        ("principal.id = pricipal.id", 16, 'did you mean "principal"?'),
        ("principal.claims.mfa = tru", 24, 'expected quotes around a text, as "tru"'),
        ("principal.roles:(auditor clerk)", 18, 'expected quotes around a text, as "auditor"'),
        ('principal.id = ("ann" OR -bob)', 27, "expected quotes around a text"),
        ('principal.id.startsWith("a") OR startsWith(principal.id, b)', 58, "expected quotes around a text"),
    ],
)
def test_what_is_no_condition_is_told_with_its_place(text: str, column: int, said: str) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_condition(text, "here")
    message = str(caught.value)
    assert message.startswith(f"here: column {column}: ")
    assert said in message
    assert message.endswith(" " * column + " ^")


def test_a_condition_keeps_its_text() -> None:
    assert compile_condition('principal.id = "ann"', "here").text == 'principal.id = "ann"'
