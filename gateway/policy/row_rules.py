"""Rules of rows: filters over a row and its caller, checked at the start, and made conditions of statements.

A rule's shape makes the condition. What the caller is goes with each item of a request, as values of columns
of their own: so a statement serves all callers together.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.auth.by_principal import ByPrincipal
from gateway.auth.principal import Principal
from gateway.errors import InvalidArgument
from gateway.policy.caller import Value, caller_value, is_caller, is_id
from gateway.policy.condition import condition_of
from gateway.policy.literals import require_quotes
from gateway.request.filter.check import Checker
from gateway.request.filter.compare import COMPARES, Subject, check_operator
from gateway.request.filter.context import Context
from gateway.request.filter.lexer import Token
from gateway.request.filter.parser import parse
from gateway.request.filter.plan import Column, Comparison, Given, Predicate
from gateway.request.filter.tree import Arg, Function, Member, Restriction
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Field, Resource, Schema, TablePolicy
from gateway.schema.tables.internal import OWN_COLUMNS
from gateway.schema.types.numbers import boolean
from gateway.schema.types.sql_types import SqlType
from gateway.schema.values import InvalidValueError, ValueKind, ValueType

NO_VALUES: Mapping[str, Any] = {}
"""The values of a caller where no rule asks for them."""
_ALL = "*"
_BOOLEAN = boolean(SqlType("boolean"))


@dataclass(frozen=True, slots=True)
class CallerColumn:
    """A value of the caller's that statements take beside those of a row.

    Args:
        field: its name and type, as statements see them.
        read: returns the driver value of a caller; None where that is unknown.

    """

    field: Field
    read: Value


@dataclass(frozen=True, slots=True, eq=False)
class RowRule:
    """One rule, or a part of one. Told apart by identity: statements are kept by the rules in them.

    Args:
        resource: what the rows are, with all columns: rules may ask for some that their callers may not read.
        name: what it is for: `read`, `create` …
        shape: its condition; None where every row meets it.
        constants: the values of those binds that the policy itself names.
        callers: the columns of the caller's values, by bind.
        nobody: whether no row meets it.

    """

    resource: Resource
    name: str
    shape: Predicate | None
    constants: Mapping[int, Any] = field(default_factory=dict)
    callers: Mapping[int, CallerColumn] = field(default_factory=dict)
    nobody: bool = False

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the caller's values."""
        return tuple(column.field for column in self.callers.values())


@dataclass(frozen=True, slots=True)
class ChangeRules:
    """The rules of one kind of change, or of what creates rows.

    Args:
        checks: what the new or changed rows have to be.
        read: of the stored rows that are there for the caller; None where rows are created.
        using: of the stored rows that may be changed so; None where rows are created.

    """

    checks: tuple[RowRule, ...] = ()
    read: RowRule | None = None
    using: RowRule | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of the caller's values, each once."""
        rules = (*self.checks, *filter(None, (self.read, self.using)))
        return tuple({field.column: field for rule in rules for field in rule.fields}.values())


@dataclass(frozen=True, slots=True, eq=False)
class TableRules:
    """The rules of one table: what each caller may read, and what it may make of rows.

    Args:
        read: of the stored rows that are there for the caller.
        create: of new rows.
        update: of the stored rows that may be changed.
        update_check: of changed rows.
        delete: of the stored rows that may be deleted.

    """

    read: RowRule
    create: RowRule
    update: RowRule
    update_check: RowRule
    delete: RowRule
    _values: ByPrincipal[Mapping[str, Any]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_values", ByPrincipal(self._read))

    @property
    def creating(self) -> ChangeRules:
        """The rules of creating a row: the answer is to be read, too."""
        return ChangeRules((self.create, self.read))

    @property
    def updating(self) -> ChangeRules:
        """The rules of changing a row, or undeleting it: the answer is to be read, too."""
        return ChangeRules((self.update_check, self.read), self.read, self.update)

    @property
    def deleting(self) -> ChangeRules:
        """The rules of deleting a row, or marking it as deleted."""
        return ChangeRules((), self.read, self.delete)

    def values(self, caller: Principal) -> Mapping[str, Any]:
        """Return a caller's values of all rules, by the columns' names."""
        return self._values[caller]

    def _read(self, caller: Principal) -> Mapping[str, Any]:
        rules = (self.read, self.create, self.update, self.update_check, self.delete)
        columns = (column for rule in rules for column in rule.callers.values())
        return {column.field.column: column.read(caller) for column in columns}


def read_rule(rules: TableRules | ChangeRules | None) -> RowRule | None:
    """Return the rule of the rows that are there for a caller; None for a table without rules."""
    return rules.read if rules is not None else None


def caller_values(rules: TableRules | None, caller: Principal) -> Mapping[str, Any]:
    """Return a caller's values of all rules, by the columns' names; none for a table without rules."""
    return rules.values(caller) if rules is not None else NO_VALUES


def row_rules(schema: Schema) -> Mapping[str, TableRules]:
    """Return the rules of each resource with a policy, by its message's full name; raises SchemaError."""
    wrong: list[Diagnostic] = []
    rules = {
        name: _table_rules(resource, resource.policy, wrong)
        for name, resource in schema.resources.items()
        if resource.policy is not None
    }
    if wrong:
        raise SchemaError(wrong)
    return rules


def _table_rules(resource: Resource, policy: TablePolicy, wrong: list[Diagnostic]) -> TableRules:
    columns = _CallerColumns(resource)

    def rule(name: str) -> RowRule:
        try:
            return _rule(name, getattr(policy, name), resource, columns)
        except InvalidArgument as error:
            where = f"{resource.message.full_name}, policy.{name}"
            text = error.violations[0].description
            wrong.append(Diagnostic(resource.message.file.name, resource.line, where, text))
            return RowRule(resource, name, None, nobody=True)

    return TableRules(rule("read"), rule("create"), rule("update"), rule("update_check"), rule("delete"))


def _rule(name: str, text: str, resource: Resource, columns: "_CallerColumns") -> RowRule:
    if text.strip() == _ALL:
        return RowRule(resource, name, None)
    tree = parse(text, parentheses=True)
    if tree is None:
        return RowRule(resource, name, None, nobody=True)
    context = Context(text)
    checker = _RuleChecker(context, resource, columns)
    shape = checker.expression(tree)
    require_quotes(context, tree, resource)
    constants = {i: value for i, value in enumerate(context.values()) if i not in checker.callers}
    return RowRule(resource, name, shape, constants, checker.callers)


class _CallerColumns:
    """Names the columns of a table's rules: each has its own."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._count = 0

    def add(self, value_type: ValueType, read: Value) -> CallerColumn:
        name = f"{OWN_COLUMNS}caller {self._count}"
        self._count += 1
        like = self._resource.fields[0].descriptor
        return CallerColumn(Field(name, name, like, value_type, nullable=True, has_presence=True), read)


class _RuleChecker(Checker):
    """Checks a rule as any filter, but for what it says of the caller."""

    def __init__(self, context: Context, resource: Resource, columns: _CallerColumns) -> None:
        super().__init__(context, resource)
        self._columns = columns
        self.callers: dict[int, CallerColumn] = {}
        """The caller's values, by bind."""

    def restriction(self, left: Member | Function, comparator: Token | None, arg: Arg | None) -> Predicate:
        """Return a comparison's condition."""
        if comparator is None and isinstance(left, Member):
            raise self._context.error(left.offset, "expected a field, or the caller, and a comparator")
        if not _is_of_caller(left):
            return super().restriction(left, comparator, arg)
        if isinstance(arg, Member) and is_caller(arg):
            raise self._context.error(arg.offset, "expected a literal: a field stands on the left")
        condition = condition_of(self._context, Restriction(left, comparator, arg))
        return Given(self._bind(_BOOLEAN, condition))

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
        return Comparison(Column(field.column), op, self._bind(field.type, read))

    def compare_computed(self, subject: Subject, comparator: Token, literal: Member) -> Predicate:
        """Return the condition of what a function makes beside a literal, which no caller's value is."""
        if is_caller(literal):
            raise self._context.error(literal.offset, f"{subject.name} can't be compared with the caller")
        return super().compare_computed(subject, comparator, literal)

    def is_of_list(self, subject: Subject, literal: Member) -> bool:
        """Whether a literal is a value of its own, and none of the caller's."""
        return not is_caller(literal) and super().is_of_list(subject, literal)

    def _bind(self, value_type: ValueType, read: Value) -> int:
        bind = self._context.bind(None)
        self.callers[bind] = self._columns.add(value_type, read)
        return bind


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
