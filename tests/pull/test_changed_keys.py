"""Keys that change in the database: requests and routes follow them, and no table is lost on the way."""

from pathlib import Path

import pytest

from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from tests.harness.databases import Databases
from tests.harness.gateway import client_of
from tests.pull.pulling import lint, pulled, run

_COLUMNS = {"a": "int NOT NULL", "b": "text NOT NULL", "c": "int NOT NULL", "at": "timestamptz NOT NULL"}
# By table, the key as it was and as it is.
_KEYS = {
    "narrowed": ("a, b", "a"),
    "widened": ("a", "a, b"),
    "moved": ("a", "b"),
    "changed": ("a, b, c", "c, b"),
    "timed": ("a", "at"),
    "untimed": ("at, a", "a"),
}


@pytest.fixture
async def changed(databases: Databases, tmp_path: Path) -> tuple[str, Path]:
    """Return a database whose tables have got other keys since the last pull, and the protos' folder."""
    dsn, folder = await databases.empty(), tmp_path / "protos"
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    made = [f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({key}))" for name, (key, _) in _KEYS.items()]
    bare = ("CREATE TABLE bare (a int, v text)", "CREATE VIEW shown AS SELECT a, v FROM bare")
    await run(dsn, *made, *bare, "CREATE VIEW stored AS SELECT a, v FROM bare")
    await pulled(dsn, folder, package="keys")
    for name, (_, key) in _KEYS.items():
        alters = f"ALTER TABLE {name} DROP CONSTRAINT {name}_pkey, ADD PRIMARY KEY ({key})"
        await run(dsn, alters, f"INSERT INTO {name} VALUES (1, 'x', 3, '2020-01-01')")  # noqa: S608
    await run(
        dsn,
        "ALTER TABLE bare ADD PRIMARY KEY (a)",
        "INSERT INTO bare VALUES (1, 'x')",
        "DROP VIEW stored",
        "CREATE TABLE stored (a int PRIMARY KEY, v text)",
    )
    return dsn, folder


async def test_messages_keep_their_fields(changed: tuple[str, Path]) -> None:
    dsn, folder = changed
    before = read_schema(compile_protos(folder)).resources
    found, _ = await pulled(dsn, folder, keys=("shown=a",))
    assert found.report.tables == []
    descriptors = compile_protos(folder)
    assert lint(descriptors, folder) == ""
    assert (await pulled(dsn, folder))[1] == []
    after = read_schema(descriptors).resources
    assert before.keys() == after.keys()
    numbers = [
        {(name, one.name): one.descriptor.number for name, each in resources.items() for one in each.fields}
        for resources in (before, after)
    ]
    assert numbers[0] == numbers[1]
    keys = {one.table: ", ".join(one.primary_key) for one in after.values()}
    assert keys == {
        **{name: key for name, (_, key) in _KEYS.items()},
        "bare": "a",
        "shown": "a",
        "stored": "a",
    }


async def test_calls_and_routes_name_the_new_key(changed: tuple[str, Path]) -> None:
    dsn, folder = changed
    await pulled(dsn, folder, keys=("shown=a",))
    descriptors = compile_protos(folder)
    values = {"a": 1, "b": "x", "c": 3, "at": "2020-01-01T00:00:00Z"}
    async with client_of(descriptors, dsn) as client:
        for name, (_, key) in {**_KEYS, "bare": ("", "a"), "shown": ("", "a")}.items():
            asked = {column: values[column] for column in key.split(", ")}
            one = name.title()
            row = await client.call(f"keys.public.v1.{one}Service/Get{one}", **asked)
            assert row.a == 1, name
            text = (folder / f"keys/public/v1/{name}_service.proto").read_text()
            route = "/".join(f"{{{column}}}" for column in asked)
            assert ("at" in asked) or f's/{route}";' in text, name
