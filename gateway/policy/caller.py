"""The caller in the filters of policies: `principal.id`, `.kind`, `.roles:"x"` and `.claims.NAME`.

What is unknown denies: a claim that is missing, or of another type than what it is compared with, is neither
equal nor unequal, as NULL is in SQL.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from gateway.auth.principal import Principal
from gateway.errors.suggest import did_you_mean
from gateway.request.filter.context import Context
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import dynamic_value, is_quoted, is_word
from gateway.request.filter.tree import Member
from gateway.schema.values import ValueKind

CALLER = "principal"
_CLAIMS = "claims"
_ROLES = "roles"
_OWN = {"id": lambda caller: caller.id, "kind": lambda caller: caller.kind}
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

Value = Callable[[Principal], Any]
"""Returns a value of a caller; None where it has none."""
Condition = Callable[[Principal], bool | None]
"""Says whether something holds of a caller; None where that is unknown."""


def is_caller(member: Member) -> bool:
    """Whether a member speaks of the caller."""
    return not is_quoted(member) and member.tokens[0].text == CALLER and len(member.tokens) > 1


def is_id(member: Member) -> bool:
    """Whether a member is the caller's id: a text, also where callers are numbered."""
    return member.tokens[1].text == "id"


def caller_value(context: Context, member: Member) -> Value:
    """Return what reads the one value that a member names; raises InvalidArgument for none of a caller's."""
    part, *steps = (token.text for token in member.tokens[1:])
    if part == _CLAIMS and steps:
        return _claim(tuple(steps))
    if part in _OWN and not steps:
        return _OWN[part]
    raise _unknown(context, member, "expected principal.id, principal.kind or principal.claims.NAME")


def caller_condition(context: Context, left: Member, comparator: Token, literal: Member) -> Condition:
    """Return what a comparison of the caller with a literal says; raises InvalidArgument where it can't be.

    A list, of roles or in a claim, has `:` alone, which asks whether it holds the literal.
    """
    if left.tokens[1].text == _ROLES:
        return _has_role(context, left, comparator, literal)
    value = caller_value(context, left)
    if comparator.text == ":":
        return _present(value) if is_word(literal, "*") else _holds(value, _literal(literal))
    if is_word(literal, "null"):
        return _is_null(context, value, comparator)
    compare, wanted = _COMPARES[comparator.text], _literal(literal)
    if comparator.text not in _EQUALITY and not isinstance(wanted, Decimal):
        raise context.error(comparator.offset, f'expected a number after "{comparator.text}", or = or !=')
    return _compared(value, compare, wanted)


def _has_role(context: Context, left: Member, comparator: Token, literal: Member) -> Condition:
    if len(left.tokens) > 2 or comparator.text != ":":  # noqa: PLR2004 - principal, roles
        raise context.error(comparator.offset, 'roles are a list: expected principal.roles:"name"')
    role = literal.text
    return lambda caller: role in caller.roles


def _claim(steps: tuple[str, ...]) -> Value:
    def read(caller: Principal) -> Any:
        value: Any = caller.claims
        for step in steps:
            value = value.get(step) if isinstance(value, Mapping) else None
        return value

    return read


def _literal(literal: Member) -> Any:
    kind, value = dynamic_value(literal)
    return value if kind is not ValueKind.TEXT else literal.text


def _compared(value: Value, compare: Callable[[Any, Any], bool], wanted: Any) -> Condition:
    def holds(caller: Principal) -> bool | None:
        found = _as_literal(value(caller))
        return compare(found, wanted) if type(found) is type(wanted) else None

    return holds


def _holds(value: Value, wanted: Any) -> Condition:
    def holds(caller: Principal) -> bool | None:
        found = value(caller)
        if not isinstance(found, list | tuple):
            return None
        return any(type(one) is type(wanted) and one == wanted for one in map(_as_literal, found))

    return holds


def _present(value: Value) -> Condition:
    return lambda caller: value(caller) is not None


def _is_null(context: Context, value: Value, comparator: Token) -> Condition:
    if comparator.text not in _EQUALITY:
        raise context.error(comparator.offset, f'null has no "{comparator.text}"; expected = or !=')
    equal = comparator.text == "="
    return lambda caller: (value(caller) is None) is equal


def _as_literal(value: Any) -> Any:
    """Return a claim's value as literals have it: its numbers are exact."""
    if isinstance(value, float | int) and not isinstance(value, bool):
        return Decimal(str(value))
    return value


def _unknown(context: Context, member: Member, expected: str) -> Exception:
    part = member.tokens[1]
    hint = did_you_mean(part.text, _PARTS)
    return context.error(part.offset, f"{expected}{hint}")
