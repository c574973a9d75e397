"""The rows of a schema: drawn, written and read by SQL past the gateway."""

import json
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

import asyncpg

from tests.row_policies.tables import TABLES, VAULT_DOCUMENT, Field, Row, Table

World = dict[str, dict[tuple[Any, ...], Row]]
"""By table and key."""
_DELETED = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_ROWS = 14


def drawn_world(schema: str, chance: Random) -> World:
    """Draw rows for all tables of a schema."""
    world: World = {}
    for table in TABLES[schema]:
        world[table.name] = {}
        for _ in range(chance.randrange(4, _MOST_ROWS)):
            add(world, table, _referring(world, table, drawn_row(table, chance), chance))
    return world


def _referring(world: World, table: Table, row: Row, chance: Random) -> Row:
    """Let most rows refer to some that are there."""
    for name, target in table.refers.items():
        if row[name] is not None and world[target] and chance.random() < 0.7:
            (row[name],) = chance.choice(list(world[target]))
    return row


def drawn_row(table: Table, chance: Random) -> Row:
    """Draw a row; what fails where it is read stands in rows that nobody may read."""
    row = {name: one.draw(chance) for name, one in table.fields.items()}
    return {**row, **table.vault} if VAULT_DOCUMENT in row.values() else row


def add(world: World, table: Table, row: Row) -> None:
    """Add a row, but where a key is taken; references to no row become NULL, or keep it out."""
    for name, target in table.refers.items():
        if (row[name],) not in world[target]:
            row[name] = None
        if row[name] is None and not table.fields[name].optional:
            return
    rows = world[table.name]
    if table.key_of(row) not in rows and not any(taken(table, other, row) for other in rows.values()):
        rows[table.key_of(row)] = row


def taken(table: Table, one: Row, other: Row) -> bool:
    """Return whether two rows have a unique key in common."""
    return any(all(one[name] == other[name] for name in key) for key in table.unique)


def without(world: World, hidden: Mapping[str, set[tuple[Any, ...]]]) -> World:
    """Return the world without some rows."""
    return {
        name: {key: row for key, row in rows.items() if key not in hidden[name]}
        for name, rows in deepcopy(world).items()
    }


async def write(sql: asyncpg.Connection, schema: str, world: World) -> None:
    """Make the tables hold these rows and no others, whatever triggers and references say."""
    texts = ["SET session_replication_role = replica"]
    texts += [f"TRUNCATE {', '.join(table.relation for table in TABLES[schema])} CASCADE"]
    texts += [
        _insert(table, list(world[table.name].values())) for table in TABLES[schema] if world[table.name]
    ]
    await sql.execute("; ".join(texts))


def _insert(table: Table, rows: list[Row]) -> str:
    columns = ", ".join(_column(name, one) for name, one in table.fields.items())
    values = ", ".join(
        "(" + ", ".join(_literal(one.kind, row[name]) for name, one in table.fields.items()) + ")"
        for row in rows
    )
    return f"INSERT INTO {table.relation} ({columns}) VALUES {values}"  # noqa: S608 - rows of tests


def _column(name: str, one: Field) -> str:
    quoted = (one.column or name).replace('"', '""')
    return f'"{quoted}"'


def _literal(kind: str, value: Any) -> str:
    if kind == "time":
        value = _DELETED.isoformat() if value else None
    if value is None:
        return "NULL"
    if isinstance(value, bool | int):
        return str(value)
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


async def read(sql: asyncpg.Connection, schema: str) -> World:
    """Read all rows."""
    world: World = {}
    for table in TABLES[schema]:
        columns = ", ".join(f'{_read(name, one)} AS "{name}"' for name, one in table.fields.items())
        found = await sql.fetch(f"SELECT {columns} FROM {table.relation}")  # noqa: S608 - as above
        rows = [
            {name: _plain(table.fields[name].kind, value) for name, value in row.items()} for row in found
        ]
        world[table.name] = {table.key_of(row): row for row in rows}
    return world


def _read(name: str, one: Field) -> str:
    return f"{_column(name, one)}::text" if one.kind == "vector" else _column(name, one)


def _plain(kind: str, value: Any) -> Any:
    if kind == "time":
        return value is not None
    if kind == "uuid":
        return None if value is None else str(value)
    if kind == "document" and value is not None:
        return document(value)
    return value


def document(text: str) -> str:
    """Return a document in one spelling: that of the vault is 400 digits where it is read."""
    return VAULT_DOCUMENT if len(text) > len(VAULT_DOCUMENT) else json.dumps(json.loads(text), sort_keys=True)
