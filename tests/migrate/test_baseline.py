"""Folders that begin with a database that exists: made by others, or by Rowgate without a folder."""

from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from sqlalchemy.sql.naming import conv

from gateway.introspect.tables.table_records import Name
from gateway.migrate import (
    Folder,
    MigrationError,
    NotOursError,
    apply,
    baseline,
    differences,
    preview,
    revise,
    upgrade,
)
from gateway.schema.tables.metadata import MANAGED
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty, flights
from tests.migrate.test_migrate_command import protos, rowgate
from tests.migrate.test_migrate_mutations import build, model

ON_18 = pytest.mark.parametrize("servers", ["18"], indirect=True, scope="session")
FIRST, SECOND = date(2026, 11, 22), date(2026, 11, 23)
SEAT = Name("public", "seat")

THEIRS = (
    "CREATE TYPE mood AS ENUM ('calm', 'loud')",
    "CREATE TABLE guest (id bigint CONSTRAINT pk_guest PRIMARY KEY)",
    """CREATE TABLE seat (
        id bigint CONSTRAINT pk_seat PRIMARY KEY, guest bigint NOT NULL, code text, mood mood, note text,
        CONSTRAINT fk_guest FOREIGN KEY (guest) REFERENCES guest, CONSTRAINT said CHECK (code <> ''))""",
    "CREATE UNIQUE INDEX by_code ON seat (code)",
    "CREATE INDEX theirs ON seat (note)",
    "INSERT INTO guest VALUES (1)",
    "INSERT INTO seat VALUES (1, 1, 'a', 'calm', 'b')",
)


def _seats(*more: sa.Column[Any]) -> sa.MetaData:
    metadata = empty()
    sa.Table("guest", metadata, sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False))
    sa.Table(
        "seat",
        metadata,
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("guest", sa.ForeignKey("guest.id"), nullable=False),
        sa.Column("code", sa.Text),
        sa.Column("mood", sa.Enum("calm", "loud", name="mood")),
        *more,
        sa.UniqueConstraint("code"),
        sa.CheckConstraint("code <> ''", name=conv("seat_code_check")),
    )
    return metadata


async def _made(database: EmptyDatabase) -> list[tuple[str, str]]:
    return [
        (kind, name)
        for kind, name in await database.fetch(
            "SELECT kind, concat_ws('.', table_name, nullif(object_name, '')) FROM rowgate.managed_object "
            "WHERE schema_name <> 'rowgate' ORDER BY 1, 2"
        )
    ]


async def _grave(database: EmptyDatabase, metadata: sa.MetaData) -> list[str]:
    return [str(one) for one in await database.drift(metadata) if one.forbids_serving]


async def test_tables_that_rowgate_made(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    """They are the folder's from then on: of what follows it drops them, here as where it made them."""
    await apply(flights(1), database.connect)
    made = await _made(database)
    done = await baseline(flights(1), database.connect, Folder(tmp_path), "What is there", day=FIRST)
    assert (done.revision, done.others) == ("2026-11-22_what_is_there", ())
    assert done.written == tmp_path / "2026-11-22_what_is_there.py"
    assert await _made(database) == made
    assert (await differences(flights(1), database.connect, Folder(tmp_path))).open == ()
    assert await upgrade(Folder(tmp_path), database.connect) == ()
    assert await revise(flights(1), database.connect, Folder(tmp_path), "none", day=SECOND) == ()
    await upgrade(Folder(tmp_path), other_database.connect)
    assert await _made(other_database) == made
    assert await _grave(other_database, flights(1)) == []

    await revise(flights(2), database.connect, Folder(tmp_path), "gates", day=SECOND)
    await revise_all(empty(), (database, other_database), tmp_path)
    for one in (database, other_database):
        assert await one.fetch("SELECT to_regclass('flight')::text") == [(None,)]


async def revise_all(metadata: sa.MetaData, databases: tuple[EmptyDatabase, ...], path: Path) -> None:
    """Run the folder, then one more revision of it, on all; they are at the schema then."""
    for one in databases:
        await upgrade(Folder(path), one.connect)
    await revise(metadata, databases[0].connect, Folder(path), "the last", day=SECOND, allow_destructive=True)
    for one in databases:
        await upgrade(Folder(path), one.connect, allow_destructive=True)
        assert (await differences(metadata, one.connect, Folder(path))).open == ()


async def test_tables_that_others_made(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    """Nothing of them is recorded or changed; the revision makes them elsewhere, by their names."""
    await database.run(*THEIRS)
    done = await baseline(_seats(), database.connect, Folder(tmp_path), "Theirs", day=FIRST)
    assert done.others == (Name("public", "guest"), SEAT)
    assert await _made(database) == []
    assert await database.fetch("SELECT note FROM seat") == [("b",)]
    assert await _grave(database, _seats()) == []
    assert await revise(_seats(), database.connect, Folder(tmp_path), "none", day=SECOND) == ()

    script = await preview(_seats(), other_database.connect, Folder(tmp_path))
    assert await other_database.script(script) == []
    assert await _grave(other_database, _seats()) == []
    names = await other_database.fetch(
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'i' "
        "UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace "
        "AND contype IN ('f', 'c') ORDER BY 1"
    )
    assert [name for (name,) in names] == ["by_code", "fk_guest", "pk_guest", "pk_seat", "said"]

    gone = empty()
    sa.Table("guest", gone, sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False))
    assert await revise(gone, database.connect, Folder(tmp_path), "gone", day=SECOND) == ()
    more = _seats(sa.Column("row", sa.Text))
    with pytest.raises(NotOursError, match=r"--adopt public\.seat"):
        await revise(more, database.connect, Folder(tmp_path), "rows", day=SECOND)
    await revise(more, database.connect, Folder(tmp_path), "rows", day=SECOND, adopted=[SEAT])
    for one in (database, other_database):
        await upgrade(Folder(tmp_path), one.connect)
        assert await _grave(one, more) == []


@ON_18
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("DROP TABLE seat", "table public.seat is missing"),
        ("ALTER TABLE seat DROP COLUMN code", "column code is missing"),
        ("DROP INDEX by_code", "key seat_code_key is missing"),
        ("ALTER TABLE seat ALTER guest DROP NOT NULL", "column guest is NULL, the schema says NOT NULL"),
        ("ALTER TABLE seat DROP CONSTRAINT said", "check seat_code_check is missing"),
        ("ALTER TABLE seat ADD COLUMN must text NOT NULL DEFAULT ''", ""),
    ],
)
async def test_another_database_is_refused(
    database: EmptyDatabase, tmp_path: Path, change: str, said: str
) -> None:
    """As far as serve would refuse it; nothing is made then, not even the gateway's own tables."""
    await database.run(*THEIRS, change)
    assert bool(said) == bool([one for one in await _grave(database, _seats()) if "rowgate" not in one])
    if said:
        with pytest.raises(MigrationError, match="the database isn't at the schema") as refused:
            await baseline(_seats(), database.connect, Folder(tmp_path), "Theirs", day=FIRST)
        assert said in str(refused.value)
        assert await database.fetch("SELECT to_regnamespace('rowgate')::text") == [(None,)]
        assert Folder(tmp_path).head is None
    else:
        await baseline(_seats(), database.connect, Folder(tmp_path), "Theirs", day=FIRST)


@ON_18
async def test_what_a_migration_would_still_do_is_refused(database: EmptyDatabase, tmp_path: Path) -> None:
    """A revision that does it later would fail where the first made the table as the schema says."""
    await apply(flights(1), database.connect)
    metadata = flights(1)
    metadata.tables["flight"].indexes.clear()
    with pytest.raises(MigrationError, match=r"index flight_delay_idx of .*: the schema no longer"):
        await baseline(metadata, database.connect, Folder(tmp_path), "flights", day=FIRST)


@ON_18
async def test_tables_of_others_alone_need_no_folder(database: EmptyDatabase, tmp_path: Path) -> None:
    metadata = _seats()
    for table in metadata.tables.values():
        table.info[MANAGED] = False
    with pytest.raises(MigrationError, match="needs no folder"):
        await baseline(metadata, database.connect, Folder(tmp_path), "Theirs", day=FIRST)


@ON_18
async def test_further_databases_join(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    """As does one that was left between the file and the mark; but none that a folder was run on."""
    for one in (database, other_database):
        await apply(flights(1), one.connect)
    await baseline(flights(1), database.connect, Folder(tmp_path), "flights", day=FIRST)
    joined = await baseline(flights(1), other_database.connect, Folder(tmp_path), "other", day=SECOND)
    assert (joined.revision, joined.written) == ("2026-11-22_flights", None)
    await revise(flights(2), database.connect, Folder(tmp_path), "gates", day=SECOND)
    await revise_all(empty(), (database, other_database), tmp_path)
    with pytest.raises(MigrationError, match="already: it needs no baseline"):
        await baseline(empty(), database.connect, Folder(tmp_path), "again", day=SECOND)


@ON_18
@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.function_scoped_fixture,
    ],
)
@given(first=model, second=model, by_others=st.booleans())
async def test_any_database_becomes_any_other(
    reused: tuple[EmptyDatabase, EmptyDatabase],
    tmp_path: Path,
    first: dict[str, Any],
    second: dict[str, Any],
    *,
    by_others: bool,
) -> None:
    """What begins here, and what the folder makes elsewhere, go the same way; of others' it is left alone."""
    for one in reused:
        await one.clear()
    path = Path(mkdtemp(dir=tmp_path))
    await apply(build(first), reused[0].connect)
    if by_others:
        await reused[0].run("DROP SCHEMA rowgate CASCADE")
    await baseline(build(first), reused[0].connect, Folder(path), "first", day=FIRST)
    await upgrade(Folder(path), reused[1].connect)
    for one in reused:
        assert (await differences(build(first), one.connect, Folder(path))).open == ()
    assert await revise(build(first), reused[0].connect, Folder(path), "none", day=SECOND) == ()
    if not by_others:
        await revise_all(build(second), reused, path)


@ON_18
async def test_the_command(database: EmptyDatabase, tmp_path: Path) -> None:
    where = ("--protos", protos(tmp_path), "--migrations", tmp_path / "migrations")
    assert (await rowgate("migrate", *where[:2], database=database)).status == 0
    # As an earlier Rowgate left it.
    await database.run("UPDATE rowgate.managed_object SET field_number = NULL")
    done = await rowgate("migrate", "baseline", "--date", "2026-11-22", *where, database=database)
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines() == [
        f"wrote {tmp_path}/migrations/2026-11-22_baseline.py",
        "the database counts as at 2026-11-22_baseline, of which nothing was run",
    ]
    numbers = "SELECT object_name, field_number FROM rowgate.managed_object WHERE field_number > 0 ORDER BY 2"
    assert await database.fetch(numbers) == [("id", 1), ("row", 2)]
    (file,) = (tmp_path / "migrations").glob("*.py")
    assert '("public", "seat", "row"): 2,' in file.read_text()
    protos(tmp_path, fields="string note = 3;")
    more = ("migrate", "revision", "-m", "notes", "--date", "2026-11-23", *where)
    assert (
        await rowgate(*more, database=database)
    ).out == f"wrote {tmp_path}/migrations/2026-11-23_notes.py\n"
    assert (await rowgate("migrate", *where, database=database)).status == 0
    again = await rowgate("migrate", "baseline", *where, database=database)
    assert (again.status, "already: it needs no baseline" in again.err) == (1, True)
