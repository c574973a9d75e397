"""Conditions over the caller alone: filters whose every name is one of the caller's values, run in Python.

    condition = compile_condition('principal.claims.level >= 3 AND principal.roles:"auditor"', "allow")
    condition.holds(principal)  # True, False, or None where it isn't known

The language is that of filters (gateway.request.filter), with what gateway.policy.caller says of values; AND
and OR don't stand side by side without parentheses. Only what is True lets anybody in. For policies that
speak of rows, too, `condition_of` compiles a part of a filter's tree.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from gateway.auth.principal import Principal
from gateway.errors import InvalidArgument
from gateway.errors.suggest import did_you_mean
from gateway.policy.caller import Test, caller_condition, caller_value, exact_text, is_caller
from gateway.policy.literals import require_quotes
from gateway.request.filter.context import Context
from gateway.request.filter.lexer import Token
from gateway.request.filter.parser import parse
from gateway.request.filter.tree import All, Arg, Expression, Function, Member, Negation, Restriction, Some

_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "startsWith": str.startswith,
    "endsWith": str.endswith,
    "contains": str.__contains__,
}
_ARGS = 2


class ConditionError(ValueError):
    """A text that is no condition. Says where, what is wrong and what would be right, with a caret."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition over the caller.

    Args:
        text: as it was written.
        holds: says whether it is true of a caller; None where that is unknown, which lets nobody in.

    """

    text: str
    holds: Test


def compile_condition(text: str, where: str) -> Condition:
    """Return a condition; raises ConditionError, which begins with where it stands."""
    context = Context(text)
    try:
        tree = parse(text, parentheses=True)
        if tree is None:
            raise context.error(0, 'expected a condition, as principal.id = "ann"')
        holds = condition_of(context, tree)
        require_quotes(context, tree)
        return Condition(text, holds)
    except InvalidArgument as error:
        raise ConditionError(f"{where}: {error.violations[0].description}") from error


def condition_of(context: Context, tree: Expression) -> Test:
    """Return what a tree says of a caller; raises InvalidArgument where it speaks of anything else."""
    match tree:
        case All(items):
            return _all([condition_of(context, item) for item in items])
        case Some(items):
            return _some([condition_of(context, item) for item in items])
        case Negation(item):
            return _not(condition_of(context, item))
        case Restriction(comparable, comparator, arg):
            return _restriction(context, comparable, comparator, arg)


def _restriction(
    context: Context, left: Member | Function, comparator: Token | None, arg: Arg | None
) -> Test:
    if isinstance(left, Function):
        return _function(context, left, comparator)
    _check_speaks_of_caller(context, left)
    if comparator is None or arg is None:
        raise context.error(left.tokens[-1].end, f'expected a comparator after "{left.text[:64]}"')
    return _spread(context, left, comparator, arg)


def _check_speaks_of_caller(context: Context, member: Member) -> None:
    if not is_caller(member):
        wrong = f'"{member.text[:64]}" is no value of the caller'
        raise context.error(member.offset, f"{wrong}: expected principal.id, .kind, .roles or .claims.NAME")


def _spread(context: Context, left: Member, comparator: Token, arg: Arg) -> Test:
    """Compare with each of the values: `a = (b OR c)` is `a = b OR a = c`; a number's `-` is its sign."""
    match arg:
        case Member():
            return caller_condition(context, left, comparator, arg)
        case All(items):
            return _all([_spread(context, left, comparator, item) for item in items])
        case Some(items):
            return _some([_spread(context, left, comparator, item) for item in items])
        case Negation(Restriction(Member() as number, None), minus=True) if number.text[:1].isdigit():
            return caller_condition(context, left, comparator, replace(number, negative=True))
        case Negation(item):
            return _not(_spread(context, left, comparator, item))
        case Restriction(Member() as member, None):
            return caller_condition(context, left, comparator, member)
        case Restriction(comparable):
            raise context.error(comparable.offset, "expected a value; a comparison can't stand in a value")
        case Function():
            raise context.error(arg.offset, 'expected a value: a text, as "x", a number, true, false or null')


def _function(context: Context, call: Function, comparator: Token | None) -> Test:
    name = call.names[-1].text
    compare = _TEXTS.get(name)
    if compare is None:
        known = did_you_mean(name, _TEXTS) or f"; known: {', '.join(_TEXTS)}"
        raise context.error(call.offset, f'there is no function "{call.text[:64]}"{known}')
    if comparator is not None:
        raise context.error(comparator.offset, f"{name}(…) is a condition: it takes no comparator")
    subject, text = _two_members(context, call)
    _check_speaks_of_caller(context, subject)
    value, wanted = caller_value(context, subject), exact_text(context, text)

    def holds(caller: Principal) -> bool | None:
        found = value(caller)
        return compare(found, wanted) if isinstance(found, str) else None

    return holds


def _two_members(context: Context, call: Function) -> tuple[Member, Member]:
    args = (Member(call.names[:-1]), *call.args) if len(call.names) > 1 else call.args
    if len(args) == _ARGS:
        subject, text = args
        if isinstance(subject, Member) and isinstance(text, Member):
            return subject, text
    raise context.error(call.offset, f'expected {call.names[-1].text}(principal.id, "text")')


def _all(items: Sequence[Test]) -> Test:
    def holds(caller: Principal) -> bool | None:
        held = [item(caller) for item in items]
        if False in held:
            return False
        return None if None in held else True

    return holds


def _some(items: Sequence[Test]) -> Test:
    def holds(caller: Principal) -> bool | None:
        held = [item(caller) for item in items]
        if True in held:
            return True
        return None if None in held else False

    return holds


def _not(item: Test) -> Test:
    def holds(caller: Principal) -> bool | None:
        held = item(caller)
        return None if held is None else not held

    return holds
