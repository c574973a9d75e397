"""Rows as arrays: many rows are bound by one parameter per column, never one per value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from sqlalchemy import Integer, Text, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement, Grouping
from sqlalchemy.sql.selectable import CTE

from gateway.policy.row_rules import NO_VALUES
from gateway.schema.model import Field, Resource
from gateway.schema.types.sql_types import NamedType, without_modifiers
from gateway.sql.binds import read_column
from gateway.sql.statement import Statement

ITEM = "rowgate_item"
"""The name of the rows' CTE. It hides a table of that name, so it is none that an author would choose."""


def _array_of(field_type: str) -> ARRAY[Any]:
    # Without its modifier: a cast to varchar(3) would cut longer text where assignment refuses it. Texts for
    # char(3) and bit(3) are checked before, and without it would be cut to one character.
    whole = '"' in field_type or field_type.startswith(("character(", "bit("))
    name = field_type if whole else without_modifiers(field_type)
    return ARRAY(NamedType(name))


@dataclass(frozen=True, slots=True)
class Items:
    """The rows of a request as a CTE.

    Args:
        cte: one row per item; `n` is its place, from 0.
        values: the item's value of each column, by the table's column name.
        places: the parameter with the places of all, as an array.
        arrays: the parameter with all items' values of a column, by its name; none of columns of arrays.

    """

    cte: CTE
    values: Mapping[str, ColumnElement[Any]]
    places: ColumnElement[Any]
    arrays: Mapping[str, ColumnElement[Any]]

    @property
    def n(self) -> ColumnElement[int]:
        """The item's place."""
        return self.cte.c.n


@dataclass(frozen=True, slots=True)
class RowsStatement:
    """A statement over the rows of a request.

    Args:
        statement: it takes each column as an array.
        fields: the fields whose values it takes.
        expects: whether it takes the version that each row is expected to be at.

    """

    statement: Statement
    fields: tuple[Field, ...]
    expects: bool = False

    def arguments(
        self,
        rows: Sequence[Mapping[str, Any]],
        expected: Sequence[int | None] = (),
        caller: Mapping[str, Any] = NO_VALUES,
    ) -> Sequence[Any]:
        """Return the arguments in bind order, of rows given as driver values by column name.

        Those of the caller are what rules of rows compare with (gateway.policy.row_rules).
        """
        columns = [[row[field.column] for row in rows] for field in self.fields]
        return self.of_columns(len(rows), columns, list(expected), caller)

    def of_columns(
        self,
        count: int,
        columns: Sequence[Sequence[Any]],
        expected: Sequence[int | None] = (),
        caller: Mapping[str, Any] = NO_VALUES,
    ) -> Sequence[Any]:
        """Return the arguments in bind order, of so many rows given by `fields`, each field's values."""
        binds: dict[str, Any] = {"n": range(count), **caller}
        if self.expects:
            binds["expected"] = expected
        for i, (field, values) in enumerate(zip(self.fields, columns, strict=True)):
            binds.update(_flat(i, values) if field.type.element else {f"v{i}": values})
        return self.statement.arguments(binds)


def _flat(i: int, arrays: Sequence[Sequence[Any] | None]) -> dict[str, Any]:
    """PostgreSQL's arrays of arrays are rectangular, so ragged ones go end to end, each with its bounds."""
    ends = list(accumulate(0 if array is None else len(array) for array in arrays))
    starts = [end - len(array or ()) + 1 for end, array in zip(ends, arrays, strict=True)]
    absent = [array is None for array in arrays]
    return {
        f"v{i}": [value for array in arrays if array is not None for value in array],
        f"lo{i}": [None if none else start for none, start in zip(absent, starts, strict=True)],
        f"hi{i}": [None if none else end for none, end in zip(absent, ends, strict=True)],
    }


def items(fields: Sequence[Field], *, expects: bool = False) -> Items:
    """Return the CTE of a request's rows, bound as `RowsStatement.arguments` gives them."""
    binds: dict[str, str] = {"n": "integer"}
    if expects:
        binds["expected"] = "bigint"
    for i, field in enumerate(fields):
        binds.update({f"lo{i}": "integer", f"hi{i}": "integer"} if field.type.element else _scalar(i, field))
    arrays = [bindparam(name, type_=_array_of(kind)) for name, kind in binds.items()]
    source = func.unnest(*arrays).table_valued(*(column(name, Integer) for name in binds))
    rows = source.render_derived(name=ITEM)
    values = {f"v{i}": _value(i, field, rows.c) for i, field in enumerate(fields)}
    extra = [rows.c.expected] if expects else []
    cte = select(rows.c.n, *extra, *(value.label(name) for name, value in values.items())).cte(ITEM)
    bound = dict(zip(binds, arrays, strict=True))
    return Items(
        cte,
        {field.column: cte.c[f"v{i}"] for i, field in enumerate(fields)},
        arrays[0],
        {field.column: bound[f"v{i}"] for i, field in enumerate(fields) if not field.type.element},
    )


def _scalar(i: int, field: Field) -> dict[str, str]:
    return {f"v{i}": "text" if field.type.text_cast else field.type.sql}


def _value(i: int, field: Field, columns: Any) -> ColumnElement[Any]:
    kind = field.type
    if kind.element is not None:
        flat = bindparam(f"v{i}", type_=_array_of("text" if kind.text_cast else kind.element.sql))
        whole: ColumnElement[Any] = Grouping(flat)[columns[f"lo{i}"] : columns[f"hi{i}"]]
        return cast(whole, _array_of(kind.element.sql)) if kind.text_cast else whole
    return cast(columns[f"v{i}"], NamedType(kind.sql)) if kind.text_cast else columns[f"v{i}"]


@dataclass(frozen=True, slots=True)
class RowStatement:
    """A statement over one row, bound by a parameter per column: planned and run in a fraction of the time.

    Args:
        statement: it takes the values of `fields`, and the expected version where it compares that.
        fields: the fields whose values it takes.

    """

    statement: Statement
    fields: tuple[Field, ...]

    def arguments(
        self, row: Mapping[str, Any], expected: int | None = None, caller: Mapping[str, Any] = NO_VALUES
    ) -> Sequence[Any]:
        """Return the arguments in bind order, of a row given as driver values by column name."""
        binds = {f"v{i}": row[field.column] for i, field in enumerate(self.fields)}
        return self.statement.arguments({**binds, "expected": expected, **caller})


def row_values(fields: Sequence[Field]) -> dict[str, ColumnElement[Any]]:
    """Return one row's values, by column, bound as `RowStatement.arguments` gives them.

    Where they are assigned or compared decides their type: a cast could cut or round them.
    """
    return {field.column: _parameter(f"v{i}", field) for i, field in enumerate(fields)}


def _parameter(name: str, field: Field) -> ColumnElement[Any]:
    kind = field.type
    if not kind.text_cast:
        return bindparam(name, type_=NamedType(kind.sql))
    if kind.element is None:
        return cast(bindparam(name, type_=Text()), NamedType(kind.sql))
    return cast(bindparam(name, type_=ARRAY(Text)), _array_of(kind.element.sql))


def output_columns(resource: Resource, table: Any) -> list[ColumnElement[Any]]:
    """Return all of a table's columns as rows are read: named `f0, f1, …`, in the order of the fields."""
    return [read_column(field, table).label(f"f{i}") for i, field in enumerate(resource.fields)]
