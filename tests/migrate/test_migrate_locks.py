"""A migration waits for locks a little while at a time: whoever comes later waits behind it, readers too."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.migrate import Folder, LockWaits, MigrationError, apply, preview, revise, upgrade
from gateway.migrate.locks.lock import opened
from gateway.schema.tables.naming import CONVENTION
from tests.harness.polling import next_poll
from tests.migrate.database import EmptyDatabase

pytestmark = pytest.mark.parametrize("servers", ["18"], indirect=True, scope="session")
SHORT = LockWaits(0.8, pauses=(0.05,))


def _seats(*columns: str) -> sa.MetaData:
    metadata = sa.MetaData(naming_convention=CONVENTION)
    sa.Table("seat", metadata, *(sa.Column(name, sa.Text) for name in columns))
    return metadata


@pytest.fixture(params=["directly", "by a revision"])
async def migration(request: pytest.FixtureRequest, database: EmptyDatabase, tmp_path: Path) -> Any:
    """Return what adds a column, with and without a folder."""
    wanted, folder = _seats("code", "note"), Folder(tmp_path)
    if request.param == "directly":
        await apply(_seats("code"), database.connect)
        return lambda waits: apply(wanted, database.connect, waits=waits)
    for number, model in enumerate((_seats("code"), wanted), 1):
        await revise(model, database.connect, folder, f"number {number}", day=date(2026, 11, 21))
        if model is not wanted:
            await upgrade(folder, database.connect)
    return lambda waits: upgrade(folder, database.connect, waits=waits)


@pytest.fixture
async def reader(request: pytest.FixtureRequest, database: EmptyDatabase) -> AsyncIterator[Any]:
    """Return a connection whose transaction has read the table, and goes on."""
    request.getfixturevalue("migration")
    async with opened(database.connect) as connection:
        await connection.execute("SET application_name = 'report'; BEGIN; SELECT FROM seat")
        yield connection


async def test_readers_pass_and_the_holder_is_named(
    database: EmptyDatabase, migration: Any, reader: Any
) -> None:
    """It waited without end, and every SELECT behind it."""
    told: list[str] = []
    migrating = asyncio.ensure_future(migration(LockWaits(SHORT.seconds, SHORT.pauses, told.append)))
    async with asyncio.timeout(60):
        while not await database.fetch(
            "SELECT FROM pg_locks WHERE NOT granted AND relation = 'seat'::regclass"
        ):
            assert not migrating.done()
            await next_poll()
        await database.fetch("SELECT FROM seat")
        with pytest.raises(MigrationError) as refused:
            await migrating
    held = (
        f"table public.seat is held by process {reader.get_server_pid()} (report, role postgres, idle in tr"
    )
    assert held in str(refused.value)
    assert "ALTER TABLE public.seat ADD COLUMN note text" in str(refused.value)
    assert "tried 2 times, 0.8 s each" in str(refused.value)
    assert [text[-24:] for text in told] == ["; trying again in 0.05 s"]
    assert await database.fetch("SELECT FROM pg_attribute WHERE attname = 'note'") == []


async def test_it_is_done_when_the_lock_is_given(
    database: EmptyDatabase, migration: Any, reader: Any
) -> None:
    refused = asyncio.Event()
    waits = LockWaits(0.2, pauses=(0.01,) * 300, tell=lambda _: refused.set())
    migrating = asyncio.ensure_future(migration(waits))
    async with asyncio.timeout(60):
        await refused.wait()
        await reader.execute("COMMIT")
        await migrating
    assert await database.fetch("SELECT note FROM seat") == []


async def test_scripts_wait_as_long(database: EmptyDatabase, tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    await revise(_seats("code"), database.connect, folder, "seats", day=date(2026, 11, 21))
    for script in (
        await preview(_seats("code"), database.connect, waits=SHORT),
        await preview(_seats("code"), database.connect, folder, waits=SHORT),
    ):
        first = script.index("SET LOCAL lock_timeout = 800;")
        assert script.index("BEGIN;") < first < script.index("CREATE TABLE public.seat")
