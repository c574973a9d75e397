"""Tree → plan: names become fields, literals become driver values, and what doesn't fit is refused."""

from dataclasses import replace

from gateway.request.filter.compare import Subject, compare, compare_null, enum_names
from gateway.request.filter.context import Context
from gateway.request.filter.documents import compare_inside
from gateway.request.filter.functions import call_condition, literal_of
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import is_quoted, is_word, pattern
from gateway.request.filter.plan import And, Column, Filter, Not, Or, Predicate, Search
from gateway.request.filter.resolve import contains, present, resolve
from gateway.request.filter.tree import All, Arg, Expression, Function, Member, Negation, Restriction, Some
from gateway.schema.model import Field, Resource
from gateway.schema.values import ValueKind


def check(text: str, tree: Expression | None, resource: Resource) -> Filter:
    """Return the plan of a filter over `resource`; raises InvalidArgument where it doesn't fit."""
    if tree is None:
        return Filter(None, ())
    context = Context(text)
    shape = Checker(context, resource).expression(tree)
    return Filter(shape, context.values())


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
            if comparator is not None:
                name = f"{left.text}(…)"
                raise self._context.error(comparator.offset, f"{name} is a condition: it takes no comparator")
            return call_condition(self._context, self._resource, left)
        if comparator is None or arg is None:
            return self._search(left)
        field = resolve(self._context, self._resource, left)
        return self._apply(left, field, comparator, arg)

    def _apply(self, left: Member, field: Field, comparator: Token, arg: Arg) -> Predicate:
        match arg:
            case Member():
                return self.compare(left, field, comparator, arg)
            case Function():
                return self.compare(left, field, comparator, literal_of(self._context, field, arg))
            case _:
                return self._spread(left, field, comparator, arg)

    def _spread(self, left: Member, field: Field, comparator: Token, values: Expression) -> Predicate:
        """Compare with each of the values: `a = (b OR c)` is `a = b OR a = c`; a number's `-` is its sign."""
        match values:
            case All(items):
                return And(tuple(self._spread(left, field, comparator, item) for item in items))
            case Some(items):
                return Or(tuple(self._spread(left, field, comparator, item) for item in items))
            case Negation(Restriction(Member() as number, None), minus=True) if number.text[:1].isdigit():
                return self.compare(left, field, comparator, replace(number, negative=True))
            case Negation(item):
                return Not(self._spread(left, field, comparator, item))
            case Restriction(comparable, None):
                return self._apply(left, field, comparator, comparable)
            case Restriction(comparable):
                raise self._context.error(
                    comparable.offset, "expected a value; a comparison can't stand in a value"
                )

    def compare(self, left: Member, field: Field, comparator: Token, literal: Member) -> Predicate:
        """Return the condition of a field beside one literal."""
        column = Column(field.column)
        if field.type.kind is ValueKind.JSON:
            return compare_inside(self._context, field, left.tokens[1:], comparator, literal)
        if comparator.text == ":" and is_word(literal, "*"):
            return present(self._context, field)
        if field.type.kind is ValueKind.ARRAY:
            return self._array(field, comparator, literal)
        return compare(
            self._context,
            Subject(column, field.type, field.name, enum_names(field.descriptor)),
            comparator,
            literal,
        )

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
