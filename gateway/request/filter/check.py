"""Tree → plan: names become fields, literals become driver values, and what doesn't fit is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.request.filter.calls import (
    call_condition,
    call_subject,
    literal_of,
    other_field,
    relative_micros,
)
from gateway.request.filter.compare import (
    Subject,
    compare,
    compare_fields,
    compare_null,
    compare_time,
    is_of_list,
    one_of,
)
from gateway.request.filter.context import Context
from gateway.request.filter.documents import compare_inside, subject_inside
from gateway.request.filter.functions import CONDITIONS
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import is_quoted, is_word, pattern
from gateway.request.filter.places import PLACES, place_condition
from gateway.request.filter.plan import And, Column, Filter, Not, Or, Predicate, RelativeTime, Search
from gateway.request.filter.resolve import contains, present, resolve, subject_of
from gateway.request.filter.tree import All, Arg, Expression, Function, Member, Negation, Restriction, Some
from gateway.request.filter.weight import check_weight
from gateway.schema.model import Field, Resource
from gateway.schema.values import ValueKind


def check(text: str, tree: Expression | None, resource: Resource) -> Filter:
    """Return the plan of a filter over `resource`; raises InvalidArgument where it doesn't fit."""
    if tree is None:
        return Filter(None, ())
    context = Context(text)
    shape = Checker(context, resource).expression(tree)
    check_weight(shape)
    values = context.values()
    return Filter(shape, values, any(isinstance(value, RelativeTime) for value in values))


_DIVIDED = (ValueKind.JSON, ValueKind.ARRAY)
"""The kinds of values that hold others."""


@dataclass(frozen=True, slots=True)
class _Left:
    """A field left of a comparator, with the path below it."""

    member: Member
    field: Field


class Checker:
    """Makes the plan of one filter's tree."""

    def __init__(self, context: Context, resource: Resource) -> None:
        self._context = context
        self._resource = resource

    def expression(self, tree: Expression) -> Predicate:
        """Return an expression's condition; raises InvalidArgument where it doesn't fit."""
        match tree:
            case All(items):
                return And(tuple(self.expression(item) for item in items))
            case Some(items):
                return Or(tuple(self.expression(item) for item in items))
            case Negation(item):
                return Not(self.expression(item))
            case Restriction(comparable, comparator, arg):
                return self.restriction(comparable, comparator, arg)

    def restriction(self, left: Member | Function, comparator: Token | None, arg: Arg | None) -> Predicate:
        """Return a comparison's condition, or a function's, or a search's."""
        if isinstance(left, Function):
            return self._call(left, comparator, arg)
        if comparator is None or arg is None:
            return self._search(left)
        field = resolve(self._context, self._resource, left)
        return self._spread(_Left(left, field), comparator, arg)

    def _call(self, call: Function, comparator: Token | None, arg: Arg | None) -> Predicate:
        name = f"{call.text}(…)"
        if call.names[-1].text in PLACES:
            return place_condition(self._context, call, comparator, arg, self.subject)
        if call.names[-1].text in CONDITIONS:
            if comparator is not None:
                raise self._context.error(comparator.offset, f"{name} is a condition: it takes no comparator")
            return call_condition(self._context, call, self.subject)
        subject = call_subject(self._context, call, self.subject)
        if comparator is None or arg is None:
            raise self._context.error(call.offset, f"{name} is a value: expected a comparator after it")
        return self._spread(subject, comparator, arg)

    def subject(self, named: Member | Function) -> Subject:
        """Return what a field is, what is inside one, or what a function makes of it."""
        if isinstance(named, Function):
            return call_subject(self._context, named, self.subject)
        field = resolve(self._context, self._resource, named)
        if field.type.kind is ValueKind.JSON:
            return subject_inside(self._context, field, named.tokens[1:])
        return subject_of(field)

    def _spread(  # noqa: PLR0911 - one line per record
        self, left: "_Left | Subject", comparator: Token, arg: Arg
    ) -> Predicate:
        """Compare with each of the values: `a = (b OR c)` is `a = b OR a = c`; a number's `-` is its sign."""
        match arg:
            case Member():
                return self._beside(left, comparator, arg)
            case Function():
                return self._beside_call(left, comparator, arg)
            case All(items):
                return And(tuple(self._spread(left, comparator, item) for item in items))
            case Some(items):
                return self._beside_list(left, comparator, items) or Or(
                    tuple(self._spread(left, comparator, item) for item in items)
                )
            case Negation(Restriction(Member() as number, None), minus=True) if _has_sign(number):
                return self._beside(left, comparator, replace(number, negative=True))
            case Negation(item):
                return Not(self._spread(left, comparator, item))
            case Restriction(comparable, None):
                return self._spread(left, comparator, comparable)
            case Restriction(comparable):
                raise self._context.error(
                    comparable.offset, "expected a value; a comparison can't stand in a value"
                )

    def _beside(self, left: "_Left | Subject", comparator: Token, literal: Member) -> Predicate:
        if isinstance(left, _Left):
            return self.compare(left.member, left.field, comparator, literal)
        return self.compare_computed(left, comparator, literal)

    def _beside_call(self, left: "_Left | Subject", comparator: Token, call: Function) -> Predicate:
        """Return the comparison with what a function gives: a time, another field, or a marked literal."""
        micros, other = relative_micros(self._context, call), other_field(self._context, call)
        if micros is not None:
            return compare_time(self._context, self._subject(left), comparator, micros)
        if other is not None:
            return compare_fields(self._context, self._subject(left), comparator, self.subject(other))
        described = left.field if isinstance(left, _Left) else left
        literal = literal_of(self._context, described.type.kind, described.name, call)
        return self._beside(left, comparator, literal)

    def _subject(self, left: "_Left | Subject") -> Subject:
        return self.subject(left.member) if isinstance(left, _Left) else left

    def _beside_list(
        self, left: "_Left | Subject", comparator: Token, items: Sequence[Expression]
    ) -> Predicate | None:
        """Return `a = (b OR c)` as one comparison with a list; None where each value needs its own."""
        if comparator.text != "=" or (isinstance(left, _Left) and left.field.type.kind in _DIVIDED):
            return None
        subject = self._subject(left)
        values = [
            item.comparable
            for item in items
            if isinstance(item, Restriction)
            and isinstance(item.comparable, Member)
            and item.comparator is None
            and self.is_of_list(subject, item.comparable)
        ]
        if len(values) < len(items):
            return None
        return one_of(self._context, subject, values)

    def is_of_list(self, subject: Subject, literal: Member) -> bool:
        """Whether a literal beside a field may stand in a list that is bound as one."""
        return is_of_list(subject, literal)

    def compare(self, left: Member, field: Field, comparator: Token, literal: Member) -> Predicate:
        """Return the condition of a field beside one literal."""
        if field.type.kind is ValueKind.JSON:
            return compare_inside(self._context, field, left.tokens[1:], comparator, literal)
        if comparator.text == ":" and is_word(literal, "*"):
            return present(self._context, field)
        if field.type.kind is ValueKind.ARRAY:
            return self._array(field, comparator, literal)
        return compare(self._context, subject_of(field), comparator, literal)

    def compare_computed(self, subject: Subject, comparator: Token, literal: Member) -> Predicate:
        """Return the condition of what a function makes beside one literal."""
        if comparator.text == ":" and is_word(literal, "*"):
            raise self._context.error(comparator.offset, f"{subject.name} has no :*; ask it of the field")
        return compare(self._context, subject, comparator, literal)

    def _array(self, field: Field, comparator: Token, literal: Member) -> Predicate:
        column = Column(field.column)
        if is_word(literal, "null"):
            return compare_null(self._context, column, comparator)
        if comparator.text != ":" or field.type.element is None:
            raise self._context.error(
                comparator.offset, f'{field.name} is repeated, which has no "{comparator.text}"; expected :'
            )
        return contains(self._context, field, field.type.element, literal)

    def _search(self, literal: Member) -> Predicate:
        """Return a bare literal's condition: a text field contains it, whatever its case."""
        if not is_quoted(literal) and literal.tokens[0].text in self._resource.by_name:
            expected = "is a field: expected a comparator after it, or quotes for the text"
            raise self._context.error(literal.offset, f'"{literal.tokens[0].text}" {expected}')
        columns = tuple(f.column for f in self._resource.fields if f.type.kind is ValueKind.TEXT)
        if not columns:
            raise self._context.error(
                literal.offset, "no field holds text: expected a field and a comparator"
            )
        return Search(columns, self._context.bind(pattern(literal, inside=True)))


def _has_sign(literal: Member) -> bool:
    """Return whether the `-` before it is its sign, and negates nothing."""
    return literal.text[:1].isdigit() or literal.text == "Infinity"
