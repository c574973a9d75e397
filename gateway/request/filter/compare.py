"""One value compared with one literal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.descriptor import FieldDescriptor

from gateway.errors.suggest import did_you_mean
from gateway.request.filter.context import Context
from gateway.request.filter.lexer import Token
from gateway.request.filter.literals import has_wildcard, is_word, literal_value, pattern
from gateway.request.filter.plan import (
    Compare,
    Comparison,
    FieldComparison,
    IsNull,
    Like,
    Not,
    OneOf,
    Operand,
    Predicate,
    RelativeTime,
)
from gateway.request.filter.tree import Member
from gateway.schema.types.sql_types import without_modifiers
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

COMPARES: Mapping[str, Compare] = {
    "=": Compare.EQ,
    ":": Compare.EQ,
    "!=": Compare.NE,
    "<": Compare.LT,
    "<=": Compare.LE,
    ">": Compare.GT,
    ">=": Compare.GE,
}
_EQUALITY = (Compare.EQ, Compare.NE)
_UNORDERED = (ValueKind.BOOL, ValueKind.ENUM)
_NUMBERS = (ValueKind.INTEGER, ValueKind.FLOAT, ValueKind.DECIMAL)
_OF_ONE_TYPE = (ValueKind.TEXT, ValueKind.BOOL, ValueKind.BYTES, ValueKind.UUID, ValueKind.DATE)
"""The kinds whose types are all compared with each other."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What stands left of a comparator.

    Args:
        operand: where its value is.
        type: how literals become values of it.
        name: how the filter spells it, for errors.
        values: an enum's names, for errors.

    """

    operand: Operand
    type: ValueType
    name: str
    values: tuple[str, ...] = ()


def compare(context: Context, subject: Subject, comparator: Token, literal: Member) -> Predicate:
    """Return the comparison of a single value; raises InvalidArgument where the two don't fit.

    `= null` and `!= null` ask whether there is a value. `*` in a text's equality is any text; `:` finds a
    text anywhere in a text, whatever its case, and is equality for all else (AIP-160).
    """
    if is_word(literal, "null"):
        return compare_null(context, subject.operand, comparator)
    op = COMPARES[comparator.text]
    if subject.type.kind is ValueKind.TEXT:
        if comparator.text == ":":
            return Like(subject.operand, context.bind(pattern(literal, inside=True)), ignore_case=True)
        if op in _EQUALITY and has_wildcard(literal):
            like = Like(subject.operand, context.bind(pattern(literal)))
            return like if op is Compare.EQ else Not(like)
    check_operator(context, subject, comparator, op)
    return Comparison(subject.operand, op, context.bind(value_of(context, subject, literal)))


def one_of(context: Context, subject: Subject, literals: Sequence[Member]) -> Predicate:
    """Return whether a value is one of several, which are bound as one list, however many they are."""
    return OneOf(subject.operand, context.bind([value_of(context, subject, one) for one in literals]))


def is_of_list(subject: Subject, literal: Member) -> bool:
    """Whether a literal may stand in such a list: it is a value, and neither a pattern nor null."""
    is_pattern = subject.type.kind is ValueKind.TEXT and has_wildcard(literal)
    return subject.type.equality and not is_pattern and not is_word(literal, "null")


def compare_time(context: Context, subject: Subject, comparator: Token, micros: int) -> Predicate:
    """Return the comparison with the time that is so many microseconds after the request's."""
    if subject.type.kind not in (ValueKind.TIMESTAMP, ValueKind.DATE):
        raise context.error(
            comparator.offset, f"{subject.name} is of kind {subject.type.kind.value}, no time"
        )
    time = RelativeTime(micros, is_date=subject.type.kind is ValueKind.DATE)
    return Comparison(subject.operand, COMPARES[comparator.text], context.bind(time))


def compare_fields(context: Context, left: Subject, comparator: Token, right: Subject) -> Predicate:
    """Return the comparison of two values of the row; raises InvalidArgument for values of two kinds."""
    op = COMPARES.get(comparator.text)
    if op is None or comparator.text == ":":
        raise context.error(comparator.offset, f'two fields have no "{comparator.text}"; expected =, <, …')
    check_operator(context, left, comparator, op)
    if not _are_comparable(left.type, right.type):
        kinds = f"{left.name} is of kind {left.type.kind.value}, {right.name} of {right.type.kind.value}"
        raise context.error(comparator.offset, f"{kinds}: only fields of one kind can be compared")
    return FieldComparison(left.operand, op, right.operand)


def _are_comparable(left: ValueType, right: ValueType) -> bool:
    """Whether PostgreSQL compares values of two types, whatever they are."""
    if left.kind in _NUMBERS:
        return right.kind in _NUMBERS
    if left.kind is not right.kind:
        return False
    return left.kind in _OF_ONE_TYPE or without_modifiers(left.sql) == without_modifiers(right.sql)


def value_of(context: Context, subject: Subject, literal: Member) -> object:
    """Return the driver value of a literal; raises InvalidArgument at its place where it is unfit."""
    try:
        return literal_value(literal, subject.type)
    except InvalidValueError as error:
        hint = did_you_mean(literal.text, subject.values)
        raise context.error(literal.offset, f"{subject.name}: {error.description}{hint}") from error


def enum_names(field: FieldDescriptor) -> tuple[str, ...]:
    """Return the names of an enum field's values; none of another field."""
    return tuple(value.name for value in field.enum_type.values) if field.enum_type is not None else ()


def compare_null(context: Context, operand: Operand, comparator: Token) -> Predicate:
    """Return whether there is no value; raises InvalidArgument for a comparator that null doesn't have."""
    if comparator.text in ("=", ":"):
        return IsNull(operand)
    if comparator.text == "!=":
        return Not(IsNull(operand))
    raise context.error(comparator.offset, f'null has no "{comparator.text}"; expected = or !=')


def check_operator(context: Context, subject: Subject, comparator: Token, op: Compare) -> None:
    """Raise InvalidArgument for a comparator that what is compared doesn't have."""
    value_type = subject.type
    if op in _EQUALITY:
        if not value_type.equality:
            raise context.error(
                comparator.offset, f"{subject.name} can't be compared; expected = null, != null or :*"
            )
    elif not value_type.orderable or value_type.kind in _UNORDERED:
        kind = f"{subject.name} is of kind {value_type.kind.value}"
        raise context.error(comparator.offset, f'{kind}, which has no "{comparator.text}"; expected = or !=')
