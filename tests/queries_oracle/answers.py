"""What a question has to be answered: SQL of its own says which rows, and where relations lead."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.queries_oracle.aggregates import Grouping
from tests.queries_oracle.questions import Question
from tests.queries_oracle.served import Served
from tests.queries_oracle.shown import Held, Shown, sql_order, told_row, unset
from tests.queries_oracle.tables import SCHEMAS, Row, Table

Tree = dict[str, Any]
"""A row as it is told, with the rows of its relations."""


async def found_rows(served: Served, question: Question) -> list[int]:
    """Return which rows a question finds, in their order."""
    table = question.table
    found = await served.sql.fetch(
        f"SELECT t.ctid::text AS place FROM {table.relation} AS t WHERE {question.condition()} "  # noqa: S608 - a test's
        f"ORDER BY {sql_order(table, question.order)}"
    )
    return [served.places[table.name][row["place"]] for row in found]


async def told_rows(served: Served, table: Table, numbers: Sequence[int], shown: Shown) -> list[Tree]:
    """Return rows as they are told."""
    rows = served.world[table.name]
    told: list[Tree] = [told_row(table, rows[number], shown) for number in numbers]
    for name, held in shown.relations.items():
        relation = table.relations[name]
        target = SCHEMAS[served.schema][relation.target]
        led = await _leading(served, table, name, held)
        below = [led.get(number, ()) for number in numbers]
        needed = sorted({number for some in below for number in some})
        trees = dict(zip(needed, await told_rows(served, target, needed, held.shown), strict=True))
        for row, some in zip(told, below, strict=True):
            inner = [trees[number] for number in some]
            row[name] = inner if relation.many else inner[0] if inner else None
    return told


async def _leading(served: Served, table: Table, name: str, held: Held) -> Mapping[int, Sequence[int]]:
    """Return where a relation leads from each row."""
    relation = table.relations[name]
    target = SCHEMAS[served.schema][relation.target]
    on = " AND ".join(
        f"{target.column(there)} = {table.column(here, 'p')}" for here, there in relation.on.items()
    )
    live = f"{target.column(target.deleted)} IS NULL" if target.deleted else "true"
    asked = held.filter.sql if held.filter else "true"
    pairs = await served.sql.fetch(
        f"SELECT p.ctid::text AS here, t.ctid::text AS there FROM {table.relation} AS p "  # noqa: S608 - a test's
        f"JOIN {target.relation} AS t ON {on} WHERE {live} AND ({relation.rule}) AND {asked} "
        f"ORDER BY {sql_order(target, held.order or relation.order)}"
    )
    led: dict[int, list[int]] = {}
    for pair in pairs:
        here, there = served.places[table.name][pair["here"]], served.places[target.name][pair["there"]]
        led.setdefault(here, []).append(there)
    limit = min(held.limit or relation.limit, relation.limit) if relation.many else 1
    return {number: some[:limit] for number, some in led.items()}


async def groups(served: Served, grouping: Grouping) -> list[Row]:
    """Return the groups that are due, as they are told."""
    fields = grouping.statistics.answer.fields
    shown = {*grouping.group_by, *grouping.computed}
    return [
        {
            name: _plain(row[name], fields[name].kind.name)
            if name in shown
            else unset(grouping.statistics.answer, name)
            for name in fields
        }
        for row in await served.sql.fetch(grouping.sql())
    ]


def _plain(value: Any, kind: str) -> Any:
    """Return a value of SQL as messages tell it."""
    if value is None or kind in ("bigs", "doubles", "words"):
        return value
    return format(value, "f") if kind == "decimal" else str(value) if kind == "uuid" else value
