"""A filter's shape → an SQL condition. Literals are bound, never written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Select,
    Table,
    and_,
    any_,
    case,
    cast,
    collate,
    column,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy import bindparam as bind_parameter
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql.json import JSONPATH
from sqlalchemy.types import Enum, String, TypeEngine

from gateway.policy.row_rules import RowRule
from gateway.request.filter import plan
from gateway.request.filter.functions import ALIKE, COMPUTED, WHOLE
from gateway.request.filter.plan import FILTER, bind_name
from gateway.request.filter.related.absent import when_absent
from gateway.schema.model import Resource
from gateway.schema.values import ValueKind, ValueType
from gateway.sql.binds import bound, bound_array, comparable, compared
from gateway.sql.filters.functions import FUNCTIONS, OF_JSON, relative_time
from gateway.sql.filters.places import is_distant, is_in_box
from gateway.sql.filters.related import Outer, are_related, rows_of
from gateway.sql.unnest import unnest

Condition = ColumnElement[bool]
Value = ColumnElement[Any]

_TEXT = postgresql.TEXT()
_BOOLEAN = postgresql.BOOLEAN()
_JSONB = postgresql.JSONB()
_DOUBLE: postgresql.DOUBLE_PRECISION[float] = postgresql.DOUBLE_PRECISION()
_KEYS = ARRAY(_TEXT)
_MANY = 1 << 53
"""More rows than there are anywhere."""
_OPERATORS = {op: op.value for op in plan.Compare}
_CASTS: Mapping[ValueKind, TypeEngine[Any]] = {
    ValueKind.INTEGER: postgresql.NUMERIC(),
    ValueKind.DECIMAL: postgresql.NUMERIC(),
    ValueKind.FLOAT: postgresql.DOUBLE_PRECISION(),
    ValueKind.BOOL: postgresql.BOOLEAN(),
    ValueKind.TIMESTAMP: postgresql.TIMESTAMP(timezone=True),
    ValueKind.DURATION: postgresql.INTERVAL(),
    ValueKind.TEXT: _TEXT,
    ValueKind.ENUM: _TEXT,
}
_JSON_TYPES = {ValueKind.DECIMAL: "number", ValueKind.BOOL: "boolean", ValueKind.TEXT: "string"}


def where_rule(
    rule: RowRule, table: Table, callers: Mapping[str, Value], prefix: str = "rule"
) -> ColumnElement[bool]:
    """Return the condition of a rule over `table`; unknown, as false, is not met.

    Args:
        rule: what rows have to be.
        table: the rows' table.
        callers: the caller's values, by their columns' names.
        prefix: what the names of the rule's own parameters begin with: a statement may have several rules.

    """
    if rule.nobody:
        # What stands beside SQLAlchemy's own false() it leaves out, parameters and all.
        return literal_column("false")
    if rule.shape is None:
        return true()
    given = {bind: callers[column.field.column] for bind, column in rule.callers.items()}
    writer = _Writer(
        rule.resource, table, prefix=f"{prefix}_{rule.name}", constants=rule.constants, callers=given
    )
    return writer.condition(rule.shape)


def where_filter(
    shape: plan.Predicate,
    resource: Resource,
    table: FromClause,
    *,
    prefix: str = FILTER,
    constants: Sequence[Any] = (),
) -> Condition:
    """Return the condition of a filter's shape over `table`, with a parameter per bind of the filter.

    Args:
        shape: the filter's.
        resource: what the rows are.
        table: where they are.
        prefix: what the names of the parameters begin with.
        constants: the filter's values, where the statement brings them itself.

    """
    return _Writer(resource, table, prefix=prefix, constants=dict(enumerate(constants))).condition(shape)


def where_held(
    hop: plan.Hop, held: Sequence[plan.Predicate], rows: FromClause, prefix: str
) -> list[Condition]:
    """Return the conditions of rows that a relation leads to, with a parameter per bind."""
    return _Writer(hop.target, rows, prefix=prefix).in_turn(held)


def may_fail(shape: plan.Predicate) -> bool:
    """Whether a filter may raise an error for some row, and so tell of it: all but plain comparisons may."""
    match shape:
        case plan.And(items) | plan.Or(items):
            return any(map(may_fail, items))
        case plan.Not(item):
            return may_fail(item)
        case plan.OneRow(_, held, condition):
            return any(map(may_fail, (*held, condition)))
        case plan.AnyRow(_, held, condition):
            return any(map(may_fail, held)) or (condition is not None and may_fail(condition))
        case (
            plan.Comparison(plan.Column())
            | plan.OneOf(plan.Column())
            | plan.IsNull(plan.Column())
            | plan.Distance(plan.Column())
            | plan.Box(plan.Column())
            | plan.Given()
        ):
            return False
        case _:
            return True


@dataclass(frozen=True, slots=True)
class _Writer:
    resource: Resource
    table: FromClause
    element: Value | None = field(default=None)
    """The element that `plan.Element` stands for."""
    element_type: ValueType | None = None
    """Its type; None in a jsonb list."""
    prefix: str = FILTER
    """What the names of the parameters begin with."""
    constants: Mapping[int, Any] = field(default_factory=dict)
    """The values of binds that the statement brings itself."""
    callers: Mapping[int, Value] = field(default_factory=dict)
    """What stands for binds that say what the caller is."""
    depth: int = 0
    """How many relations lead to the rows."""

    def condition(self, shape: plan.Predicate) -> Condition:  # noqa: C901, PLR0911, PLR0912 - one line per record
        match shape:
            case plan.And(items):
                return and_(*(self.condition(item) for item in items))
            case plan.Or(items):
                return or_(*(self.condition(item) for item in items))
            case plan.Not(item):
                return self._negated(item)
            case plan.Comparison(plan.RowCount() as operand, op, bind):
                literal = self._given(bind, WHOLE)
                return self._count(operand, literal).bool_op(_OPERATORS[op])(literal)
            case plan.Comparison(operand, op, bind):
                return self._value(operand).bool_op(_OPERATORS[op])(self._bound(operand, bind))
            case plan.OneOf(operand, bind):
                return self._value(operand).bool_op("=")(any_(self._list(operand, bind)))
            case plan.FieldComparison(left, op, right):
                return self._side(left).bool_op(_OPERATORS[op])(self._side(right))
            case plan.DynamicComparison():
                return self._dynamic(shape)
            case plan.Like(operand, bind, ignore_case):
                return self._like(self._text(operand), self._pattern(operand, bind), ignore_case=ignore_case)
            case plan.Matches(operand, bind, ignore_case):
                operator = "~*" if ignore_case else "~"
                return self._text(operand).bool_op(operator)(self._parameter(bind, _TEXT))
            case plan.Distance(operand, _, place):
                return is_distant(shape, self._value(operand), self._bound(operand, place), self._degrees)
            case plan.Box(operand, middle):
                return is_in_box(shape, self._value(operand), self._bound(operand, middle), self._degrees)
            case plan.IsNull(operand):
                return self._text(operand).is_(None)
            case plan.NotEmpty(operand):
                return self._not_empty(operand)
            case plan.Contains(name, bind):
                return self._contains(name, bind)
            case plan.AnyElement(operand, condition):
                return self._any_element(operand, condition)
            case plan.AnyOnPath(operand, path, condition):
                return self._any_on_path(operand, path, condition)
            case plan.HasKey(operand, bind):
                return self._has_key(operand, bind)
            case plan.Search(columns, bind):
                pattern = self._parameter(bind, _TEXT)
                found = (self._like(self.table.c[name], pattern, ignore_case=True) for name in columns)
                return or_(*(func.coalesce(one, false()) for one in found))
            case plan.Given(bind):
                return self.callers[bind] if bind in self.callers else self._parameter(bind, _BOOLEAN)
            case plan.OneRow():
                return self._one_row(shape)
            case plan.AnyRow(hop, held, condition):
                return self._among(hop, held, condition).exists()

    def _negated(self, item: plan.Predicate) -> Condition:
        """Return that a condition is false.

        What is asked of a related row is negated there: where it is unknown, EXISTS is false.
        """
        match item:
            case plan.And(items) if any(map(_asks_one_row, items)):
                return or_(*map(self._negated, items))
            case plan.Or(items) if any(map(_asks_one_row, items)):
                return and_(*map(self._negated, items))
            case plan.Not(inner) if _asks_one_row(inner):
                return self.condition(inner)
            case plan.OneRow(_, _, condition):
                return self._one_row(replace(item, condition=plan.Not(condition)))
        return not_(self.condition(item).self_group())

    def _one_row(self, shape: plan.OneRow) -> Condition:
        if when_absent(shape.condition):
            return not_(self._among(shape.hop, shape.held, shape.condition, is_met=False).exists())
        return self._among(shape.hop, shape.held, shape.condition).exists()

    def _among(
        self,
        hop: plan.Hop,
        held: Sequence[plan.Predicate],
        condition: plan.Predicate | None,
        *,
        is_met: bool = True,
    ) -> Select[tuple[int]]:
        """Return a query of the rows that a relation holds which meet a condition, or don't."""
        rows = rows_of(hop, self.depth + 1)
        inner = replace(
            self,
            resource=hop.target,
            table=rows,
            element=None,
            element_type=None,
            # They may be columns of the query around, which has a row for each caller.
            callers={bind: Outer(value) for bind, value in self.callers.items()},
            depth=self.depth + 1,
        )
        met = inner.in_turn(held)
        if condition is not None:
            wanted = inner.guarded(condition, met)
            met.append(wanted if is_met else wanted.is_not(true()))
        return select(literal_column("1")).select_from(rows).where(*are_related(hop, self.table, rows), *met)

    def in_turn(self, shapes: Sequence[plan.Predicate]) -> list[Condition]:
        """Return conditions of which each is asked of those rows alone that meet the ones before."""
        met: list[Condition] = []
        for shape in shapes:
            met.append(self.guarded(shape, met))
        return met

    def guarded(self, shape: plan.Predicate, met: Sequence[Condition]) -> Condition:
        """Return a condition that, if it may fail, is asked of rows alone that meet others."""
        wanted = self.condition(shape)
        return case((and_(*met), wanted), else_=false()) if met and may_fail(shape) else wanted

    def _count(self, operand: plan.RowCount, literal: Value | None = None) -> Value:
        """Return how many rows there are: beside a literal none are counted beyond the first one above it."""
        found: Any = self._among(operand.hop, operand.held, operand.condition)
        if literal is not None:
            found = found.limit(func.greatest(func.least(literal, _MANY), 0) + 1)
        found = found.subquery()
        return select(func.count()).select_from(found).scalar_subquery()

    def _given(self, bind: int, value_type: ValueType) -> Value:
        """Return a bind's value, as one to compare with a column of the type."""
        if bind in self.callers:
            return self.callers[bind]
        constant = self.constants.get(bind)
        if isinstance(constant, plan.RelativeTime):
            return relative_time(constant, compared(value_type))
        return bound(value_type, bind_name(bind, self.prefix), constant)

    def _parameter(self, bind: int, engine: TypeEngine[Any]) -> Value:
        constant = self.constants.get(bind)
        if isinstance(constant, plan.RelativeTime):
            return relative_time(constant, engine)
        return bind_parameter(bind_name(bind, self.prefix), constant, type_=engine)

    @staticmethod
    def _like(value: Value, pattern: Value, *, ignore_case: bool) -> Condition:
        return value.ilike(pattern) if ignore_case else value.like(pattern)

    def _type(self, name: str) -> ValueType:
        return self.resource.by_column[name].type

    def _value(self, operand: plan.Operand) -> Value:
        match operand:
            case plan.Column(name):
                return comparable(self.resource.by_column[name], self.table)
            case plan.Element():
                return self._element()
            case plan.Json(kind=ValueKind.JSON):
                return self._json(operand)
            case plan.Json():
                return cast(self._text(operand), _cast_of(operand))
            case plan.RowCount():
                return self._count(operand)
            case plan.Called(function, inner):
                return FUNCTIONS[function](self._json(inner) if function in OF_JSON else self._value(inner))

    def _side(self, operand: plan.Operand) -> Value:
        """Return a value beside another of the row. Two texts may have collations between which none wins."""
        value = self._value(operand)
        is_text = isinstance(value.type, String) and not isinstance(value.type, Enum)
        return collate(cast(value, _TEXT), "C") if is_text else value

    def _element(self) -> Value:
        if self.element is None:
            msg = "a filter's element stands outside of its array"
            raise AssertionError(msg)
        return self.element

    def _text(self, operand: plan.Operand) -> Value:
        """Return the operand as text; of a jsonb list's or object's, its JSON."""
        if isinstance(operand, plan.Json):
            text = self._json(operand.root).op("#>>", return_type=_TEXT)(
                self._parameter(operand.steps, _KEYS)
            )
            if operand.parent is None or operand.zero is None:
                return text
            parent = self._json(operand.root).op("#>", return_type=_JSONB)(
                self._parameter(operand.parent, _KEYS)
            )
            return case((parent.is_not(None), func.coalesce(text, self._parameter(operand.zero, _TEXT))))
        return self._value(operand)

    def _json(self, operand: plan.Operand) -> Value:
        if isinstance(operand, plan.Json):
            return self._json(operand.root).op("#>", return_type=_JSONB)(
                self._parameter(operand.steps, _KEYS)
            )
        value = self._value(operand)
        return value if isinstance(value.type, postgresql.JSONB) else cast(value, _JSONB)

    def _bound(self, operand: plan.Operand, bind: int) -> Value:
        match operand:
            case plan.Column(name):
                return self._given(bind, self._type(name))
            case plan.Json():
                return self._parameter(bind, _cast_of(operand))
            case plan.Element():
                element = self.element_type
                return self._parameter(bind, _TEXT) if element is None else self._given(bind, element)
            case plan.Called(function):
                return self._alike(function, self._given(bind, COMPUTED[function]))
            case plan.RowCount():
                return self._given(bind, WHOLE)

    def _degrees(self, bind: int) -> Value:
        return self._parameter(bind, _DOUBLE)

    def _pattern(self, operand: plan.Operand, bind: int) -> Value:
        pattern = self._parameter(bind, _TEXT)
        return self._alike(operand.function, pattern) if isinstance(operand, plan.Called) else pattern

    @staticmethod
    def _alike(function: str, value: Value) -> Value:
        return FUNCTIONS[function](value) if function in ALIKE else value

    def _list(self, operand: plan.Operand, bind: int) -> Value:
        """Return a bind that is a list, as what its values are compared as."""
        name, constant = bind_name(bind, self.prefix), self.constants.get(bind)
        match operand:
            case plan.Column(column):
                value_type = self._type(column)
                return cast(bound_array(value_type, name, constant), ARRAY(compared(value_type)))
            case plan.Called(function):
                given = bound_array(COMPUTED[function], name, constant)
                return self._alike_list(function, given) if function in ALIKE else given
            case plan.Json():
                return bind_parameter(name, constant, type_=ARRAY(_cast_of(operand)))
            case plan.RowCount():
                return bound_array(WHOLE, name, constant)
            case plan.Element():
                msg = "an element is compared with one value"
                raise AssertionError(msg)

    @staticmethod
    def _alike_list(function: str, given: Value) -> Value:
        """Return a list whose values have gone through a function, once for the statement."""
        values = unnest(given).table_valued(column("value", _TEXT)).render_derived()
        made = select(FUNCTIONS[function](values.c.value)).select_from(values)
        return func.array(made.scalar_subquery(), type_=ARRAY(_TEXT))

    def _has_key(self, operand: plan.Operand, bind: int) -> Condition:
        value = self._json(operand)
        has = value.bool_op("?")(self._parameter(bind, _TEXT))
        # PostgreSQL says of a text that it has itself as a key.
        return and_(func.jsonb_typeof(value) != "string", has) if isinstance(operand, plan.Element) else has

    def _dynamic(self, shape: plan.DynamicComparison) -> Condition:
        """Compare only where the stored value has the literal's type: with another it compares as NULL."""
        value = self._json(shape.operand)
        typed = cast(
            value.op("#>>", return_type=_TEXT)(cast(postgresql.array([], type_=_TEXT), _KEYS)),
            _CASTS[shape.kind],
        )
        is_typed = func.jsonb_typeof(value) == _JSON_TYPES[shape.kind]
        literal = self._parameter(shape.bind, _CASTS[shape.kind])
        return case((is_typed, typed.bool_op(_OPERATORS[shape.op])(literal)))

    def _not_empty(self, operand: plan.Operand) -> Condition:
        if isinstance(operand, plan.Column) and self._type(operand.name).kind is not ValueKind.JSON:
            return func.coalesce(self._size(operand) > 0, false())
        value = cast(self._json(operand), _TEXT)
        empty = (literal_column(f"'{text}'", _TEXT) for text in ("[]", "{}", '""', "null"))
        return func.coalesce(and_(*(value != one for one in empty)), false())

    def _size(self, column: plan.Column) -> Value:
        value = self.table.c[column.name]
        if self._type(column.name).kind is ValueKind.ARRAY:
            return func.pg_catalog.cardinality(value)
        return func.octet_length(value if isinstance(value.type, postgresql.BYTEA) else cast(value, _TEXT))

    def _contains(self, name: plan.Column, bind: int) -> Condition:
        """Return `column @> ARRAY[literal]`, which a GIN index answers."""
        element = self._type(name.name).element
        if element is None:
            msg = f"{name.name} is no array"
            raise AssertionError(msg)
        wanted = cast(postgresql.array([self._given(bind, element)]), ARRAY(compared(element)))
        return cast(self.table.c[name.name], ARRAY(compared(element))).bool_op("@>")(wanted)

    def _any_element(self, operand: plan.Operand, condition: plan.Predicate) -> Condition:
        if isinstance(operand, plan.Column) and self._type(operand.name).element is not None:
            elements = unnest(self._value(operand)).table_valued(column("value", _TEXT)).render_derived()
            inner = replace(self, element=elements.c.value, element_type=self._type(operand.name).element)
        else:
            value = self._json(operand)
            lists = case((func.jsonb_typeof(value) == "array", value))
            elements = func.jsonb_array_elements(lists).table_valued(column("value", _JSONB)).render_derived()
            inner = replace(self, element=elements.c.value, element_type=None)
        return exists(select(1).select_from(elements).where(inner.condition(condition)))

    def _any_on_path(self, operand: plan.Operand, path: int, condition: plan.Predicate) -> Condition:
        steps = cast(self._parameter(path, _TEXT), JSONPATH())
        found = func.pg_catalog.jsonb_path_query(self._json(operand), steps)
        elements = found.table_valued(column("value", _JSONB)).render_derived()
        inner = replace(self, element=elements.c.value, element_type=None)
        return exists(select(1).select_from(elements).where(inner.condition(condition)))


def _asks_one_row(shape: plan.Predicate) -> bool:
    """Whether a condition is of the one row that a relation holds, as a whole or in a part."""
    match shape:
        case plan.And(items) | plan.Or(items):
            return any(map(_asks_one_row, items))
        case plan.Not(item):
            return _asks_one_row(item)
    return isinstance(shape, plan.OneRow)


def _cast_of(operand: plan.Json) -> TypeEngine[Any]:
    return postgresql.REAL() if operand.single else _CASTS[operand.kind]
