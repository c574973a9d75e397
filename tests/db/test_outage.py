"""A database that goes while it is served: the log says why and where, once, and that it is back."""

import logging
from pathlib import Path

import pytest

from gateway.db.embedded import EmbeddedPostgres
from gateway.errors import Unavailable
from tests.cli.running import LEDGER, rowgate
from tests.db.servers import CALL, kill_server, make_database, sql, statement
from tests.harness.databases import Open

ONE = statement("SELECT 1")


async def test_an_outage_is_told_with_its_reason_and_its_end(
    fragile: EmbeddedPostgres, open_database: Open, caplog: pytest.LogCaptureFixture
) -> None:
    database = await open_database(await make_database(fragile.start()))
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        kill_server(fragile)
        for _ in range(3):
            with pytest.raises(Unavailable):
                await database.fetch(ONE, (), CALL)
        fragile.start()
        await database.fetch(ONE, (), CALL)
    away, back = caplog.records
    assert away.message == "the database can't be reached"
    assert "nothing listens there" in getattr(away, "why", "")
    assert "postgres" in getattr(away, "database", "")
    assert back.message == "the database can be reached again"


async def test_a_login_that_is_refused_meanwhile_is_told(
    dsn: str, open_database: Open, fragile: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    database = await open_database(dsn, pool_size=1)
    server = fragile.start()
    name = dsn.rpartition("/")[2].partition("?")[0]
    await sql(server, f"DROP DATABASE {name} WITH (FORCE)")
    caplog.clear()
    with pytest.raises(Unavailable):
        await database.fetch(ONE, (), CALL)
    with pytest.raises(Unavailable) as gone:
        await database.fetch(ONE, (), CALL)
    assert gone.value.reason == "DATABASE_MISSING"
    assert gone.value.message == "the database isn't there"
    [line] = caplog.records
    assert getattr(line, "why", "") == f'PostgreSQL says 3D000, database "{name}" does not exist'


async def test_commands_say_what_they_wait_for(tmp_path: Path) -> None:
    dsn = f"postgresql://me:secret@/db?host={tmp_path},127.0.0.1&port=1"
    status, out, errors = await rowgate(
        "migrate", "--protos", str(LEDGER), "--dsn", dsn, "--start-timeout", "0.1"
    )
    assert (status, out) == (1, "")
    waiting, ended = errors.splitlines()
    for line in (waiting, ended):
        assert f"{tmp_path}:1: there is no such socket" in line
        assert "127.0.0.1:1: the connection is refused" in line
        assert "secret" not in line
    assert "waiting for the database" in waiting
    assert ended.endswith("(DATABASE_UNREACHABLE)")
