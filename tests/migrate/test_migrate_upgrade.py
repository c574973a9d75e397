"""From one version of a schema to the next, with data in the tables."""

import asyncio
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from gateway.introspect.tables.table_records import Name
from gateway.migrate import (
    DestructiveChangeError,
    Folder,
    MigrationError,
    Plan,
    apply,
    differences,
    preview,
    revise,
    upgrade,
)
from gateway.migrate.locks.lock import opened
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty, flights

GATES = ("2026-11-21_flights_have_gates", "2026-11-21_flights_have_gates_2")
"""The second builds an index, on tables that stand by then."""
FIRST, SECOND, THIRD = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22)
ROWS = (
    "INSERT INTO air.\"Airport\" VALUES ('JFK', '1')",
    "INSERT INTO flight (origin, delay) VALUES ('JFK', 20), ('JFK', NULL)",
)
KEPT = [(1, "JFK", "planned", 20, True), (2, "JFK", "planned", None, None)]
SELECT = "SELECT id, origin, state::text, delay, late FROM flight ORDER BY id"


async def _two_revisions(database: EmptyDatabase, path: Path) -> Folder:
    await revise(flights(1), database.connect, Folder(path), "add flight", day=FIRST)
    await upgrade(Folder(path), database.connect)
    await database.run(*ROWS)
    await revise(flights(2), database.connect, Folder(path), "flights have gates", day=SECOND)
    return Folder(path)


async def test_a_folder_keeps_the_data(database: EmptyDatabase, tmp_path: Path) -> None:
    folder = await _two_revisions(database, tmp_path)
    assert await upgrade(folder, database.connect) == GATES
    assert await database.fetch(SELECT) == KEPT
    assert await database.fetch("SELECT DISTINCT gate FROM flight") == [("A:1 %s",)]
    assert await database.drift(flights(2)) == ()


async def test_direct_changes_keep_the_data(database: EmptyDatabase) -> None:
    await apply(flights(1), database.connect)
    await database.run(*ROWS)
    await apply(flights(2), database.connect)
    assert await database.fetch(SELECT) == KEPT
    assert await database.drift(flights(2)) == ()


async def test_the_identity_goes_on_after_what_is_stored(database: EmptyDatabase) -> None:
    await database.run("CREATE TABLE seat (id bigint PRIMARY KEY)", "INSERT INTO seat VALUES (41)")
    model = empty()
    column = sa.Column("id", sa.BigInteger, sa.Identity(always=False), primary_key=True)
    sa.Table("seat", model, column)
    await apply(model, database.connect, adopted=[Name("public", "seat")])
    await database.run("INSERT INTO seat DEFAULT VALUES")
    assert await database.fetch("SELECT id FROM seat ORDER BY id") == [(41,), (42,)]


async def test_a_new_database_gets_all_revisions(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    folder = await _two_revisions(database, tmp_path)
    assert len((await differences(flights(2), other_database.connect, folder)).open) > 1
    assert await upgrade(folder, other_database.connect) == (
        "2026-11-20_add_flight",
        *GATES,
    )
    assert (await differences(flights(2), other_database.connect, folder)).open == ()


async def test_back_again_is_destructive(database: EmptyDatabase, tmp_path: Path) -> None:
    """Each loss is named, by the command that writes the revision and by the one that runs it."""
    await upgrade(await _two_revisions(database, tmp_path), database.connect)
    losses = [
        "drops column public.flight.gate",
        "changes column air.Airport.code from character varying(4) to character varying(3)",
        "changes column public.flight.origin from character varying(4) to character varying(3)",
        "changes column public.flight.delay from bigint to integer",
    ]
    with pytest.raises(DestructiveChangeError) as refused:
        await revise(flights(1), database.connect, Folder(tmp_path), "back", day=THIRD)
    assert list(refused.value.losses) == losses
    assert len(Folder(tmp_path).pending(None)) == 1 + len(GATES), "no file is left behind"

    await revise(flights(1), database.connect, Folder(tmp_path), "back", day=THIRD, allow_destructive=True)
    with pytest.raises(DestructiveChangeError) as refused:
        await upgrade(Folder(tmp_path), database.connect)
    assert list(refused.value.losses) == [f"2026-11-22_back: {loss}" for loss in losses]
    assert await database.fetch("SELECT count(gate) FROM flight") == [(2,)]

    await upgrade(Folder(tmp_path), database.connect, allow_destructive=True)
    assert await database.fetch(SELECT) == KEPT
    assert (await differences(flights(1), database.connect, Folder(tmp_path))).open == ()


async def test_direct_losses_are_refused(database: EmptyDatabase) -> None:
    await apply(flights(2), database.connect)
    before = await database.drift(flights(1))
    with pytest.raises(DestructiveChangeError, match="drops column public"):
        await apply(flights(1), database.connect)
    assert await database.drift(flights(1)) == before
    await apply(flights(1), database.connect, allow_destructive=True)
    assert [d for d in await database.drift(flights(1)) if d.forbids_serving] == []


async def test_a_value_that_is_too_long_stops_a_narrowing(database: EmptyDatabase) -> None:
    """Leave to lose data is no leave to cut it silently."""
    await apply(flights(2), database.connect)
    await database.run("INSERT INTO air.\"Airport\" VALUES ('KJFK', NULL)")
    with pytest.raises(MigrationError, match="too long"):
        await apply(flights(1), database.connect, allow_destructive=True)
    assert await database.fetch('SELECT code FROM air."Airport"') == [("KJFK",)]


async def test_a_failing_revision_leaves_nothing(database: EmptyDatabase, tmp_path: Path) -> None:
    folder = await _two_revisions(database, tmp_path)
    await database.run("ALTER TABLE flight ADD COLUMN gate integer")
    with pytest.raises(MigrationError, match='"gate" of relation "flight" already exists'):
        await upgrade(folder, database.connect)
    assert await database.fetch(
        "SELECT character_maximum_length FROM information_schema.columns WHERE column_name = 'origin'"
    ) == [(3,)]
    await database.run("ALTER TABLE flight DROP COLUMN gate")
    await upgrade(folder, database.connect)
    assert await database.drift(flights(2)) == ()


async def test_a_revision_with_a_label_can_be_run_again(database: EmptyDatabase, tmp_path: Path) -> None:
    """The label is committed before the rest: nothing else may be, for it would be there already."""
    for model in (_moods("calm"), _moods("calm", "loud", others=True)):
        await revise(model, database.connect, Folder(tmp_path), f"{len(model.tables)}", day=FIRST)
        if len(model.tables) == 1:
            await upgrade(Folder(tmp_path), database.connect)
    await database.run("CREATE TABLE other (id uuid)")
    with pytest.raises(MigrationError, match='relation "other" already exists'):
        await upgrade(Folder(tmp_path), database.connect)
    await database.run("DROP TABLE other")
    await upgrade(Folder(tmp_path), database.connect)
    assert await database.drift(_moods("calm", "loud", others=True)) == ()


async def test_what_changes_behind_a_label_is_refused_too(database: EmptyDatabase) -> None:
    """The label is committed, and the rest planned anew: somebody else may come between."""
    await apply(_moods("calm"), database.connect)

    def widen(_plan: Plan) -> None:
        # Told within the migration's loop: another one changes the table.
        change = database.run("ALTER TABLE seat ALTER COLUMN id TYPE text")
        with ThreadPoolExecutor() as threads:
            threads.submit(asyncio.run, change).result()

    with pytest.raises(DestructiveChangeError, match="from text to uuid"):
        await apply(_moods("calm", "loud"), database.connect, tell=widen)


def _moods(*labels: str, others: bool = False) -> sa.MetaData:
    metadata = empty()
    mood = postgresql.ENUM(*labels, name="mood")
    sa.Table("seat", metadata, sa.Column("id", sa.Uuid, primary_key=True), sa.Column("mood", mood))
    if others:
        kind = postgresql.ENUM("a", name="kind")
        sa.Table("other", metadata, sa.Column("id", sa.Uuid, primary_key=True), sa.Column("kind", kind))
    return metadata


@pytest.mark.parametrize("with_folder", [False, True])
async def test_the_gateways_own_tables_need_no_flag(
    database: EmptyDatabase, tmp_path: Path, *, with_folder: bool
) -> None:
    """An earlier Rowgate made them, less of them, and kept no record."""
    await apply(_crews(1), database.connect)
    await database.run(
        "DROP TABLE rowgate.managed_object",
        "ALTER TABLE rowgate.idempotency DROP COLUMN left_out",
        "ALTER TABLE rowgate.ingest DROP COLUMN secret_hash",
        "DROP INDEX rowgate.ingest_updated_at_idx",
    )
    if with_folder:
        await revise(_crews(1), database.connect, Folder(tmp_path), "new Rowgate", day=FIRST)
        await upgrade(Folder(tmp_path), database.connect)
    else:
        await apply(_crews(1), database.connect)
    assert await database.drift(_crews(1)) == ()
    assert await apply(_crews(1), database.connect) == ()


async def test_a_script_stops_behind_a_revision_that_fails(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    """Of itself psql goes on: the next revision was made, and the database said that it was at neither."""
    for count in (1, 2, 3):
        await revise(_crews(count), database.connect, Folder(tmp_path), f"crew {count}", day=FIRST)
        await upgrade(Folder(tmp_path), database.connect)
        if count == 1:
            await upgrade(Folder(tmp_path), other_database.connect)
    script = await preview(_crews(3), other_database.connect, Folder(tmp_path))
    await other_database.run("CREATE TABLE crew_1 (id text)")
    failures = await _run_on(other_database, script)
    assert failures[0] == 'relation "crew_1" already exists'
    assert re.match(r"the database isn't at the revision before this one \(\w+\)", failures[1])
    assert await other_database.fetch("SELECT to_regclass('crew_2')::text") == [(None,)]

    await other_database.run("DROP TABLE crew_1")
    assert await _run_on(other_database, script) == []
    assert (await differences(_crews(3), other_database.connect, Folder(tmp_path))).open == ()
    assert len(await _run_on(other_database, script)) == 2


def _crews(count: int) -> sa.MetaData:
    metadata = empty()
    for number in range(count):
        sa.Table(f"crew_{number}", metadata, sa.Column("id", sa.Uuid, primary_key=True))
    return metadata


async def _run_on(database: EmptyDatabase, script: str) -> list[str]:
    """Run a script as psql does: transaction after transaction; return what failed."""
    failures = []
    async with opened(database.connect) as connection:
        for part in filter(str.strip, script.split("COMMIT;\n")):
            try:
                await connection.execute(part)
                await connection.execute("COMMIT")
            except asyncpg.PostgresError as error:
                failures.append(str(error))
                await connection.execute("ROLLBACK")
    return failures


async def test_a_branched_folder_is_refused(database: EmptyDatabase, tmp_path: Path) -> None:
    await _two_revisions(database, tmp_path)
    second = tmp_path / f"{GATES[-1]}.py"
    other = re.sub(r'^revision = ".*"', 'revision = "other"', second.read_text(), flags=re.MULTILINE)
    (tmp_path / "2026-11-21_other.py").write_text(other)
    with pytest.raises(MigrationError, match="flights_have_gates_2, 2026-11-21_other"):
        await upgrade(Folder(tmp_path), database.connect)


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        ('execute("ALTER TABL seat")', "syntax error at or near"),
        ("    indented = 1", "IndentationError: unexpected indent"),
        ("exekute('')", "NameError: name 'exekute' is not defined"),
    ],
)
async def test_a_slip_is_told_with_its_place(
    database: EmptyDatabase, tmp_path: Path, slip: str, said: str
) -> None:
    """Of Python's there was a traceback, of SQL's no place."""
    (path,) = await revise(_crews(1), database.connect, Folder(tmp_path), "crew", day=FIRST)
    path.write_text(f"{path.read_text()}    {slip}\n")
    place = f"{path}:{len(path.read_text().splitlines())}"
    with pytest.raises(MigrationError) as refused:
        await upgrade(Folder(tmp_path), database.connect)
    assert said in str(refused.value)
    assert place in str(refused.value)
    assert await database.fetch("SELECT to_regclass('crew_0')::text") == [(None,)]


@pytest.mark.parametrize(
    ("written", "slip", "said"),
    [
        ("down_revision = None", "down_revision = 'nope'", ":9: no file of the folder is revision 'nope'"),
        ("def upgrade", "def upgrad", ": has no function `upgrade`"),
    ],
)
async def test_a_slip_in_what_alembic_reads_is_told_with_its_file(
    database: EmptyDatabase, tmp_path: Path, written: str, slip: str, said: str
) -> None:
    (path,) = await revise(_crews(1), database.connect, Folder(tmp_path), "crew", day=FIRST)
    path.write_text(path.read_text().replace(written, slip))
    with pytest.raises(MigrationError) as refused:
        await upgrade(Folder(tmp_path), database.connect)
    assert str(refused.value) == f"{path}{said}"


async def test_a_database_ahead_of_the_folder_is_refused(database: EmptyDatabase, tmp_path: Path) -> None:
    await upgrade(await _two_revisions(database, tmp_path), database.connect)
    for name in GATES:
        (tmp_path / f"{name}.py").unlink()
    with pytest.raises(MigrationError, match=r"is at revision .*, which isn.t in "):
        await upgrade(Folder(tmp_path), database.connect)


async def test_a_revision_wants_the_database_at_the_head(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    folder = await _two_revisions(database, tmp_path)
    with pytest.raises(MigrationError, match="rowgate migrate"):
        await revise(flights(2), other_database.connect, folder, "more", day=THIRD)


async def test_the_first_revision_wants_an_empty_database(database: EmptyDatabase, tmp_path: Path) -> None:
    await apply(flights(1), database.connect)
    with pytest.raises(MigrationError, match=r'air."Airport", public.flight'):
        await revise(flights(1), database.connect, Folder(tmp_path), "first", day=FIRST)


async def test_a_revision_never_overwrites_another(database: EmptyDatabase, tmp_path: Path) -> None:
    await _two_revisions(database, tmp_path)
    await upgrade(Folder(tmp_path), database.connect)
    with pytest.raises(MigrationError, match="there already"):
        await revise(
            flights(1),
            database.connect,
            Folder(tmp_path),
            "Flights have gates!",
            day=SECOND,
            allow_destructive=True,
        )


async def test_revisions_are_formatted(database: EmptyDatabase, tmp_path: Path) -> None:
    await _two_revisions(database, tmp_path)
    await asyncio.to_thread(_lint, tmp_path)
    first = Folder(tmp_path).pending(None)[0].module
    assert first.__doc__.startswith("Add flight.\n\nMade on 2026-11-20 ")


def _lint(path: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--isolated", "--line-length=110", "--check", str(path)], check=True)
    rules = "--select=E,F,I,UP,D", "--ignore=E501,D203,D213"
    subprocess.run([*ruff, "check", "--isolated", *rules, str(path)], check=True)
