"""Rows of other resources beside those of a statement: one by a join, several as a list of records.

All come by the one statement: from one snapshot, in one round trip. A list is an array of rows, so that each
value comes in the form of its column, lists in lists too (docs/decisions/0051).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, and_, bindparam, case, cast, false, func, null, select, true
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.types import Integer, NullType

from gateway.policy.row_rules import RowRule
from gateway.request.calls.call import Call
from gateway.request.filter.plan import Filter, Predicate
from gateway.request.pages.order import Order
from gateway.request.paths import Steps
from gateway.request.relations.rows import RelationRows
from gateway.schema.model import Field, Relation, Resource
from gateway.schema.types.sql_types import NamedType
from gateway.schema.values import ValueKind, ValueType
from gateway.sql.binds import bound, comparable, read_column
from gateway.sql.column_masks import masked_column
from gateway.sql.filters.conditions import may_fail, where_filter, where_rule
from gateway.sql.reads.order import order_clause
from gateway.sql.reads.ordered_table import named, ordered_table

_TEXT = postgresql.TEXT()
_EVERYTHING = Filter(None, ())
_RECORDS = ValueType(sql="record[]", engine=NullType(), kind=ValueKind.OTHER)
FIRST = "rowgate_r"
"""What the names of the relations of a statement's own rows begin with; numbers follow."""


@dataclass(frozen=True, slots=True)
class RelatedRows:
    """What a statement reads by one relation.

    Args:
        relation: the relation.
        steps: the names of the relations that lead to it, its own last.
        rows: which rows it holds.
        table: theirs.
        fields: what is read of them.
        rule: which are there for the caller; None where all are.
        order: in which order several come.
        asked: which of them the request asks for; None for all.
        related: what is read by their own relations.

    """

    relation: Relation
    steps: Steps
    rows: RelationRows
    table: Any
    fields: tuple[Field, ...]
    rule: RowRule | None
    order: Order
    asked: Predicate | None = None
    related: tuple["RelatedRows", ...] = ()

    @property
    def is_joined(self) -> bool:
        """Whether a join finds one row at most. That a view's key is one nothing proves."""
        return self.relation.is_unique and not self.rows.target.is_view


def _named(related: Sequence[RelatedRows], first: str) -> Iterator[tuple[str, RelatedRows]]:
    """Yield what is read by relations, at any depth, and what its parameters' names begin with."""
    for i, one in enumerate(related):
        yield f"{first}{i}", one
        yield from _named(one.related, f"{first}{i}_")


def bound_values(
    related: Sequence[RelatedRows],
    callers: Callable[[Resource], Mapping[str, Any]],
    call: Call,
    asked: Mapping[Steps, tuple[Filter, int]],
) -> Mapping[str, Any]:
    """Return the values of all that is bound for relations, by their parameters' names.

    Args:
        related: what is read by relations.
        callers: returns the caller's values in the rules of a resource's rows, by their columns' names.
        call: has the request's time and its caller, for filters that ask for them.
        asked: the filter and the limit that the request has for some of them.

    """
    values: dict[str, Any] = {}
    for name, one in _named(related, FIRST):
        of_caller = callers(one.rows.target).items() if one.rule is not None else ()
        values |= {_caller(name, column): value for column, value in of_caller}
        wanted, limit = asked.get(one.steps, (_EVERYTHING, 0))
        for given, prefix in ((one.rows.filter, _declared(name)), (wanted, _asked(name))):
            now = call.time() if given.is_relative else 0
            values |= given.arguments(now, call.principal, prefix)
        for term in one.order:
            values |= term.related.arguments(call, name) if term.related is not None else {}
        values[_limit(name)] = limit_of(one, limit)
    return values


def limit_of(one: RelatedRows, asked: int) -> int:
    """Return how many rows a relation holds at most; a request asks for so many, or for none by 0."""
    most = one.relation.limit if one.relation.is_many else 1
    return min(asked or most, most)


def _limit(name: str) -> str:
    return f"{name} limit"


def _declared(name: str) -> str:
    """Return what the names of the parameters of the schema's filter begin with."""
    return f"{name} declared"


def _asked(name: str) -> str:
    """Return what the names of the parameters of the request's filter begin with."""
    return f"{name} asked"


def _caller(name: str, column: str) -> str:
    """Return the parameter's name of a caller's value in the rule of a relation's rows."""
    return f"{name} {column}"


def joining_columns(related: Sequence[RelatedRows]) -> set[str]:
    """Return the columns that relations go by, of the rows that have them."""
    return {column for one in related for column in one.relation.columns}


@dataclass(frozen=True, slots=True)
class Joined:
    """A statement's rows with what is read by relations.

    Args:
        source: what the statement selects from.
        columns: what comes of the relations, in order: a joined row's columns, and then those of its own
            relations; one column of a list.
        fields: their fields.

    """

    source: Any
    columns: tuple[ColumnElement[Any], ...] = ()
    fields: tuple[Field, ...] = ()


def joined(table: Any, source: Any, related: Sequence[RelatedRows]) -> Joined:
    """Return rows with what is read by relations.

    Behind it comes a NULL of each type of array in records: the driver learns types of a statement's columns
    alone, and would fail where it reads a record with one that no statement of its connection had before.

    Args:
        table: the rows' table, or what has its columns, in `source`.
        source: what they are selected from.
        related: what is read.

    """
    found = _joined(table, source, related, FIRST)
    arrays = {field.type.sql: field for field in _in_records(related) if _is_array(field)}
    typed = (cast(null(), NamedType(sql)) for sql in arrays)
    return Joined(found.source, (*found.columns, *typed), (*found.fields, *arrays.values()))


def _in_records(related: Sequence[RelatedRows], *, below: bool = False) -> Iterator[Field]:
    """Yield what is read as a part of a record."""
    for one in related:
        inside = below or one.relation.is_many
        yield from one.fields if inside else ()
        yield from _in_records(one.related, below=inside)


def _joined(
    table: Any, source: Any, related: Sequence[RelatedRows], first: str, *, in_record: bool = False
) -> Joined:
    """Return rows with what is read by relations, as `joined`.

    Args:
        table: the rows' table, or what has its columns, in `source`.
        source: what they are selected from.
        related: what is read.
        first: what the relations' names begin with.
        in_record: whether they are read as a record.

    """
    read = record_column if in_record else read_column
    columns: list[ColumnElement[Any]] = []
    fields: list[Field] = []
    for i, one in enumerate(related):
        name = f"{first}{i}"
        if one.relation.is_many:
            listed = _listed(one, table, name)
            source = source.outerjoin(listed, true())
            columns.append(listed.c.listed)
            fields.append(_list_field(one.relation))
            continue
        found, condition = _one(one, table, name)
        below = _joined(
            found, source.outerjoin(found, condition), one.related, f"{name}_", in_record=in_record
        )
        source = below.source
        columns += [*(read(field, found) for field in one.fields), *below.columns]
        fields += [*one.fields, *below.fields]
    return Joined(source, tuple(columns), tuple(fields))


def _one(one: RelatedRows, table: Any, name: str) -> tuple[Any, Any]:
    """Return where one row is found, and by which condition."""
    target = one.table.alias(name)
    conditions = _conditions(one, table, target, name)
    if one.is_joined:
        return target, and_(*conditions)
    needed = _columns(one)
    row = select(*(target.c[column] for column in needed)).where(*conditions).limit(1).correlate(table)
    return row.lateral(f"{name}_row"), true()


def _listed(one: RelatedRows, table: Any, name: str) -> Any:
    """Return the list of several rows."""
    target = one.table.alias(name)
    ordered: Any = ordered_table(one.rows.target, target, one.order, name)
    rows: Any = (
        select(*(named(ordered.c[column], column, ordered) for column in _columns(one)))
        .select_from(ordered.source)
        .where(*_conditions(one, table, target, name))
        .order_by(*order_clause(one.order, ordered))
        .limit(bindparam(_limit(name), type_=Integer))
        .correlate(table)
        .lateral(f"{name}_rows")
    )
    below = _joined(rows, rows, one.related, f"{name}_", in_record=True)
    record = func.row(*(record_column(field, rows) for field in one.fields), *below.columns)
    order = order_clause(one.order, rows)
    listed = func.array_agg(aggregate_order_by(record, *order) if order else record).label("listed")
    return select(listed).select_from(below.source).correlate(table).lateral(f"{name}_list")


def _columns(one: RelatedRows) -> list[str]:
    """Return the columns that are needed of a relation's rows."""
    named = {*(field.column for field in one.fields), *joining_columns(one.related)}
    return sorted(named | {term.column for term in one.order})


def _conditions(one: RelatedRows, table: Any, target: Any, name: str) -> list[ColumnElement[bool]]:
    relation, rows = one.relation, one.rows
    conditions: list[ColumnElement[bool]] = [
        comparable(rows.target.by_column[other], target) == comparable(rows.source.by_column[own], table)
        for own, other in zip(relation.columns, relation.references, strict=True)
    ]
    if rows.target.soft_delete is not None:
        conditions.append(target.c[rows.target.soft_delete].is_(None))
    met = _met(one.rule, target, name)
    conditions += met
    for shape, wanted in _filters(one, target, name):
        # As in gateway.sql.reads.select: what may fail sees none but rows that may be read.
        guarded = case((and_(*met), wanted), else_=false()) if met and may_fail(shape) else wanted
        conditions.append(guarded)
    return conditions


def _met(rule: RowRule | None, target: Any, name: str) -> list[ColumnElement[bool]]:
    if rule is None:
        return []
    values = {f.column: bound(f.type, _caller(name, f.column)) for f in rule.fields}
    return [where_rule(rule, target, values, prefix=f"{name}_rule")]


def _filters(one: RelatedRows, target: Any, name: str) -> Iterator[tuple[Predicate, ColumnElement[bool]]]:
    resource, declared = one.rows.target, one.rows.filter.shape
    if declared is not None:
        yield declared, where_filter(declared, resource, target, prefix=_declared(name))
    if one.asked is not None:
        yield one.asked, where_filter(one.asked, resource, target, prefix=_asked(name))


def record_column(field: Field, table: Any) -> ColumnElement[Any]:
    """Return a field's column as the driver reads it in a record, of whose types it asks nothing.

    It knows PostgreSQL's own alone: enums are text, as they are to it elsewhere, domains what they are over.
    """
    column, kind = table.c[field.column], field.type
    if field.masked:
        return masked_column(field, table)
    if _is_text(kind):
        return cast(column, ARRAY(_TEXT) if kind.element else _TEXT)
    return cast(column, NamedType(kind.sql))


def _is_text(kind: ValueType) -> bool:
    """Return whether the driver reads values of a type as texts."""
    return kind.text_cast or isinstance((kind.element or kind).engine, postgresql.ENUM)


def _is_array(field: Field) -> bool:
    """Return whether a field is read as an array of another type than text."""
    return field.type.element is not None and not field.masked and not _is_text(field.type)


def _list_field(relation: Relation) -> Field:
    """Return what stands for a list among the fields of a statement's columns."""
    return Field(
        relation.name, relation.name, relation.descriptor, _RECORDS, nullable=True, has_presence=False
    )
