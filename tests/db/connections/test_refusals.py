"""A start that finds no database says where it looked, and who refused it why; and it ends in time."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.db.connections.dsn import DsnError
from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings
from gateway.db.pool import outage as outage_module
from gateway.db.pool import pool as pool_module
from gateway.db.pool.outage import Outage
from gateway.errors import Unavailable
from tests.harness.polling import next_poll

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def told(dsn: str, **settings: float) -> str:
    """Return what a start says that finds no database."""
    async with asyncio.timeout(60):
        with pytest.raises(Unavailable) as failed:
            await Database.open(DatabaseSettings(dsn, **{"start_timeout": 0.1, **settings}))
    assert "secret" not in failed.value.message
    return failed.value.message


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[int]:
    """Listen, and answer each client; give the port."""
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the client has gone, as a server that is stopped."""
    await reader.read()
    writer.close()


async def no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer an SSLRequest as a server without TLS."""
    await reader.readexactly(8)
    writer.write(b"N")
    await silence(reader, writer)


async def test_a_port_that_nobody_listens_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    message = await told(f"postgresql://me:secret@127.0.0.1:{port}/db")
    assert f"me@127.0.0.1:{port}/db" in message
    assert "within 0.1 s: the connection is refused, nothing listens there" in message


async def test_a_name_that_no_host_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    message = await told("postgresql://nowhere.test/db?sslmode=disable")
    assert message.endswith("the host's name isn't known: Name or service not known")


async def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    assert "there is no such socket" in await told(f"host={tmp_path} dbname=db")


async def test_a_server_without_tls() -> None:
    async with listening(no_tls) as port:
        message = await told(f"postgresql://127.0.0.1:{port}/db?sslmode=require")
    assert message.endswith("the server has no TLS, which sslmode=require asks for")


async def test_each_of_several_hosts_says_why_it_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_LEAST_START_TIMEOUT", 60)
    async with listening(no_tls) as plain, listening(silence) as silent:
        hosts = f"[::1]:1,127.0.0.1:{plain},127.0.0.1:{silent}"
        message = await told(f"postgresql://me:secret@{hosts}/db?sslmode=require", connect_timeout=0.3)
    why = message.partition(" s: ")[2]
    refused, no_tls_there, nothing = why.split("; ")
    assert refused.startswith("[::1]:1: the ")
    assert no_tls_there == f"127.0.0.1:{plain}: the server has no TLS, which sslmode=require asks for"
    assert nothing == f"127.0.0.1:{silent}: no answer comes"


@pytest.mark.parametrize("name", ["sslrootcert", "sslcert", "sslkey", "sslcrl"])
async def test_a_file_that_can_not_be_read_is_named(name: str, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(DsnError, match=f"{name} .*missing.pem can't be read: No such file"):
        await Database.open(DatabaseSettings(f"postgresql://127.0.0.1:1/db?{name}={missing}&sslmode=require"))


async def test_a_server_that_says_nothing_holds_the_start_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool_module, "_LEAST_START_TIMEOUT", 0.2)
    async with listening(silence) as port:
        begun = asyncio.get_running_loop().time()
        message = await told(
            f"postgresql://127.0.0.1:{port}/db?sslmode=disable", start_timeout=0.5, connect_timeout=50
        )
    assert message.endswith("within 0.5 s: no answer comes")
    assert asyncio.get_running_loop().time() - begun < 25


async def test_what_is_waited_for_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        await told("postgresql://me:secret@127.0.0.1:1/db", start_timeout=0.5)
    (line,) = caplog.records
    assert line.message == "waiting for the database"
    assert "127.0.0.1:1" in getattr(line, "database", "")
    assert "refused" in getattr(line, "why", "")
    assert "secret" not in str(vars(line))


async def test_what_is_waited_for_is_logged_again_and_so_is_silence(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage_module, "_SILENT_SECONDS", 0.01)
    outage = Outage("waiting for the database", "postgresql://h/db", seconds=0.01)
    telling = asyncio.create_task(outage.keep_telling())
    await until_logged(caplog, 2)
    outage.failed("it is refused")
    await until_logged(caplog, 4)
    telling.cancel()
    outage.over()
    outage.over()
    events = [(line.message, getattr(line, "why", "")) for line in caplog.records]
    silent = [event for event in events if event[1] == "no answer comes"]
    assert events[: len(silent)] == silent
    assert events[len(silent)] == ("waiting for the database", "it is refused")
    assert [event for event, _ in events].count("the database can be reached again") == 1


async def test_the_same_reason_is_not_told_again_soon(caplog: pytest.LogCaptureFixture) -> None:
    outage = Outage("the database can't be reached", "postgresql://h/db")
    for why in ("it is refused", "it is refused", "no answer comes"):
        outage.failed(why)
        outage.over()
    told = [(line.message, getattr(line, "why", "")) for line in caplog.records]
    again = ("the database can be reached again", "")
    away = "the database can't be reached"
    assert told == [(away, "it is refused"), again, (away, "no answer comes"), again]


async def until_logged(caplog: pytest.LogCaptureFixture, lines: int) -> None:
    """Wait for lines of the log."""
    async with asyncio.timeout(60):
        while len(caplog.records) < lines:
            await next_poll()
