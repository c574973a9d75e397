"""Conditions on rows of other tables, to which relations lead: as docs/filters.md has them, and in SQL."""

from dataclasses import replace
from random import Random

from tests.queries_oracle.filters.asks import asks_of, drawn_condition, subject_of
from tests.queries_oracle.filters.conditions import SIGNS, Condition, other_field, sql_sign
from tests.queries_oracle.tables import BY_NAME, Relation, Table

_DEEPEST = 2


def drawn_across(table: Table, chance: Random, depth: int = 0) -> Condition:
    """Draw a condition on what a relation of a table's rows holds."""
    name = chance.choice(list(table.relations))
    relation = table.relations[name]
    shapes = ["there", "below", "below", "below", *(["count", "exists"] if relation.many else ["null"])]
    shape = chance.choice(shapes)
    if shape == "below":
        return _below(table, name, chance, depth)
    rows = rows_held(table, relation, depth)
    if shape == "there":
        return Condition(f"{name}:*", f"EXISTS (SELECT {rows})")
    if shape == "null":
        return Condition(f"{name} = null", f"NOT EXISTS (SELECT {rows})")
    both = (
        _both(BY_NAME[relation.target], chance, depth) if shape == "exists" or chance.random() < 0.5 else None
    )
    inside, met = (f", {both.text}", f" AND {both.sql}") if both else ("", "")
    if shape == "exists":
        return Condition(f"exists({name}{inside})", f"EXISTS (SELECT {rows}{met})")
    sign, number = chance.choice(SIGNS), chance.randrange(4)
    return Condition(
        f"count({name}{inside}) {sign} {number}", f"(SELECT count(*) {rows}{met}) {sql_sign(sign)} {number}"
    )


def _both(target: Table, chance: Random, depth: int) -> Condition:
    """Draw one condition on a row of another table, or two that it has to meet both."""
    parts = [drawn_condition(target, chance) for _ in range(chance.choice((1, 2)))]
    sql = " AND ".join(f"({part.sql})" for part in parts)
    return Condition(" AND ".join(part.text for part in parts), f"({renamed(sql, depth)})")


def _below(table: Table, name: str, chance: Random, depth: int, prefix: str = "") -> Condition:
    """Draw a condition on a field of the rows that a relation holds, or on what their relations hold."""
    relation = table.relations[name]
    target = BY_NAME[relation.target]
    if target.relations and depth + 1 < _DEEPEST and chance.random() < 0.3:
        other = chance.choice(list(target.relations))
        inner = _below(target, other, chance, depth + 1, f"{prefix}{name}.")
    else:
        column = chance.choice(list(target.fields))
        subject = replace(subject_of(target, column), path=f"{prefix}{name}.{column}")
        asks = [one for one in asks_of(target.fields[column]) if one is not other_field]
        inner = chance.choice(asks)(subject, target, chance)
    sql = renamed(f"({inner.sql})", depth)
    if relation.many:
        return Condition(inner.text, f"EXISTS (SELECT {rows_held(table, relation, depth)} AND {sql})")
    return Condition(inner.text, f"(SELECT {sql} {rows_held(table, relation, depth, outer=True)})")


def renamed(sql: str, depth: int) -> str:
    """Return a condition on a table's rows as `t` as one on them as what they are called at a depth."""
    return sql.replace('t."', f'r{depth}."')


def rows_held(table: Table, relation: Relation, depth: int, *, outer: bool = False) -> str:
    """Return where the rows are found that a relation holds; one of NULLs where there is none, if `outer`."""
    target, alias = BY_NAME[relation.target], f"r{depth}"
    parts = [f"{target.column(there, alias)} = {table.column(here)}" for here, there in relation.on.items()]
    parts += [f"{target.column(target.deleted, alias)} IS NULL"] if target.deleted else []
    parts += [renamed(f"({relation.rule})", depth)]
    met = " AND ".join(parts)
    if outer:
        return f"FROM (SELECT 1) AS one LEFT JOIN {target.relation} AS {alias} ON {met}"
    return f"FROM {target.relation} AS {alias} WHERE {met}"
