"""Tables with rows that others write: what takes long holds no lock that they need, and is gone on with."""

import asyncio
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.sql.naming import conv

from gateway.introspect.tables.table_records import Name
from gateway.migrate import (
    DestructiveChangeError,
    Folder,
    LockWaits,
    MigrationError,
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

SEAT = "ALTER TABLE public.seat"
DAY = date(2026, 11, 22)
SEATS = "INSERT INTO seat VALUES (1, 'a', NULL), (2, 'b', 1), (3, 'c', 2)"
BUILT = "SELECT relname::text, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid "
OF_SEATS = BUILT + "WHERE indrelid = 'seat'::regclass ORDER BY 1"


def _seats(*parts: sa.schema.SchemaItem, code: Any = sa.Text, nullable: bool = True) -> sa.MetaData:
    metadata = empty()
    sa.Table(
        "seat",
        metadata,
        sa.Column("id", sa.BigInteger, autoincrement=False),
        sa.Column("code", code, nullable=nullable),
        sa.Column("near", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=conv("seat_pkey")),
        *parts,
    )
    return metadata


def _key() -> sa.UniqueConstraint:
    return sa.UniqueConstraint("code", name=conv("seat_code_key"))


def _all() -> sa.MetaData:
    """Return the seats with one of each part that PostgreSQL has to read rows for."""
    return _seats(
        _key(),
        sa.Index(conv("seat_near_idx"), "near"),
        sa.Index(conv("seat_id_near_idx"), "id", "near", unique=True),
        sa.CheckConstraint("near > 0", name=conv("seat_near_check")),
        sa.ForeignKeyConstraint(["near"], ["seat.id"], name=conv("seat_near_fkey")),
        nullable=False,
    )


ALL = [
    f"{SEAT} ADD CONSTRAINT seat_near_check CHECK ((near > 0)) NOT VALID",
    f"{SEAT} ADD CONSTRAINT rowgate_code_not_null CHECK (code IS NOT NULL) NOT VALID",
    f"{SEAT} ADD CONSTRAINT seat_near_fkey FOREIGN KEY (near) REFERENCES public.seat (id) NOT VALID",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS seat_code_key ON public.seat USING btree (code)",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS seat_id_near_idx ON public.seat USING btree (id, near)",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS seat_near_idx ON public.seat USING btree (near)",
    f"{SEAT} VALIDATE CONSTRAINT seat_near_check",
    f"{SEAT} VALIDATE CONSTRAINT seat_near_fkey",
    f"{SEAT} VALIDATE CONSTRAINT rowgate_code_not_null",
    f"{SEAT} ALTER COLUMN code SET NOT NULL",
    f"{SEAT} DROP CONSTRAINT rowgate_code_not_null",
]


async def _made(database: EmptyDatabase, model: sa.MetaData) -> None:
    await apply(model, database.connect)
    await database.run(SEATS)


async def _require_recorded(database: EmptyDatabase) -> None:
    """Each part is known as Rowgate's own: nothing else may be dropped."""
    with pytest.raises(DestructiveChangeError) as refused:
        await apply(_seats(), database.connect)
    dropped = [
        "foreign key seat_near_fkey",
        "index seat_code_key",
        "index seat_id_near_idx",
        "check seat_near_check",
    ]
    assert refused.value.losses == tuple(f"drops {what} of public.seat" for what in dropped)
    await apply(_seats(), database.connect, allow_destructive=True)
    assert await database.fetch(OF_SEATS) == [("seat_pkey", True)]


async def test_rows_are_read_without_a_lock(database: EmptyDatabase) -> None:
    await _made(database, _seats())
    assert [step.sql for step in await apply(_all(), database.connect)] == ALL
    assert await database.drift(_all()) == ()
    assert await apply(_all(), database.connect) == ()
    await _require_recorded(database)


async def test_a_table_without_rows_is_changed_in_one_transaction(database: EmptyDatabase) -> None:
    await apply(_seats(), database.connect)
    steps = await apply(_all(), database.connect)
    assert [step.sql for step in steps if "CONCURRENTLY" in step.sql or "VALID" in step.sql] == []


async def test_a_script_does_the_same(database: EmptyDatabase) -> None:
    await _made(database, _seats())
    script = await preview(_all(), database.connect)
    assert [line for line in script.splitlines() if line.removesuffix(";") in ALL] == [
        f"{sql};" for sql in ALL
    ]
    assert await database.script(script) == []
    assert await database.drift(_all()) == ()
    await _require_recorded(database)


async def test_revisions_do_the_same_on_any_database(
    database: EmptyDatabase, other_database: EmptyDatabase, tmp_path: Path
) -> None:
    """Written against a database without rows, run on one with rows, and by psql."""
    await revise(_seats(), database.connect, Folder(tmp_path), "seats", day=DAY)
    for each in (database, other_database):
        await upgrade(Folder(tmp_path), each.connect)
    await other_database.run(SEATS)
    written = await revise(_all(), database.connect, Folder(tmp_path), "all", day=DAY)
    assert [path.name for path in written] == [f"2026-11-22_all{number}.py" for number in ("", "_2", "_3")]
    script = await preview(_all(), other_database.connect, Folder(tmp_path))
    assert await other_database.script(script) == []
    await upgrade(Folder(tmp_path), database.connect)
    for each in (database, other_database):
        assert (await differences(_all(), each.connect, Folder(tmp_path))).open == ()
        assert await each.drift(_all()) == ()
    await _require_recorded(other_database)


async def test_others_write_while_an_index_is_built(database: EmptyDatabase) -> None:
    """It waits for those who began before it; they were made to wait for it."""
    await _made(database, _seats())
    async with opened(database.connect) as writer:
        await writer.execute("BEGIN; INSERT INTO seat VALUES (4, 'd', 1)")
        model = _seats(sa.Index(conv("seat_near_idx"), "near"), _key())
        migrating = asyncio.ensure_future(apply(model, database.connect))
        async with asyncio.timeout(60):
            waiting = "SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE%' AND wait_event_type = 'Lock'"
            while not await database.fetch(waiting):
                assert not migrating.done()
                await next_poll()
            await database.run("SET lock_timeout = 100; INSERT INTO seat VALUES (5, 'e', 1)")
            await writer.execute("COMMIT")
            await migrating
    assert await database.drift(model) == ()


@pytest.mark.parametrize("way", ["directly", "by revisions"])
async def test_what_failed_is_gone_on_with(database: EmptyDatabase, tmp_path: Path, way: str) -> None:
    """Two rows are alike: the index that PostgreSQL leaves INVALID is dropped and built again."""
    folder, model = Folder(tmp_path), _seats(sa.Index(conv("seat_near_idx"), "near"), _key())

    async def migrate(wanted: sa.MetaData) -> None:
        if way == "directly":
            await apply(wanted, database.connect)
        else:
            await revise(wanted, database.connect, folder, f"{len(wanted.tables['seat'].indexes)}", day=DAY)
            await upgrade(Folder(tmp_path), database.connect)

    await migrate(_seats())
    await database.run(SEATS, "INSERT INTO seat VALUES (4, 'a', 1)")
    with pytest.raises(MigrationError, match=r"is duplicated") as refused:
        await migrate(model)
    assert "PostgreSQL refused, and an index that isn't used stays, which the next migration drops:" in str(
        refused.value
    )
    assert ("seat_code_key", False) in await database.fetch(OF_SEATS)
    await database.run("DELETE FROM seat WHERE id = 4")
    await (upgrade(Folder(tmp_path), database.connect) if way != "directly" else migrate(model))
    valid = [("seat_code_key", True), ("seat_near_idx", True), ("seat_pkey", True)]
    assert await database.fetch(OF_SEATS) == valid
    assert await database.drift(model) == ()


async def test_an_index_is_known_though_its_builder_was_killed(database: EmptyDatabase) -> None:
    """Behind the build, before it could say so."""
    await _made(database, _seats())
    built = _seats(sa.Index(conv("seat_near_idx"), "near"))
    script = await preview(built, database.connect)
    begin, _, _ = script.partition("RESET lock_timeout")
    assert await database.script(begin) == []
    assert await apply(built, database.connect) == ()
    assert [step.sql for step in await apply(_seats(), database.connect)] == [
        "DROP INDEX public.seat_near_idx"
    ]


async def test_an_index_that_the_schema_takes_back_leaves_nothing(database: EmptyDatabase) -> None:
    """Two rows are alike: what PostgreSQL leaves of a unique index would go on refusing others."""
    await _made(database, _seats())
    await database.run("UPDATE seat SET code = 'a'")
    with pytest.raises(MigrationError, match="the next migration drops"):
        await apply(_seats(_key()), database.connect)
    assert await database.fetch(OF_SEATS) == [("seat_code_key", False), ("seat_pkey", True)]
    said = "index seat_code_key of public.seat wasn't finished, and the schema no longer has it"
    assert (await differences(_seats(), database.connect)).open == (said,)
    assert [step.reason for step in await apply(_seats(), database.connect)] == [said]
    assert await database.fetch(OF_SEATS) == [("seat_pkey", True)]
    await database.run("INSERT INTO seat VALUES (4, 'a', NULL)")
    assert await apply(_seats(), database.connect) == ()


async def test_rows_that_break_a_constraint_are_mended_in_between(database: EmptyDatabase) -> None:
    await _made(database, _seats())
    await database.run("INSERT INTO seat VALUES (4, 'd', 9)")
    model = _seats(sa.ForeignKeyConstraint(["near"], ["seat.id"], name=conv("seat_near_fkey")))
    with pytest.raises(MigrationError, match="rows that are there break it, and new ones can't") as refused:
        await apply(model, database.connect)
    assert "the statement before it stays, and the next migration goes on from there" in str(refused.value)
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await database.run("INSERT INTO seat VALUES (5, 'e', 9)")
    await database.run("UPDATE seat SET near = 1 WHERE id = 4")
    assert [step.sql for step in await apply(model, database.connect)] == [ALL[7]]
    assert await database.drift(model) == ()


async def test_values_of_another_type_that_a_check_refuses_leave_the_former_one(
    database: EmptyDatabase,
) -> None:
    """As those of an enum that was stored by number, and is now by name."""
    await apply(_seats(code=sa.Integer), database.connect)
    await database.run("INSERT INTO seat VALUES (1, 7, NULL)")
    named = _seats(sa.CheckConstraint("code IN ('a', 'b')", name=conv("seat_code_check")))
    with pytest.raises(MigrationError, match=r"nothing of it stays[^!]*seat_code_check[^!]* is violated"):
        await apply(named, database.connect, allow_destructive=True)
    assert await apply(_seats(code=sa.Integer), database.connect) == ()
    await database.run("UPDATE seat SET code = NULL")
    await apply(named, database.connect, allow_destructive=True)
    assert await database.drift(named) == ()


async def test_a_proof_of_not_null_is_gone_on_with(database: EmptyDatabase, tmp_path: Path) -> None:
    """A revision finds NULLs where it is run; what it left is finished directly, and isn't a loss."""
    await revise(_seats(), database.connect, Folder(tmp_path), "seats", day=DAY)
    await upgrade(Folder(tmp_path), database.connect)
    await database.run(SEATS, "INSERT INTO seat VALUES (4)")
    model = _seats(nullable=False)
    await revise(model, database.connect, Folder(tmp_path), "codes", day=DAY)
    with pytest.raises(MigrationError, match="rows that are there break it"):
        await upgrade(Folder(tmp_path), database.connect)
    with pytest.raises(
        MigrationError, match="code can't be NOT NULL: rows that are there have no value for it"
    ):
        await apply(model, database.connect)
    await database.run("UPDATE seat SET code = '' WHERE id = 4")
    assert [step.sql for step in await apply(model, database.connect)] == ALL[8:]
    assert await database.drift(model) == ()


async def test_a_snapshot_that_is_waited_for_is_named(database: EmptyDatabase) -> None:
    """A report that goes on for hours holds an index up: the migration ends, and says who it was."""
    await _made(database, _seats())
    async with opened(database.connect) as reader:
        await reader.execute(
            "SET application_name = 'report'; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM seat"
        )
        waits = LockWaits(0.02, pauses=(0.01,))
        with pytest.raises(MigrationError) as refused:
            await apply(_seats(sa.Index(conv("seat_near_idx"), "near")), database.connect, waits=waits)
    assert f"is held by process {reader.get_server_pid()} (report, " in str(refused.value)
    await apply(_seats(sa.Index(conv("seat_near_idx"), "near")), database.connect)
    assert await database.fetch(OF_SEATS) == [("seat_near_idx", True), ("seat_pkey", True)]


async def test_who_holds_up_the_drop_of_a_leftover_is_named(database: EmptyDatabase) -> None:
    model = _seats(_key())
    await _made(database, _seats())
    await database.run("INSERT INTO seat VALUES (4, 'a', 1)")
    with pytest.raises(MigrationError, match="is duplicated"):
        await apply(model, database.connect)
    await database.run("DELETE FROM seat WHERE id = 4")
    async with opened(database.connect) as reader:
        await reader.execute("BEGIN; SELECT FROM seat")
        with pytest.raises(MigrationError, match="gave no lock in time") as refused:
            await apply(model, database.connect, waits=LockWaits(0.8, pauses=()))
    assert f"table public.seat is held by process {reader.get_server_pid()} (" in str(refused.value)


async def test_partitioned_tables_know_no_concurrently(database: EmptyDatabase) -> None:
    await database.run(
        "CREATE TABLE seat (id bigint CONSTRAINT seat_pkey PRIMARY KEY, code text, near bigint) "
        "PARTITION BY HASH (id)",
        "CREATE TABLE seat_0 PARTITION OF seat FOR VALUES WITH (MODULUS 1, REMAINDER 0)",
        SEATS,
    )
    model = _seats(sa.Index(conv("seat_near_idx"), "near"))
    steps = await apply(model, database.connect, adopted=[Name("public", "seat")])
    assert [step.sql[:26] for step in steps if "INDEX seat" in step.sql] == ["CREATE INDEX seat_near_idx"]
    assert [difference for difference in await database.drift(model) if difference.forbids_serving] == []
