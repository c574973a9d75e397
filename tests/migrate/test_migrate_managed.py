"""What migrations made they may drop; what somebody else made stays."""

from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.sql.naming import conv

from gateway.migrate import DestructiveChangeError, Folder, apply, differences, revise, upgrade
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty

OTHERS = (
    "CREATE TABLE theirs (id integer PRIMARY KEY)",
    "ALTER TABLE seat ADD COLUMN note text, ADD CONSTRAINT note_check CHECK (note <> 'x')",
    "CREATE INDEX note_idx ON seat (note)",
)


def _seats(*names: str, table: str = "seat") -> sa.MetaData:
    """Return a model of one table, with a check and an index per column."""
    metadata = empty()
    made = sa.Table(
        table,
        metadata,
        sa.Column("id", sa.Integer, autoincrement=False),
        *(sa.Column(name, sa.Text) for name in names),
        *(sa.CheckConstraint(f"{name} <> ''", name=conv(f"{name}_check")) for name in names),
        sa.PrimaryKeyConstraint("id", name=conv(f"{table}_pkey")),
    )
    for name in names:
        sa.Index(conv(f"{name}_idx"), made.c[name])
    return metadata


async def _names(database: EmptyDatabase) -> set[str]:
    """Return the names of the seats' columns, checks and indexes."""
    rows = await database.fetch(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 "
        "AND NOT attisdropped "
        "UNION SELECT conname::text FROM pg_constraint WHERE conrelid = $1::regclass AND contype = 'c' "
        "UNION SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = $1::regclass",
        "seat",
    )
    return {str(row[0]) for row in rows}


async def test_direct_changes_drop_only_what_they_made(database: EmptyDatabase) -> None:
    await apply(_seats("code", "row"), database.connect)
    await database.run(*OTHERS)
    assert await apply(_seats("code", "row"), database.connect) == ()
    with pytest.raises(DestructiveChangeError) as refused:
        await apply(_seats("code"), database.connect)
    assert refused.value.losses == ("drops column public.seat.row",)
    assert (await differences(_seats("code"), database.connect)).open
    await apply(_seats("code"), database.connect, allow_destructive=True)
    theirs = {"note", "note_check", "note_idx"}
    assert await _names(database) == {"id", "seat_pkey", "code", "code_check", "code_idx"} | theirs
    assert (await differences(_seats("code"), database.connect)).open == ()
    assert await database.fetch("SELECT to_regclass('theirs') IS NOT NULL") == [(True,)]


async def test_a_check_that_the_schema_gives_up_is_lost(database: EmptyDatabase) -> None:
    await apply(_seats("code"), database.connect)
    relaxed = _seats("code")
    seat = relaxed.tables["seat"]
    seat.constraints -= {c for c in seat.constraints if isinstance(c, sa.CheckConstraint)}
    with pytest.raises(DestructiveChangeError) as refused:
        await apply(relaxed, database.connect)
    assert refused.value.losses == ("drops check code_check of public.seat",)
    steps = await apply(relaxed, database.connect, allow_destructive=True)
    assert [step.sql for step in steps] == ["ALTER TABLE public.seat DROP CONSTRAINT code_check"]


async def test_direct_changes_drop_no_table(database: EmptyDatabase) -> None:
    """Two services may keep their tables in one database."""
    await apply(_seats("code"), database.connect)
    other = _seats(table="crew")
    await apply(other, database.connect, allow_destructive=True)
    assert await database.fetch("SELECT to_regclass('seat') IS NOT NULL") == [(True,)]


async def test_a_folder_drops_the_tables_it_made(database: EmptyDatabase, tmp_path: Path) -> None:
    await database.run("CREATE TABLE theirs (id integer PRIMARY KEY)")
    both = _seats("code")
    for table in _seats(table="crew").tables.values():
        table.to_metadata(both)
    await revise(both, database.connect, Folder(tmp_path), "both", day=date(2026, 11, 20))
    await upgrade(Folder(tmp_path), database.connect)
    only = _seats("code")
    with pytest.raises(DestructiveChangeError) as refused:
        await revise(only, database.connect, Folder(tmp_path), "only", day=date(2026, 11, 21))
    assert refused.value.losses == ("drops table public.crew",)
    await revise(
        only, database.connect, Folder(tmp_path), "only", day=date(2026, 11, 21), allow_destructive=True
    )
    await upgrade(Folder(tmp_path), database.connect, allow_destructive=True)
    tables = await database.fetch(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
    )
    assert tables == [("seat",), ("theirs",)]
    assert (await differences(only, database.connect, Folder(tmp_path))).open == ()
