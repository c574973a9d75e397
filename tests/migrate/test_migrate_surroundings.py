"""Extensions, enum types and rows that are in the way."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import UserDefinedType

from gateway.introspect import ModelRefusedError
from gateway.migrate import Folder, MigrationError, apply, revise, upgrade
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty

BRINGS_PGVECTOR = LACKS_CITEXT = pytest.mark.parametrize("servers", ["18"], indirect=True)
"""Of the embedded PostgreSQL 18; Debian's 15 is the other way round."""


class Spelled(UserDefinedType[Any]):
    """A type by its name."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """Return the name."""
        return self.name


def _seats(*columns: sa.Column[Any]) -> sa.MetaData:
    metadata = empty()
    sa.Table("seat", metadata, sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), *columns)
    return metadata


@BRINGS_PGVECTOR
async def test_a_needed_extension_is_made(database: EmptyDatabase) -> None:
    model = _seats(sa.Column("place", Spelled("vector(3)")), sa.Column("ways", Spelled("vector(2)")))
    assert "extension vector is missing" in [str(difference) for difference in await database.drift(model)]
    steps = await apply(model, database.connect)
    assert "CREATE EXTENSION IF NOT EXISTS vector" in [step.sql for step in steps]
    assert await database.drift(model) == ()


@LACKS_CITEXT
async def test_an_extension_that_is_not_installed(database: EmptyDatabase) -> None:
    """The database is told to lack it; a migration says PostgreSQL's own words."""
    model = _seats(sa.Column("name", Spelled("citext")))
    assert "extension citext is missing" in [str(difference) for difference in await database.drift(model)]
    with pytest.raises(MigrationError, match='extension "citext" is not available'):
        await apply(model, database.connect)


async def test_a_type_that_nobody_has(database: EmptyDatabase) -> None:
    await apply(_seats(), database.connect)
    with pytest.raises(ModelRefusedError, match='type "sizes" does not exist'):
        await database.drift(_seats(sa.Column("size", Spelled("sizes"))))


@pytest.mark.parametrize("by_folder", [False, True])
async def test_enum_types_grow(database: EmptyDatabase, tmp_path: Path, by_folder: bool) -> None:  # noqa: FBT001 - pytest's
    """At the front, in the middle and at the end, in two types at once, with the new label as default."""

    def model(sizes: str, states: str) -> sa.MetaData:
        size, state = (
            postgresql.ENUM(*labels.split(), name=name)
            for name, labels in {"size": sizes, "State": states}.items()
        )
        default = states.rsplit(maxsplit=1)[-1]
        return _seats(
            sa.Column("size", size),
            sa.Column("states", sa.ARRAY(state)),
            sa.Column("s", state, server_default=default),
        )

    for day, (sizes, states) in enumerate([("m", "on"), ("s m l xl", "new on off lost")], start=1):
        wanted = model(sizes, states)
        if by_folder:
            await revise(wanted, database.connect, Folder(tmp_path), "more", day=date(2026, 1, day))
            await upgrade(Folder(tmp_path), database.connect)
        else:
            await apply(wanted, database.connect)
        assert await database.drift(wanted) == ()
    ordered = "SELECT enumlabel::text FROM pg_enum WHERE enumtypid = 'size'::regtype ORDER BY enumsortorder"
    assert [label for (label,) in await database.fetch(ordered)] == ["s", "m", "l", "xl"]


async def test_a_null_stops_not_null(database: EmptyDatabase) -> None:
    await apply(_seats(sa.Column("code", sa.Text)), database.connect)
    await database.run("INSERT INTO seat VALUES (1, NULL)")
    with pytest.raises(MigrationError, match="rows that are there have no value for it"):
        await apply(_seats(sa.Column("code", sa.Text, nullable=False)), database.connect)
    await database.run("UPDATE seat SET code = 'A'")
    await apply(_seats(sa.Column("code", sa.Text, nullable=False)), database.connect)


async def test_a_filled_table_takes_a_column_with_a_default(database: EmptyDatabase) -> None:
    await apply(_seats(), database.connect)
    await database.run("INSERT INTO seat VALUES (1)")
    code = sa.Column("code", sa.Text, nullable=False, server_default=sa.text("'A'"))
    await apply(_seats(code), database.connect)
    assert await database.fetch("SELECT code FROM seat") == [("A",)]


async def test_tables_and_indexes_of_one_name_in_two_schemas(database: EmptyDatabase) -> None:
    model = empty()
    for schema, kind in {None: sa.Text, "sky": sa.Integer, "Sea": sa.Boolean}.items():
        code = sa.Column("code", kind, sa.CheckConstraint("code IS NOT NULL", name="code"), index=True)
        sa.Table(
            "seat",
            model,
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
            code,
            schema=schema,
        )
    await apply(model, database.connect)
    assert await database.drift(model) == ()
    await database.run('ALTER TABLE "Sea".seat ALTER code TYPE text', "DROP INDEX sky.sky_seat_code_idx")
    assert [str(difference) for difference in await database.drift(model)] == [
        "table Sea.seat: column code is text, the schema says boolean",
        "table sky.seat: index sky_seat_code_idx is missing: the schema says USING btree (code)",
    ]


async def test_a_reference_to_a_table_that_is_no_resource(database: EmptyDatabase) -> None:
    await database.run("CREATE SCHEMA their", "CREATE TABLE their.crew (id integer PRIMARY KEY)")
    crew = sa.Table("crew", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True), schema="their")
    model = _seats(sa.Column("crew", sa.Integer, sa.ForeignKey(crew.c.id, ondelete="SET NULL")))
    await apply(model, database.connect)
    assert await database.drift(model) == ()
    await database.run("ALTER TABLE seat DROP CONSTRAINT seat_crew_fkey")
    [missing] = await database.drift(model)
    assert missing.wanted == "FOREIGN KEY (crew) REFERENCES their.crew (id) ON DELETE SET NULL"
