"""Tree → plan: names become fields, literals become driver values, and what doesn't fit is refused."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from gateway.errors import InvalidArgument
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
from gateway.request.filter.functions import CONDITIONS, COUNT, EXISTS
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import is_quoted, is_word, pattern
from gateway.request.filter.places import PLACES, place_condition
from gateway.request.filter.plan import And, Column, Filter, Not, Or, Predicate, Search
from gateway.request.filter.related.relations import NO_RELATIONS, Relations
from gateway.request.filter.related.steps import Step, first_step, in_front
from gateway.request.filter.related.ways import Way, count_of, each_or_any, is_any, is_there, way_by
from gateway.request.filter.resolve import contains, present, resolve, subject_of
from gateway.request.filter.tree import All, Arg, Expression, Function, Member, Negation, Restriction, Some
from gateway.request.filter.weight import check_weight
from gateway.schema.model import Field, Resource
from gateway.schema.values import ValueKind


def check(
    text: str, tree: Expression | None, resource: Resource, relations: Relations = NO_RELATIONS
) -> Filter:
    """Return the plan of a filter over `resource`; raises InvalidArgument where it doesn't fit."""
    if tree is None:
        return Filter(None, ())
    context = Context(text)
    shape = Checker(context, resource, relations).expression(tree)
    check_weight(shape)
    return Filter(shape, context.values())


_WITH_CONDITION = 2
_DIVIDED = (ValueKind.JSON, ValueKind.ARRAY)
"""The kinds of values that hold others."""


@dataclass(frozen=True, slots=True)
class _Left:
    """A field left of a comparator, with the path below it."""

    member: Member
    field: Field


@dataclass(frozen=True, slots=True)
class _Below:
    """What is left of a comparator, of the rows that a relation holds.

    Args:
        way: to the rows.
        checker: of conditions on one of them.
        left: what is compared of it.

    """

    way: Way
    checker: "Checker"
    left: "_Beside"


_Beside: TypeAlias = _Left | Subject | _Below | Way
"""What stands left of a comparator."""


class Checker:
    """Makes the plan of one filter's tree.

    Args:
        context: the filter.
        resource: what the rows are.
        relations: those that it may go through.
        depth: how many it went through already.

    """

    def __init__(
        self, context: Context, resource: Resource, relations: Relations = NO_RELATIONS, depth: int = 0
    ) -> None:
        self._context = context
        self._resource = resource
        self._relations = relations
        self._depth = depth

    def of_rows(self, resource: Resource) -> "Checker":
        """Return what checks conditions on rows that a relation leads to."""
        return Checker(self._context, resource, self._relations, self._depth + 1)

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
        step = first_step(left)
        way = self._way(step) if step is not None else None
        if isinstance(left, Function) and left.names[-1].text in PLACES:
            return self._place(left, comparator, arg)
        if isinstance(left, Function) and left.names[-1].text in (*CONDITIONS, EXISTS):
            return self._condition(left, comparator, step, way)
        if comparator is None or arg is None:
            return self._alone(left, way)
        return self._spread(self._left(left), comparator, arg)

    def _condition(
        self, call: Function, comparator: Token | None, step: Step | None, way: Way | None
    ) -> Predicate:
        if comparator is not None:
            wrong = f"{call.text}(…) is a condition: it takes no comparator"
            raise self._context.error(comparator.offset, wrong)
        if way is None or step is None:
            if call.names[-1].text == EXISTS:
                raise self._no_relation(call, step)
            return call_condition(self._context, call, self.subject)
        if step.below is None:
            return self._exists(in_front(call), way)
        return each_or_any(self._context, way, self._rows_of(way).restriction(step.below, None, None))

    def _place(self, call: Function, comparator: Token | None, arg: Arg | None) -> Predicate:
        step = first_step(call)
        way = self._way(step) if step is not None else None
        if way is None or step is None or step.below is None:
            return place_condition(self._context, call, comparator, arg, self.subject)
        return each_or_any(self._context, way, self._rows_of(way).restriction(step.below, comparator, arg))

    def _alone(self, left: Member | Function, way: Way | None) -> Predicate:
        if isinstance(left, Member) and way is None:
            return self._search(left)
        if isinstance(left, Function):
            self._left(left)
            wrong = f"{left.text}(…) is a value: expected a comparator after it"
            raise self._context.error(left.offset, wrong)
        raise self._context.error(
            left.offset, f'"{left.text[:64]}" is a field: expected a comparator after it'
        )

    def _left(self, left: Member | Function) -> _Beside:
        """Return what stands left of a comparator, by the relations that lead there."""
        step = first_step(left)
        way = self._way(step) if step is not None else None
        if way is not None and step is not None:
            if step.below is not None:
                self._refuse_count_of_several(left, way)
                checker = self._rows_of(way)
                return _Below(way, checker, checker._left(step.below))  # noqa: SLF001 - of its own class
            if isinstance(left, Function):
                return self._count(in_front(left), way)
            return way
        if isinstance(left, Function):
            if left.names[-1].text == COUNT:
                raise self._no_relation(left, step)
            return call_subject(self._context, left, self.subject)
        return _Left(left, resolve(self._context, self._resource, left, self._relations))

    def _no_relation(self, call: Function, step: Step | None) -> InvalidArgument:
        """Return the error of a function that takes relations; raises it where nothing is called so."""
        if step is not None:
            resolve(self._context, self._resource, Member((step.token,)), self._relations)
        name = call.names[-1].text
        return self._context.error(
            call.offset, f"{name} takes a relation, as {name}(…) of rows that it holds"
        )

    def _way(self, step: Step) -> Way | None:
        return way_by(self._context, self._relations, self._resource, step.token, self._depth)

    def _rows_of(self, way: Way) -> "Checker":
        return self.of_rows(self._relations.target(way.relation))

    def _exists(self, call: Function, way: Way) -> Predicate:
        """Return whether one row meets all of a condition: `exists(flights, carrier = UA AND tail:*)`."""
        if call.names[-1].text != EXISTS or len(call.args) != _WITH_CONDITION:
            raise self._context.error(call.offset, f"{way.expected}, or {EXISTS}({way.name}, condition)")
        return is_any(self._context, way, self._of_arg(call.args[1], way))

    def _count(self, call: Function, way: Way) -> Subject:
        fits = call.names[-1].text == COUNT and 0 < len(call.args) <= _WITH_CONDITION
        if not fits or not way.relation.is_many:
            raise self._context.error(call.offset, way.expected)
        condition = self._of_arg(call.args[1], way) if len(call.args) > 1 else None
        return count_of(self._context, way, condition)

    def _refuse_count_of_several(self, left: Member | Function, way: Way) -> None:
        if isinstance(left, Function) and left.names[-1].text == COUNT and way.relation.is_many:
            wrong = f"counts the rows of one: write {EXISTS}({way.name}, {COUNT}(…) > 1)"
            raise self._context.error(left.offset, wrong)

    def _of_arg(self, arg: Arg, way: Way) -> Predicate:
        """Return the condition on the rows of a relation that a function's argument is."""
        checker = self._rows_of(way)
        if isinstance(arg, Member | Function):
            return checker.restriction(arg, None, None)
        return checker.expression(arg)

    def subject(self, named: Member | Function) -> Subject:
        """Return what a field is, what is inside one, or what a function makes of it."""
        if isinstance(named, Function):
            return call_subject(self._context, named, self.subject)
        field = resolve(self._context, self._resource, named, self._relations)
        if field.type.kind is ValueKind.JSON:
            return subject_inside(self._context, field, named.tokens[1:])
        return subject_of(field)

    def _spread(  # noqa: PLR0911 - one line per record
        self, left: _Beside, comparator: Token, arg: Arg
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

    def _beside(self, left: _Beside, comparator: Token, literal: Member) -> Predicate:
        if isinstance(left, _Below):
            condition = left.checker._beside(left.left, comparator, literal)  # noqa: SLF001 - of its own class
            asks = is_any if comparator.text == ":" and is_word(literal, "*") else each_or_any
            return asks(self._context, left.way, condition)
        if isinstance(left, Way):
            return is_there(self._context, left, comparator, literal)
        if isinstance(left, _Left):
            return self.compare(left.member, left.field, comparator, literal)
        return self.compare_computed(left, comparator, literal)

    def _beside_call(self, left: _Beside, comparator: Token, call: Function) -> Predicate:
        """Return the comparison with what a function gives: a time, another field, or a marked literal."""
        if isinstance(left, _Below):
            condition = left.checker._beside_call(left.left, comparator, call)  # noqa: SLF001 - of its own class
            return each_or_any(self._context, left.way, condition)
        if isinstance(left, Way):
            raise self._context.error(comparator.offset, left.expected)
        micros, other = relative_micros(self._context, call), other_field(self._context, call)
        if micros is not None:
            return compare_time(self._context, self._subject(left), comparator, micros)
        if other is not None:
            return compare_fields(self._context, self._subject(left), comparator, self.subject(other))
        described = left.field if isinstance(left, _Left) else left
        literal = literal_of(self._context, described.type.kind, described.name, call)
        return self._beside(left, comparator, literal)

    def _subject(self, left: _Left | Subject) -> Subject:
        return self.subject(left.member) if isinstance(left, _Left) else left

    def _beside_list(self, left: _Beside, comparator: Token, items: Sequence[Expression]) -> Predicate | None:
        """Return `a = (b OR c)` as one comparison with a list; None where each value needs its own."""
        if isinstance(left, _Below):
            found = left.checker._beside_list(left.left, comparator, items)  # noqa: SLF001 - of its own class
            return found and each_or_any(self._context, left.way, found)
        if (
            comparator.text != "="
            or isinstance(left, Way)
            or (isinstance(left, _Left) and left.field.type.kind in _DIVIDED)
        ):
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
