"""Literals of policies: a text stands in quotes, so that a misspelt name is an error and not a text.

A caller's own filter may leave them out; but `owner != pricipal.id` in a rule would show everybody all rows.
"""

from collections.abc import Iterator

from gateway.errors.suggest import did_you_mean
from gateway.policy.caller import CALLER, is_caller
from gateway.request.filter.context import Context
from gateway.request.filter.literals import is_quoted
from gateway.request.filter.tree import All, Arg, Function, Member, Negation, Restriction, Some
from gateway.schema.model import Resource
from gateway.schema.values import ValueKind

_WORDS = frozenset({"true", "false", "null", "*"})


def require_quotes(context: Context, tree: Arg, resource: Resource | None = None) -> None:
    """Raise InvalidArgument for a text without quotes.

    Args:
        context: of the rule or condition.
        tree: it, or a part of it.
        resource: whose rows a rule is of: names of its enums' values need no quotes. None for conditions.

    """
    match tree:
        case All(items) | Some(items):
            for item in items:
                require_quotes(context, item, resource)
        case Negation(item):
            require_quotes(context, item, resource)
        case Function(names, args):
            for i, literal in enumerate(args):
                if (i or len(names) > 1) and isinstance(literal, Member) and is_caller(literal):
                    raise context.error(literal.offset, "the caller's values stand beside a comparator")
                if not _is_field(literal, resource):
                    _require(context, literal, resource)
        case Restriction(left, _, right):
            require_quotes(context, left, resource)
            for literal in _literals(right):
                _require(context, literal, resource, is_enum=_is_enum(left, resource))


def _literals(right: Arg | None) -> Iterator[Arg]:
    """Yield what stands on the right of a comparator, one by one: `state = (OPEN OR SHUT)` has two."""
    match right:
        case All(items) | Some(items):
            for item in items:
                yield from _literals(item)
        case Negation(item) | Restriction(item, None):
            yield from _literals(item)
        case _ if right is not None:
            yield right


def _require(context: Context, literal: Arg, resource: Resource | None, *, is_enum: bool = False) -> None:
    if not isinstance(literal, Member):
        require_quotes(context, literal, resource)
        return
    text, first = literal.text, literal.tokens[0].text[:1]
    is_bare = not is_quoted(literal) and text not in _WORDS and (first.isalpha() or first == "_")
    if not is_bare or is_caller(literal) or (is_enum and len(literal.tokens) == 1):
        return
    if _is_field(literal, resource):
        expected = f"{text} is a field: it stands on the left, and the caller's value on the right"
        raise context.error(literal.offset, expected)
    hint = did_you_mean(literal.tokens[0].text, (CALLER,)) if len(literal.tokens) > 1 else ""
    raise context.error(literal.offset, f'expected quotes around a text, as "{text}"{hint}')


def _is_field(arg: Arg, resource: Resource | None) -> bool:
    if resource is None or not isinstance(arg, Member) or is_quoted(arg):
        return False
    first = arg.tokens[0].text
    return first in resource.by_name or first in resource.relation_by_name


def _is_enum(left: Arg, resource: Resource | None) -> bool:
    field = resource.by_name.get(left.tokens[0].text) if resource and isinstance(left, Member) else None
    if field is None:
        return False
    return ValueKind.ENUM in {one.kind for one in (field.type, field.type.element) if one is not None}
