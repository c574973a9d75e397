"""Filters as trees: drawn, spelled as requests spell them, and told once more in SQL and plain Python."""

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from hypothesis import strategies as st

from tests.generated_schemas.kinds import NESTED, Kind, filter_text
from tests.generated_schemas.schemas import Column, Schema
from tests.generated_schemas.table import Table

Tree = tuple[Any, ...]
"""A condition: ("is", field, operator, value), ("null", …), ("has", …), ("there", …), ("inside", …),
("there inside", …), or a word and the trees that it joins."""
Pools = Mapping[str, Sequence[Any]]
"""The values that rows hold, by field."""
Question = Callable[[Column, Pools], st.SearchStrategy[Tree]]
"""A column, and the values of all → what may be asked of it."""

_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": eq,
    "!=": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}
# A field of Part → its zero, the values that are asked for, how a filter spells one.
_INSIDE: Mapping[str, tuple[Any, Sequence[Any], Callable[[Any], str]]] = {
    "text": ("", ("", "a", "é", "it's"), filter_text),
    "number": (0, (0, 1, -1, 2**63 - 1), str),
    "truth": (False, (False, True), lambda value: str(value).lower()),
    "kind": (0, tuple(NESTED), NESTED.__getitem__),
}
_ORDERED_INSIDE = ("text", "number")
_PARTS = ("part", "part_delimited")
_FILLED = ("text", "character", "name", "bytea")
_HOLDING = ("google.protobuf.Struct", "google.protobuf.ListValue")


@st.composite
def trees(draw: st.DrawFn, schema: Schema, pools: Pools, depth: int = 2) -> Tree:
    """Return filters, as trees."""
    shape = draw(st.sampled_from(["is", "is", "is", "and", "or", "not"])) if depth else "is"
    if shape == "not":
        return ("not", draw(trees(schema, pools, depth - 1)))
    if shape != "is":
        return (shape, draw(trees(schema, pools, depth - 1)), draw(trees(schema, pools, depth - 1)))
    column = draw(st.sampled_from(schema.columns))
    return draw(st.sampled_from(questions(column)).flatmap(lambda ask: ask(column, pools)))


def questions(column: Column) -> Sequence[Question]:
    """Return what can be asked of a column."""
    found: list[Question] = [_null]
    if may_be_there(column):
        found += [_there]
    if column.of.literal is not None and column.of.sql is not None:
        found += [_is, _is]
    element = column.of.element
    if element is not None and element.literal is not None and element.sql is not None:
        found += [_has]
    if column.kind in _PARTS:
        found += [_inside, _inside, _inside, _there_inside]
    return found


def may_be_there(column: Column) -> bool:
    """Return whether SQL says of it what `:*` asks for."""
    of = column.of
    return column.has_presence or of.repeated or column.is_enum or (of.literal is not None and of.zero)


def of_zeros_inside(column: Column) -> Sequence[Tree]:
    """Return what is asked of the zeros in a stored message, which are stored as nothing."""
    if column.kind not in _PARTS:
        return []
    return [("inside", column.name, "kind", "=", 0), ("inside", column.name, "text", "!=", "")]


def _null(column: Column, _pools: Pools) -> st.SearchStrategy[Tree]:
    return st.booleans().map(lambda is_null: ("null", column.name, is_null))


def _there(column: Column, _pools: Pools) -> st.SearchStrategy[Tree]:
    return st.just(("there", column.name))


def _is(column: Column, pools: Pools) -> st.SearchStrategy[Tree]:
    ordered = column.of.ordered and not column.is_enum
    operators = ["=", "!=", "<", "<=", ">", ">="] if ordered else ["=", "!="]
    return st.tuples(
        st.just("is"), st.just(column.name), st.sampled_from(operators), st.sampled_from(pools[column.name])
    )


def _has(column: Column, pools: Pools) -> st.SearchStrategy[Tree]:
    assert column.of.element is not None
    held = [element for values in pools[column.name] for element in values]
    elements = st.sampled_from(held) if held else column.of.element.good
    return st.tuples(st.just("has"), st.just(column.name), elements)


def _inside(column: Column, _pools: Pools) -> st.SearchStrategy[Tree]:
    def asked(name: str) -> st.SearchStrategy[Tree]:
        operators = list(_COMPARED) if name in _ORDERED_INSIDE else ["=", "!="]
        values = st.sampled_from(_INSIDE[name][1])
        return st.tuples(
            st.just("inside"), st.just(column.name), st.just(name), st.sampled_from(operators), values
        )

    return st.sampled_from(list(_INSIDE)).flatmap(asked)


def _there_inside(column: Column, _pools: Pools) -> st.SearchStrategy[Tree]:
    return st.sampled_from(list(_INSIDE)).map(lambda name: ("there inside", column.name, name))


def spelled(table: Table, tree: Tree) -> str:  # noqa: PLR0911 - one line per kind of condition
    """Return a filter as requests spell it."""
    match tree:
        case ("not", inner):
            return f"NOT ({spelled(table, inner)})"
        case ("and" | "or" as word, left, right):
            return f"({spelled(table, left)} {word.upper()} {spelled(table, right)})"
        case ("null", name, is_null):
            return f"{name} {'=' if is_null else '!='} null"
        case ("has", name, value):
            return f"{name}:{_literal(table.schema.by_name[name].of.element, value)}"
        case ("there", name):
            return f"{name}:*"
        case ("there inside", name, part):
            return f"{name}.{part}:*"
        case ("inside", name, part, operator, value):
            return f"{name}.{part} {operator} {_INSIDE[part][2](value)}"
    _, name, operator, value = tree
    return f"{name} {operator} {_literal(table.schema.by_name[name].of, value)}"


def _literal(kind: Kind | None, value: Any) -> str:
    assert kind is not None
    assert kind.literal is not None
    return kind.literal(value)


def condition(table: Table, tree: Tree) -> str:  # noqa: PLR0911 - as above
    """Return a filter as SQL spells it, over the table as `t`, joined with what the model knows."""
    match tree:
        case ("not", inner):
            return f"(NOT {condition(table, inner)})"
        case ("and" | "or" as word, left, right):
            return f"({condition(table, left)} {word.upper()} {condition(table, right)})"
        case ("null", name, is_null):
            return f"({table.column(name)} IS {'' if is_null else 'NOT '}NULL)"
        case ("has", name, value):
            return f"({_element(table, name, value)} = ANY ({table.column(name)}))"
        case ("there", name):
            return _is_there(table, table.schema.by_name[name])
        case ("there inside", name, part):
            return _known(table, name, lambda row: _is_there_inside(table, row, part))
        case ("inside", name, part, operator, value):
            return _known(table, name, lambda row: _compared(table, row, part, operator, value))
    _, name, operator, value = tree
    literal = table.schema.sql_value(table.schema.by_name[name], value)
    return f"({table.column(name)} {operator.replace('!=', '<>')} {literal})"


def _element(table: Table, name: str, value: Any) -> str:
    """Return a value of an array's element as SQL spells it."""
    column = table.schema.by_name[name]
    assert column.of.element is not None
    assert column.of.element.sql is not None
    return f"{column.of.element.sql(value)}::{table.schema.sql_type(column).removesuffix('[]')}"


def _is_there(table: Table, column: Column) -> str:
    """Return whether a field is set, not empty, and, without presence, not its zero."""
    stored = table.column(column.name)
    if column.of.column.endswith("[]"):
        return f"(coalesce(cardinality({stored}), 0) > 0)"
    if column.of.repeated or column.of.message in _HOLDING:
        return f"(coalesce({stored}::text, '') NOT IN ('', '[]', '{{}}'))"
    if column.of.column.startswith(_FILLED) and not column.is_enum:
        return f"(coalesce({stored}, '') <> '')"
    if column.has_presence or not column.of.zero:
        return f"({stored} IS NOT NULL)"
    return f"({stored} <> {table.schema.sql_value(column, _zero(column))})"


def _zero(column: Column) -> Any:
    return {"boolean": False, "bytea": b"", "character(5)": "", "name": ""}.get(column.of.column, 0)


def _known(table: Table, name: str, holds: Callable[[Any], bool | None]) -> str:
    """Return what plain Python says of a column's value in each row; None is neither true nor false."""
    answers = [holds(row.values[name]) for row in table.model.rows.values()]
    told = {True: "true", False: "false", None: "NULL"}
    return f"(ARRAY[{', '.join(told[answer] for answer in answers)}]::boolean[])[known.i + 1]"


def _is_there_inside(table: Table, value: Any, part: str) -> bool:
    """Return whether a stored message's field is set, not empty, and, without presence, not its zero."""
    held = (value or {}).get(part)
    return bool(held) or (held is not None and part != "text" and table.schema.syntax == "proto2")


def _compared(table: Table, value: Any, part: str, operator: str, wanted: Any) -> bool | None:
    """Return whether a stored message's field compares so; where it isn't set, it is its zero or unknown."""
    unset = None if table.schema.syntax == "proto2" else _INSIDE[part][0]
    held = None if value is None else value.get(part, unset)
    return None if held is None else _COMPARED[operator](held, wanted)
