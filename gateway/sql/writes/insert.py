"""Statements that insert rows."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Select, Table, func, literal, literal_column, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement, ColumnElement
from sqlalchemy.sql.selectable import CTE

from gateway.policy.row_rules import ChangeRules
from gateway.schema.model import Field, Resource
from gateway.schema.tables.zeros import zero_literal
from gateway.sql import audit
from gateway.sql.key_order import by_key
from gateway.sql.rule_checks import checked_columns
from gateway.sql.statement import Statement, compile_statement
from gateway.sql.writes.row_arrays import Items, RowsStatement, RowStatement, items, row_values
from gateway.sql.writes.sequences import sequence_of

_ADDED = "rowgate_added"
_INSERTED = "rowgate_inserted"
_SENT = "rowgate_sent"


def insert_rows(
    resource: Resource,
    table: Table,
    columns: tuple[str, ...],
    *,
    skip_existing: bool = False,
    rules: ChangeRules | None = None,
) -> RowsStatement:
    """Return the statement that inserts rows with values for `columns`; the rest takes its defaults.

    Rows are inserted in the order of their keys, and returned whole, in the order of the items. With
    `skip_existing` a row that a unique key keeps out is left out, and not returned; the others come in any
    order.
    """
    fields = tuple(field for field in resource.fields if field.column in columns)
    rows = items(fields)
    values: dict[str, ColumnElement[Any]] = {**rows.values, **stamps(resource)}
    if not values:
        values = _any_default(resource)
    keys = by_key(resource, rows.values)
    chosen = numbering(resource, columns)(*values.values())
    source = chosen.select_from(rows.cte).order_by(*keys, rows.n)
    added = insert(table).from_select([table.c[name] for name in values], source)
    if skip_existing:
        added = added.on_conflict_do_nothing(index_elements=arbiter(resource))
    returned: Any = added.returning(*audit.key_columns(table), *checked_columns(resource, table, rules))
    if keys and not skip_existing:
        returned = _in_order_of_items(resource, returned.cte(_ADDED), rows, keys)
    return RowsStatement(compiled(resource, table, returned), fields)


def arbiter(resource: Resource) -> tuple[str, ...] | None:
    """Return the columns of the unique key that ON CONFLICT names, None where it names none and takes any.

    Were the primary key named, another key's index might meet a concurrent insert of the row first, and fail.
    But where none is, PostgreSQL refuses every row of a table with a deferrable key, whosever that is.
    """
    return resource.primary_key if resource.has_deferrable_keys else None


def _in_order_of_items(
    resource: Resource, added: CTE, rows: Items, keys: Sequence[ColumnElement[Any]]
) -> Select[Any]:
    """Return the rows as the items were sent: PostgreSQL inserts, and returns, as the SELECT delivers."""
    inserted = select(func.row_number().over().label("place"), *added.c).subquery(_INSERTED)
    nth = func.row_number().over(order_by=[*keys, rows.n])
    sent = select(rows.n, nth.label("place")).select_from(rows.cte).subquery(_SENT)
    whole = [inserted.c[f"f{i}"] for i in range(len(resource.fields))]
    if audit.KEY in inserted.c:
        whole.insert(0, inserted.c[audit.KEY])
    return select(*whole).join_from(inserted, sent, inserted.c.place == sent.c.place).order_by(sent.c.n)


def insert_row(
    resource: Resource, table: Table, columns: tuple[str, ...], rules: ChangeRules | None = None
) -> RowStatement:
    """Return the statement that inserts one row with values for `columns`, and returns it whole.

    With rules it fails where the row isn't what they ask for.
    """
    fields = tuple(field for field in resource.fields if field.column in columns)
    values: dict[str, ColumnElement[Any]] = {**row_values(fields), **stamps(resource)}
    statement = insert(table).values({table.c[name]: value for name, value in values.items()})
    returned = statement.returning(*audit.key_columns(table), *checked_columns(resource, table, rules))
    return RowStatement(compiled(resource, table, returned), fields)


def compiled(resource: Resource, table: Table, returned: ClauseElement) -> Statement:
    """Return the statement of an insertion that returns its rows whole."""
    return compile_statement(
        returned,
        fields=resource.fields,
        writes=True,
        name=f"create {resource.table}",
        audited=audit.changed_rows(table, audit.INSERT),
    )


def stamps(resource: Resource) -> dict[str, ColumnElement[Any]]:
    """Return what the server sets in a new row: its times, its version, and what its caller may not write."""
    values: dict[str, ColumnElement[Any]]
    values = {name: func.now() for name in (resource.created_at, resource.updated_at) if name}
    if resource.version:
        values[resource.version] = literal(1)
    zeros: dict[str, ColumnElement[Any]]
    zeros = {field.column: literal_column(zero_literal(field) or "NULL") for field in resource.zeroed}
    return values | zeros


def _any_default(resource: Resource) -> dict[str, ColumnElement[Any]]:
    """INSERT … SELECT needs a column: spell out the default of one that the database fills itself."""
    field = next(f for f in resource.key_fields if has_default(f))
    return {field.column: default_of(resource, field)}


class _Numbering(Select[Any]):
    """A SELECT whose rows an INSERT takes with numbers of their own, even for GENERATED ALWAYS identities."""

    inherit_cache = True


@compiles(_Numbering)
def _compile_numbering(source: _Numbering, compiler: SQLCompiler, **options: Any) -> str:
    rows: str = compiler.visit_select(source, **options)  # type: ignore[no-untyped-call]
    return f"OVERRIDING SYSTEM VALUE {rows}"


def numbering(resource: Resource, columns: Sequence[str]) -> Callable[..., Select[Any]]:
    """Return what makes the SELECT of an INSERT: of rows with values for `columns`, and of defaults.

    A default that is spelled out is a value to PostgreSQL, which it refuses for an identity that is GENERATED
    ALWAYS, unless told. It isn't where a request gives such a number itself: that is to be refused.
    """
    identities = {field.column for field in resource.fields if field.identity}
    return _Numbering if identities and identities.isdisjoint(columns) else select


def has_default(field: Field) -> bool:
    """Whether the database fills a column that a new row gives no value for."""
    return field.identity or field.default is not None


def default_of(resource: Resource, field: Field) -> ColumnElement[Any]:
    """Return the default of a column that has one (`has_default`), as an expression."""
    if field.default is not None:
        return literal_column(field.default)
    return func.nextval(literal_column(sequence_of(resource, field)))
