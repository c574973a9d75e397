"""The caller in the filters of policies: `principal.id`, `.kind`, `.roles:"x"` and `.claims.NAME`.

What is unknown denies: a claim that is missing, or of another type than what it is compared with, is neither
equal nor unequal, as NULL is in SQL. Values match exactly: `*` is no pattern, and `:` asks what a list holds.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any, TypeAlias

from gateway.auth.principal import Principal
from gateway.errors.suggest import did_you_mean
from gateway.request.filter.context import Context
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import dynamic_value, has_wildcard, is_quoted, is_word
from gateway.request.filter.tree import Member

Value: TypeAlias = Callable[[Principal], Any]
"""Returns a value of a caller, as JSON has it; None where it has none."""
Test: TypeAlias = Callable[[Principal], bool | None]
"""Says whether something holds of a caller; None where that is unknown."""

CALLER = "principal"
_CLAIMS, _ROLES = "claims", "roles"
_OWN: Mapping[str, Value] = {"id": lambda caller: caller.id, "kind": lambda caller: caller.kind}
_PARTS = (*_OWN, _ROLES, _CLAIMS)
_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
_EQUALITY = ("=", "!=")


def is_caller(member: Member) -> bool:
    """Whether a member speaks of the caller."""
    return not is_quoted(member) and member.tokens[0].text == CALLER and len(member.tokens) > 1


def is_id(member: Member) -> bool:
    """Whether a member of the caller's is the id: a text, also where callers are numbered."""
    return member.tokens[1].text == "id"


def caller_value(context: Context, member: Member) -> Value:
    """Return what reads the one value that a member names; raises InvalidArgument for none of a caller's."""
    part, *below = member.tokens[1:]
    if part.text == _CLAIMS:
        if not below:
            raise context.error(part.end, "expected the name of a claim: principal.claims.NAME")
        return claim_reader(tuple(token.text for token in below))
    if part.text not in _OWN:
        hint = did_you_mean(part.text, _PARTS)
        expected = "expected principal.id, principal.kind or principal.claims.NAME"
        raise context.error(part.offset, f"{expected}{hint}")
    if below:
        raise context.error(below[0].offset, f'"principal.{part.text}" has no fields: expected a comparator')
    return _OWN[part.text]


def caller_condition(context: Context, left: Member, comparator: Token, literal: Member) -> Test:
    """Return what a comparison of the caller with a literal says; raises InvalidArgument where it can't be.

    A list, of roles or in a claim, has `:` alone, which asks whether it holds the literal.
    """
    if left.tokens[1].text == _ROLES:
        return _has_role(context, left, comparator, literal)
    value = caller_value(context, left)
    if comparator.text == ":":
        return _present(value) if is_word(literal, "*") else _holds(value, _exactly(context, literal))
    if is_word(literal, "null"):
        return _is_null(context, value, comparator)
    wanted = _exactly(context, literal)
    if comparator.text not in _EQUALITY and not isinstance(wanted, Decimal):
        raise context.error(comparator.offset, f'expected a number after "{comparator.text}", or = or !=')
    return _compared(value, _COMPARES[comparator.text], wanted)


def exact_text(context: Context, literal: Member) -> str:
    """Return the text that a literal is; raises InvalidArgument for a pattern, and a value of the caller."""
    if has_wildcard(literal):
        raise context.error(literal.offset, r"a policy's values match exactly: write \* for a star")
    if is_caller(literal):
        raise context.error(literal.offset, "the caller's values stand on the left; quote what is a text")
    return literal.text


def _exactly(context: Context, literal: Member) -> Any:
    exact_text(context, literal)
    return dynamic_value(literal)[1]


def _has_role(context: Context, left: Member, comparator: Token, literal: Member) -> Test:
    if len(left.tokens) > 2 or comparator.text != ":":  # noqa: PLR2004 - principal, roles
        raise context.error(comparator.offset, 'roles are a list: expected principal.roles:"name"')
    role = exact_text(context, literal)
    return lambda caller: role in caller.roles


def own_reader(part: str, below: tuple[str, ...]) -> Value:
    """Return what reads the id, the kind, or the claim to which the names below lead."""
    return claim_reader(below) if part == _CLAIMS else _OWN[part]


def claim_reader(steps: tuple[str, ...]) -> Value:
    """Return what reads the claim to which some names lead."""

    def read(caller: Principal) -> Any:
        value: Any = caller.claims
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    return read


def _compared(value: Value, compare: Callable[[Any, Any], bool], wanted: Any) -> Test:
    def holds(caller: Principal) -> bool | None:
        found = _as_literal(value(caller))
        return compare(found, wanted) if type(found) is type(wanted) else None

    return holds


def _holds(value: Value, wanted: Any) -> Test:
    def holds(caller: Principal) -> bool | None:
        found = value(caller)
        if not isinstance(found, list | tuple):
            return None
        return any(type(one) is type(wanted) and one == wanted for one in map(_as_literal, found))

    return holds


def _present(value: Value) -> Test:
    return lambda caller: value(caller) is not None


def _is_null(context: Context, value: Value, comparator: Token) -> Test:
    if comparator.text not in _EQUALITY:
        raise context.error(comparator.offset, f'null has no "{comparator.text}"; expected = or !=')
    equal = comparator.text == "="
    return lambda caller: (value(caller) is None) is equal


def _as_literal(value: Any) -> Any:
    """Return a claim's value as literals have it: its numbers are exact, and finite."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        number = Decimal(str(value))
        return number if number.is_finite() else None
    return value
