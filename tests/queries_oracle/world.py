"""The rows of a schema's tables: drawn, written by SQL, and known by where they lie, which never changes."""

from collections.abc import Mapping
from random import Random
from typing import Any

import asyncpg

from tests.queries_oracle.tables import SCHEMAS, Row, Table

World = Mapping[str, list[Row]]
"""By the tables' names."""
_MOST_ROWS = 24


def drawn_world(schema: str, chance: Random) -> World:
    """Draw the rows of a schema."""
    world: dict[str, list[Row]] = {}
    for table in SCHEMAS[schema].values():
        rows: dict[Any, Row] = {}
        world[table.name] = []
        for _ in range(chance.choice((0, 1, *[_MOST_ROWS] * 10))):
            row = _referring(table, table.drawn(chance), world, chance)
            key = tuple(row[name] for name in table.key)
            if key not in rows and not _taken(table, row, world):
                rows[key] = row
                world[table.name].append(row)
    return world


def _referring(table: Table, row: Row, world: World, chance: Random) -> Row:
    """Let most of what refers to rows find some; the others name what isn't there, or nothing."""
    for names, (target, there) in table.refers.items():
        if world.get(target) and chance.random() < 0.75:
            found = chance.choice(world[target])
            row |= {name: found[other] for name, other in zip(names, there, strict=True)}
    return row


def _taken(table: Table, row: Row, world: World) -> bool:
    value = row.get(table.unique)
    return value is not None and any(other[table.unique] == value for other in world[table.name])


async def write(sql: asyncpg.Connection, schema: str, world: World) -> None:
    """Make the tables hold these rows and no others, whatever they refer to."""
    tables = SCHEMAS[schema].values()
    texts = ["SET session_replication_role = replica"]
    texts += [f"TRUNCATE {', '.join(table.relation for table in tables)}"]
    texts += [_insert(table, world[table.name]) for table in tables if world[table.name]]
    await sql.execute("; ".join(texts))


def _insert(table: Table, rows: list[Row]) -> str:
    columns = ", ".join(table.column(name).removeprefix("t.") for name in table.fields)
    values = ", ".join(
        f"({', '.join(one.kind.sql(row[name]) for name, one in table.fields.items())})" for row in rows
    )
    return f"INSERT INTO {table.relation} ({columns}) VALUES {values}"  # noqa: S608 - rows of tests


async def places(sql: asyncpg.Connection, schema: str) -> Mapping[str, Mapping[str, int]]:
    """Return which row lies where, by the tables' names."""
    found = {}
    for table in SCHEMAS[schema].values():
        lying = await sql.fetch(f"SELECT ctid::text AS place FROM {table.relation} ORDER BY ctid")  # noqa: S608 - a test's
        found[table.name] = {row["place"]: number for number, row in enumerate(lying)}
    return found
