"""The first step of a name in a filter: the field or relation that it begins with, and what is below."""

from dataclasses import replace
from typing import NamedTuple

from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import is_quoted
from gateway.request.filter.tree import Function, Member


class Step(NamedTuple):
    """What a name begins with.

    Args:
        token: the first part of the name.
        below: the same without it; None where nothing is left, or nothing but functions of the whole.

    """

    token: Token
    below: Member | Function | None


def first_step(left: Member | Function) -> Step | None:
    """Return the first step of a member, or of what a function is of first; None of what is no name."""
    if isinstance(left, Member):
        if is_quoted(left) or left.negative:
            return None
        token, *others = left.tokens
        return Step(token, Member(tuple(others)) if others else None)
    call = in_front(left)
    first = call.args[0] if call.args else None
    inner = first_step(first) if isinstance(first, Member | Function) else None
    if inner is None or inner.below is None:
        return inner
    return Step(inner.token, replace(call, args=(inner.below, *call.args[1:])))


def in_front(call: Function) -> Function:
    """Return a call with all that it is of among its arguments: `a.f(b)` is `f(a, b)`."""
    *receiver, name = call.names
    return Function((name,), (Member(tuple(receiver)), *call.args)) if receiver else call
