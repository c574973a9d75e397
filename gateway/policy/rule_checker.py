"""Rules of rows as filters that speak of their caller, too: text → plan."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from gateway.auth.principal import Principal
from gateway.policy.caller import Value, caller_value, is_caller, is_id
from gateway.policy.condition import condition_of
from gateway.policy.row_rules import CallerColumn
from gateway.request.filter.check import Checker
from gateway.request.filter.compare import COMPARES, Subject, check_operator
from gateway.request.filter.lexer import Token
from gateway.request.filter.plan import Column, Comparison, Given, OfCaller, Predicate
from gateway.request.filter.tree import Arg, Function, Member, Restriction
from gateway.schema.model import Field, Resource
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.types.numbers import boolean
from gateway.schema.types.sql_types import SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

_BOOLEAN = boolean(SqlType("boolean"))


class CallerColumns:
    """Names the columns of a table's rules: each has its own."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._count = 0

    def add(self, value: OfCaller) -> CallerColumn:
        """Return the column of one more value."""
        name = f"{OWN_COLUMNS}caller {self._count}"
        self._count += 1
        like = self._resource.fields[0].descriptor
        made = Field(name, name, like, value.type, nullable=True, has_presence=True)
        return CallerColumn(made, value.read)


class RuleChecker(Checker):
    """Checks a rule as any filter, but for what it says of the caller."""

    def of_rows(self, resource: Resource) -> Checker:
        """Return what checks conditions on rows that a relation leads to: of the caller, too."""
        return RuleChecker(self._context, resource, self._relations, self._depth + 1)

    def restriction(self, left: Member | Function, comparator: Token | None, arg: Arg | None) -> Predicate:
        """Return a comparison's condition."""
        if comparator is None and isinstance(left, Member):
            raise self._context.error(left.offset, "expected a field, or the caller, and a comparator")
        if not _is_of_caller(left):
            return super().restriction(left, comparator, arg)
        if isinstance(arg, Member) and is_caller(arg):
            raise self._context.error(arg.offset, "expected a literal: a field stands on the left")
        condition = condition_of(self._context, Restriction(left, comparator, arg))
        return Given(self._context.bind(OfCaller(_BOOLEAN, condition)))

    def compare(self, left: Member, field: Field, comparator: Token, literal: Member) -> Predicate:
        """Return the condition of a field beside a literal, or beside a value of the caller."""
        if not is_caller(literal):
            return super().compare(left, field, comparator, literal)
        if len(left.tokens) > 1 or field.type.kind not in SPELLINGS:
            raise self._context.error(left.offset, f"{field.name} can't be compared with the caller")
        if comparator.text == ":":
            raise self._context.error(comparator.offset, "expected = or another comparator, which is exact")
        op = COMPARES[comparator.text]
        check_operator(self._context, Subject(Column(field.column), field.type, field.name), comparator, op)
        value = caller_value(self._context, literal)
        read = driver_value(field.type, value, is_text=is_id(literal))
        return Comparison(Column(field.column), op, self._context.bind(OfCaller(field.type, read)))

    def compare_computed(self, subject: Subject, comparator: Token, literal: Member) -> Predicate:
        """Return the condition of what a function makes beside a literal, which no caller's value is."""
        if is_caller(literal):
            raise self._context.error(literal.offset, f"{subject.name} can't be compared with the caller")
        return super().compare_computed(subject, comparator, literal)

    def is_of_list(self, subject: Subject, literal: Member) -> bool:
        """Whether a literal is a value of its own, and none of the caller's."""
        return not is_caller(literal) and super().is_of_list(subject, literal)


def _is_of_caller(left: Member | Function) -> bool:
    if isinstance(left, Member):
        return is_caller(left)
    named, first = Member(left.names[:-1]) if len(left.names) > 1 else None, next(iter(left.args), None)
    return any(isinstance(one, Member) and is_caller(one) for one in (named, first))


def driver_value(value_type: ValueType, value: Value, *, is_text: bool) -> Value:
    """Return what reads a caller's value as the driver binds it; None for one of another type.

    With `is_text` it is a text whatever the column is, which may spell a number.
    """
    numbered = is_text and value_type.kind is ValueKind.INTEGER
    spell = _whole if numbered else SPELLINGS[value_type.kind]

    def read(caller: Principal) -> Any:
        text = spell(value(caller))
        try:
            return None if text is None or value_type.parse is None else value_type.parse(text)
        except InvalidValueError:
            return None

    return read


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _whole(value: Any) -> str | None:
    return value if isinstance(value, str) and _WHOLE.fullmatch(value) else None


def _integer(value: Any) -> str | None:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _bool(value: Any) -> str | None:
    return str(value).lower() if isinstance(value, bool) else None


_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")
SPELLINGS: Mapping[ValueKind, Callable[[Any], str | None]] = {
    ValueKind.TEXT: _text,
    ValueKind.ENUM: _text,
    ValueKind.UUID: _text,
    ValueKind.INTEGER: _integer,
    ValueKind.BOOL: _bool,
}
"""The kinds of columns that can be compared with a caller's values, and how these are spelled as literals."""
