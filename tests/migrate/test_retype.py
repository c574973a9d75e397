"""Types of columns that others read and write meanwhile: another column is filled, and takes its place."""

import asyncio
import re
from datetime import date, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.sql.naming import conv

from gateway.migrate import (
    Folder,
    LockWaits,
    MigrationError,
    Plan,
    apply,
    differences,
    preview,
    revise,
    upgrade,
)
from gateway.migrate.locks.lock import opened
from tests.harness.polling import next_poll
from tests.migrate.database import EmptyDatabase
from tests.migrate.models import empty
from tests.migrate.test_new_columns import Schema

NEWEST = pytest.mark.parametrize("servers", ["18"], indirect=True, scope="session")
DAY = date(2026, 11, 22)
ROWS = 1_500
FILL = f"""
    INSERT INTO seat (id, rank, near, note)
    SELECT n, n % 1000, CASE WHEN n % 2 = 0 THEN n END, repeat('x', 800) FROM generate_series(1, {ROWS}) n
"""  # noqa: S608 - a number
FILE = "SELECT pg_relation_filenode('seat')"
TYPE = (
    "SELECT format_type(atttypid, atttypmod), attnotnull FROM pg_attribute "
    "WHERE attrelid = 'seat'::regclass AND attname = $1"
)


def _seats(kind: Any) -> sa.MetaData:
    metadata = empty()
    sa.Table(
        "seat",
        metadata,
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("rank", kind, nullable=False),
        sa.Column("near", kind),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("id", name=conv("seat_pkey")),
        sa.Index(conv("seat_rank_near_idx"), sa.text("rank DESC"), "near", postgresql_include=["note"]),
        sa.Index(conv("seat_near_note_idx"), "note", "id", postgresql_include=["near"], unique=True),
        sa.UniqueConstraint("near", "id", name=conv("seat_near_key")),
        sa.CheckConstraint("rank <> near + 1000000", name=conv("seat_rank_check"))
        if kind is not sa.Text
        else sa.CheckConstraint("rank <> ''", name=conv("seat_rank_check")),
    )
    return metadata


async def _made(database: EmptyDatabase, model: sa.MetaData, fill: str = FILL) -> None:
    await apply(model, database.connect)
    await database.run(fill)


async def _require_done(database: EmptyDatabase, model: sa.MetaData, kind: str) -> None:
    assert [one for one in await database.drift(model) if one.forbids_serving] == []
    assert (await differences(model, database.connect)).open == ()
    assert await apply(model, database.connect) == ()
    assert await database.fetch(TYPE, "rank") == [(kind, True)]
    assert await database.fetch(TYPE, "near") == [(kind, False)]
    wrong = f"""
        SELECT id FROM seat WHERE id BETWEEN 1 AND {ROWS} AND (rank::text <> (id % 1000)::text
            OR near::text IS DISTINCT FROM CASE WHEN id % 2 = 0 THEN id::text END)
    """  # noqa: S608 - a number
    assert await database.fetch(wrong) == []


async def test_rows_are_not_written_anew_at_once(database: EmptyDatabase) -> None:
    await _made(database, _seats(sa.Integer))
    file = await database.fetch(FILE)
    told: list[Plan] = []
    done = await apply(_seats(sa.BigInteger), database.connect, tell=told.append)
    assert [step.sql for step in done] == [step.sql for step in told[0].steps]
    assert not [step for step in done if " TYPE " in step.sql]
    assert await database.fetch(FILE) == file
    await _require_done(database, _seats(sa.BigInteger), "bigint")
    await database.run("INSERT INTO seat (id, rank) VALUES (0, 3000000000)")


@NEWEST
async def test_the_former_column_goes_when_told(database: EmptyDatabase) -> None:
    model = _seats(sa.BigInteger)
    await _made(database, _seats(sa.Integer))
    await apply(model, database.connect)
    told = tuple(
        f"column public.seat.rowgate_old_{name} keeps values in the type of older gateways"
        for name in ("rank", "near")
    )
    assert set((await differences(model, database.connect)).fills) == set(told)
    assert set((await differences(model, database.connect, contract=True)).open) == set(told)
    done = await apply(model, database.connect, contract=True)
    drop = "ALTER TABLE public.seat DROP COLUMN rowgate_old_"
    assert {step.sql for step in done[1:]} == {f"{drop}{name}" for name in ("rank", "near")}
    columns = "SELECT attname::text FROM pg_attribute WHERE attrelid = 'seat'::regclass AND attnum > 0 "
    left = await database.fetch(columns + "AND NOT attisdropped ORDER BY 1")
    assert left == [("id",), ("near",), ("note",), ("rank",)]
    await _require_done(database, model, "bigint")


@NEWEST
async def test_a_former_column_goes_with_the_change_when_told(database: EmptyDatabase) -> None:
    """Also where that of an earlier change stands in its way; the plan that is told first has all of it."""
    await _made(database, _seats(sa.Integer))
    await apply(_seats(sa.BigInteger), database.connect)
    told: list[Plan] = []
    back = _seats(sa.Integer)
    done = await apply(back, database.connect, allow_destructive=True, contract=True, tell=told.append)
    assert [step.sql for step in done] == [step.sql for step in told[0].steps]
    left = "SELECT FROM pg_attribute WHERE attrelid = 'seat'::regclass AND attname LIKE 'rowgate%'"
    assert await database.fetch(left) == []
    await _require_done(database, back, "integer")


async def test_a_script_and_revisions_do_the_same(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    """Written against a database without rows, run on one with rows, and by psql."""
    old, new = _seats(sa.Integer), _seats(sa.BigInteger)
    await revise(old, database.connect, Folder(tmp_path), "seats", day=DAY)
    for each in (database, other_database):
        await upgrade(Folder(tmp_path), each.connect)
    await other_database.run(FILL)
    written = await revise(new, database.connect, Folder(tmp_path), "wider", day=DAY)
    assert [path.name for path in written] == [
        f"2026-11-22_wider{number}.py" for number in ("", "_2", "_3", "_4")
    ]
    script = await preview(new, other_database.connect, Folder(tmp_path))
    assert await other_database.script(script) == []
    await upgrade(Folder(tmp_path), database.connect)
    for each in (database, other_database):
        assert (await differences(new, each.connect, Folder(tmp_path))).open == ()
        await _require_done(each, new, "bigint")
    (path,) = await revise(new, database.connect, Folder(tmp_path), "contract", day=DAY, contract=True)
    await upgrade(Folder(tmp_path), database.connect)
    assert "DROP COLUMN rowgate_old_rank" in path.read_text()
    assert (await differences(new, database.connect, Folder(tmp_path))).fills == ()


@NEWEST
async def test_a_value_that_does_not_fit_is_named_before_anything_is_done(database: EmptyDatabase) -> None:
    await _made(database, _seats(sa.Text))
    await database.run("UPDATE seat SET rank = 'high' WHERE id = 77")
    with pytest.raises(MigrationError) as refused:
        await apply(_seats(sa.Integer), database.connect, allow_destructive=True)
    assert (
        "refused, and nothing of it stays: column public.seat.rank can't become integer: the row with "
        "id = '77' holds a value that doesn't fit: invalid input syntax for type integer: \"high\""
    ) in str(refused.value)
    assert (await differences(_seats(sa.Text), database.connect)).open == ()
    await database.run("UPDATE seat SET rank = '77' WHERE id = 77")
    await apply(_seats(sa.Integer), database.connect, allow_destructive=True)
    await _require_done(database, _seats(sa.Integer), "integer")


@NEWEST
async def test_a_value_that_came_in_between_is_named_too(database: EmptyDatabase) -> None:
    """Its transaction began before the look at the rows, and ended after it."""
    await _made(database, _seats(sa.Text))
    async with opened(database.connect) as writer:
        await writer.execute("BEGIN; UPDATE seat SET rank = 'low' WHERE id = 78")
        migrating = asyncio.ensure_future(apply(_seats(sa.Integer), database.connect, allow_destructive=True))
        async with asyncio.timeout(60):
            waiting = "SELECT FROM pg_stat_activity WHERE query LIKE 'ALTER%' AND wait_event_type = 'Lock'"
            while not await database.fetch(waiting):
                assert not migrating.done()
                await next_poll()
        await writer.execute("COMMIT")
        with pytest.raises(MigrationError) as refused:
            await migrating
    assert "the row with id = '78' holds a value that doesn't fit" in str(refused.value)
    assert "mend it, and migrate again" in str(refused.value)
    await database.run(
        "INSERT INTO seat (id, rank) VALUES (0, '0')", "UPDATE seat SET rank = '78' WHERE id = 78"
    )
    await apply(_seats(sa.Integer), database.connect, allow_destructive=True)
    await _require_done(database, _seats(sa.Integer), "integer")


@NEWEST
@pytest.mark.parametrize("number", [1, 4, 5, 9])
async def test_a_type_that_the_schema_takes_back_leaves_nothing(database: EmptyDatabase, number: int) -> None:
    """Also behind the build of an index, before anybody could record whose it is."""
    old = _seats(sa.Integer)
    await _made(database, old)
    parts = _parts(await preview(_seats(sa.BigInteger), database.connect))
    assert await database.script("".join(parts[:number])) == []
    await apply(old, database.connect)
    await _require_done(database, old, "integer")
    left = "SELECT FROM pg_attribute WHERE attname LIKE 'rowgate%' UNION ALL SELECT FROM pg_proc "
    assert await database.fetch(left + "WHERE proname LIKE 'fill\\_%'") == []


OBSTACLES = {
    "CREATE VIEW ranks AS SELECT rank FROM seat": "it has rule _RETURN on view ranks",
    "CREATE STATISTICS twins ON id, rank FROM seat": "it has statistics object twins",
    "CREATE INDEX theirs ON seat (rank)": "it has index theirs",
    "CREATE INDEX few ON seat (id) WHERE rank > 0": "index few is over an expression, or some rows",
    "GRANT SELECT (rank) ON seat TO PUBLIC": "it has a privilege of its own",
    "CREATE TRIGGER audit BEFORE UPDATE ON seat FOR EACH ROW "
    "EXECUTE FUNCTION suppress_redundant_updates_trigger()": "it has trigger audit, which each UPDATE fires",
}


@NEWEST
@pytest.mark.parametrize(("made", "why"), OBSTACLES.items())
async def test_what_keeps_a_column_in_its_place_is_named(
    database: EmptyDatabase, made: str, why: str
) -> None:
    await _made(database, _seats(sa.Integer))
    await database.run(made)
    script = await preview(_seats(sa.BigInteger), database.connect)
    assert (
        "-- column public.seat.rank is integer, the schema says bigint: every row is written anew "
        f"while nobody reads or writes the table, as {why}\n"
        "ALTER TABLE public.seat ALTER COLUMN rank TYPE bigint;"
    ) in script


@NEWEST
async def test_a_few_rows_are_written_anew_at_once(database: EmptyDatabase) -> None:
    await _made(
        database, _seats(sa.Integer), "INSERT INTO seat (id, rank) SELECT n, n FROM generate_series(1, 100) n"
    )
    done = await apply(_seats(sa.BigInteger), database.connect)
    assert [step.sql for step in done if " TYPE " in step.sql] == [
        f"ALTER TABLE public.seat ALTER COLUMN {name} TYPE bigint" for name in ("rank", "near")
    ]


def _parts(script: str) -> list[str]:
    """Return what a script commits, one after the other."""
    alone = re.split(r"(?<=\nCOMMIT;\n)|(?<=\nEND \$backfill\$;\n)|(?<=\nRESET lock_timeout;\n)", script)
    return [part for part in alone if part.strip()]


async def test_it_is_gone_on_with_from_each_commit(database: EmptyDatabase) -> None:
    """Killed behind each transaction: rows come and change, and what is planned anew is the rest."""
    old, new = _seats(sa.Integer), _seats(sa.BigInteger)
    await _made(database, old)
    script = rest = await preview(new, database.connect)
    parts = _parts(script)
    assert len(parts) == 18
    for number, part in enumerate(parts):
        assert await database.script(part) == []
        await database.run(
            "UPDATE seat SET rank = rank - 500 WHERE id BETWEEN 900 AND 950",
            "UPDATE seat SET rank = 500 + rank WHERE id BETWEEN 900 AND 950",
            f"INSERT INTO seat (id, rank, near) VALUES ({-number}, 0, 7)",  # noqa: S608 - a number
        )
        again = await preview(new, database.connect)
        assert rest.endswith(again), "what is done is done"
        known = "CONCURRENTLY" in part  # An index is recorded before it is built; behind that, as it is.
        assert again.endswith("".join(parts[number + 1 + known :]).lstrip()), "what is left is left"
        rest = again
    assert rest == ""
    await _require_done(database, new, "bigint")
    with pytest.raises(asyncpg.CheckViolationError):
        await database.run("INSERT INTO seat (id, rank, near) VALUES (-2000, 1000001, 1)")


@NEWEST
async def test_it_is_gone_on_with_when_killed_among_the_rows(database: EmptyDatabase) -> None:
    """It waits for a row that somebody holds, with all others filled, and is killed there."""
    new = _seats(sa.BigInteger)
    await _made(database, _seats(sa.Integer))
    await database.script(_parts(await preview(new, database.connect))[0])
    async with opened(database.connect) as writer:
        await writer.execute("BEGIN; SELECT FROM seat WHERE id = 1000 FOR UPDATE")
        migrating = asyncio.ensure_future(apply(new, database.connect))
        async with asyncio.timeout(60):
            killed = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
            while not await database.fetch(killed + "AND query LIKE 'DO $backfill$%'"):
                assert not migrating.done()
                await next_poll()
        with pytest.raises(MigrationError):
            await migrating
        assert await database.fetch("SELECT count(rowgate_new_rank) FROM seat") == [(ROWS - 1,)]
    await apply(new, database.connect)
    await _require_done(database, new, "bigint")


async def _waiting_for_a_row(database: EmptyDatabase, migrating: "asyncio.Future[object]") -> None:
    waiting = "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'DO $backfill$%'"
    async with asyncio.timeout(60):
        while not await database.fetch(waiting):
            assert not migrating.done()
            await next_poll()


@NEWEST
@pytest.mark.parametrize("before", ["ADD COLUMN", "RENAME COLUMN", "DROP COLUMN"])
async def test_nobody_waits_behind_it_while_it_waits_for_autovacuum(
    database: EmptyDatabase, before: str
) -> None:
    """Autovacuum gives way after a second, and comes where so many rows are filled."""
    new = _seats(sa.BigInteger)
    await _made(database, _seats(sa.Integer))
    if before == "DROP COLUMN":
        await apply(new, database.connect)
    parts = _parts(await preview(new, database.connect))
    for part in takewhile(lambda part: before not in part, parts):
        await database.script(part)
    async with opened(database.connect) as vacuum:
        await vacuum.execute("BEGIN; LOCK TABLE seat IN SHARE UPDATE EXCLUSIVE MODE")
        migrating = asyncio.ensure_future(apply(new, database.connect, contract=before == "DROP COLUMN"))
        waiting = "SELECT FROM pg_locks WHERE relation = 'seat'::regclass AND NOT granted"
        async with asyncio.timeout(60):
            while not await database.fetch(waiting):
                assert not migrating.done()
                await next_poll()
        await database.run("SET lock_timeout = 100; INSERT INTO seat (id, rank) VALUES (-1, 0)")
        await vacuum.execute("COMMIT")
        await migrating
    await _require_done(database, new, "bigint")


@NEWEST
async def test_who_holds_a_row_for_long_is_named(database: EmptyDatabase) -> None:
    new = _seats(sa.BigInteger)
    await _made(database, _seats(sa.Integer))
    await database.script(_parts(await preview(new, database.connect))[0])
    async with opened(database.connect) as writer:
        await writer.execute("BEGIN; SELECT FROM seat WHERE id = 1000 FOR UPDATE")
        with pytest.raises(MigrationError, match="gave no lock in time") as refused:
            await apply(new, database.connect, waits=LockWaits(0.8, pauses=()))
    assert f"is held by process {writer.get_server_pid()} (" in str(refused.value)
    await apply(new, database.connect)
    await _require_done(database, new, "bigint")


@NEWEST
async def test_a_statement_timeout_bounds_no_more_than_a_batch(database: EmptyDatabase) -> None:
    """It waits for a row for longer than that, as all batches together may take."""
    new = _seats(sa.BigInteger)
    await _made(database, _seats(sa.Integer))
    await database.script(_parts(await preview(new, database.connect))[0])

    async def connect() -> asyncpg.Connection:  # type: ignore[type-arg]
        return await asyncpg.connect(database.dsn, server_settings={"statement_timeout": "2s"})

    async with opened(database.connect) as writer:
        await writer.execute("BEGIN; SELECT FROM seat WHERE id = 1000 FOR UPDATE")
        migrating = asyncio.ensure_future(apply(new, connect))
        await _waiting_for_a_row(database, migrating)
        begun = "SELECT FROM pg_stat_activity WHERE query LIKE 'DO $backfill$%' "
        since = begun + "AND query_start < now() - $1::interval"
        while not await database.fetch(since, timedelta(seconds=2.2)):
            assert not migrating.done()
            await next_poll()
        await writer.execute("COMMIT")
        await migrating
    await _require_done(database, new, "bigint")


def _pair(kind: Any) -> sa.MetaData:
    """Return rows that refer to others, by keys of a type."""
    metadata = empty()
    key = sa.PrimaryKeyConstraint("id", name=conv("row_pkey"))
    sa.Table("row", metadata, sa.Column("id", kind, autoincrement=False), sa.Column("note", sa.Text), key)
    sa.Table(
        "seat",
        metadata,
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("of", kind, nullable=False, server_default="1"),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("id", name=conv("seat_pkey")),
        sa.ForeignKeyConstraint(["of"], ["row.id"], name=conv("seat_of_fkey"), ondelete="CASCADE"),
    )
    return metadata


@NEWEST
async def test_a_reference_changes_with_its_target(database: EmptyDatabase) -> None:
    """The key that others refer to goes the plain way, together with the swap of the reference's column."""
    new = _pair(sa.BigInteger)
    await apply(_pair(sa.Integer), database.connect)
    await database.run(
        "INSERT INTO row SELECT n, repeat('x', 800) FROM generate_series(1, 1500) n",
        "INSERT INTO seat SELECT n, n, repeat('x', 800) FROM generate_series(1, 1500) n",
    )
    told: list[Plan] = []
    done = await apply(new, database.connect, tell=told.append)
    assert [step.sql for step in done] == [step.sql for step in told[0].steps]
    (plain,) = [step.reason for step in done if " TYPE " in step.sql]
    assert plain == (
        "column public.row.id is integer, the schema says bigint: every row is written anew "
        "while nobody reads or writes the table, as key row_pkey holds it"
    )
    assert [one for one in await database.drift(new) if one.forbids_serving] == []
    assert await apply(new, database.connect) == ()
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await database.run('INSERT INTO seat (id, "of") VALUES (0, 5000)')
    await database.run("INSERT INTO seat (id) VALUES (0)", "DELETE FROM row WHERE id = 1")
    assert await database.fetch('SELECT count(*) FROM seat WHERE "of" = 1') == [(0,)]


@NEWEST
async def test_older_gateways_keep_the_default_of_a_new_field(
    database: EmptyDatabase, tmp_path: Path
) -> None:
    """They don't know the column at all, and insert without it."""
    fields = ("", "int32 row = 4;", "int64 row = 4;")
    first, second, third = (
        Schema(tmp_path / str(number), field).metadata for number, field in enumerate(fields)
    )
    await apply(first, database.connect)
    await database.run("INSERT INTO seat SELECT repeat(n::text, 200), n FROM generate_series(1000, 4000) n")
    await apply(second, database.connect)
    done = await apply(third, database.connect)
    assert not [step for step in done if " TYPE " in step.sql]
    await database.run("INSERT INTO seat (id) VALUES ('a')")
    assert await database.fetch("SELECT DISTINCT row FROM seat") == [(0,)]
    assert await apply(third, database.connect) == ()
    contracted = await apply(third, database.connect, contract=True)
    assert {step.sql for step in contracted[1:]} == {
        "ALTER TABLE public.seat ALTER COLUMN row DROP DEFAULT",
        "ALTER TABLE public.seat DROP COLUMN rowgate_old_row",
    }
