"""`rowgate serve --watch`: what is saved is served, what is wrong is told, and clients notice neither."""

import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.schema.protos.sources import compile_protos
from tests.cli.running import LEDGER, Running
from tests.cli.test_serve_workers import children
from tests.cli.test_shared_connections import ADDED, Load, call
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import ledger_database
from tests.transport.conftest import GET

ADDED_GET = "ledger.v1.AddedService/GetAccount"
FIELD = "  // Whose it is.\n"
FIRST = "// Accounts.\nservice AccountService {"
REFUSED = "not reloaded: it serves as before"


class Project:
    """A folder with a settings file and the ledger's protos."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder = folder
        self.protos = folder / "protos"
        self.config = folder / "rowgate.toml"
        self.account = self.protos / "ledger" / "v1" / "account.proto"
        shutil.copytree(LEDGER, self.protos)
        self.config.write_text(f'[schema]\nprotos = "protos"\n[database]\ndsn = "{dsn}"\n')

    def save(self, file: Path, old: str, new: str) -> None:
        """Save a file with another text, as editors do: beside it, then in its place."""
        text = file.read_text()
        assert old in text
        beside = file.with_name(f"{file.name}~")
        beside.write_text(text.replace(old, new, 1))
        beside.rename(file)

    def line_of(self, text: str) -> int:
        """Return the number of the line that holds a text."""
        lines = self.account.read_text().splitlines()
        return 1 + next(number for number, line in enumerate(lines) if text in line)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[tuple[Running, str]]:
        """Serve it until the end of the test; give the server and its address."""
        flags = ("--config", str(self.config), "--transport", "http", "--log-access", "none")
        server = await Running.start("--watch", *flags)
        try:
            yield server, await server.ready()
            server.signal()
            assert (await server.ended())[0] == 0
        finally:
            if server.process.returncode is None:
                server.process.kill()
                await server.process.wait()


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return the DSN of a database with the ledger's tables."""
    return await ledger_database(databases)


@pytest.fixture
def project(tmp_path: Path, dsn: str) -> Project:
    """Return a project over that database."""
    return Project(tmp_path, dsn)


async def row(target: str, protos: Path, **key: Any) -> Mapping[str, Any]:
    """Return a row by the fields that these protos give it, over a connection of its own."""
    client = Client(target, compile_protos(protos))
    try:
        account = await client.call(GET, **key)
        return {field.name: value for field, value in account.ListFields()}
    finally:
        await client.close()


async def test_a_saved_field_is_served_once_the_database_has_it_and_no_call_is_lost(
    project: Project, dsn: str
) -> None:
    async with project.watched() as (server, target), Load(target, 4) as load:
        account = {"book": "b", "number": 1, "owner": "o", "title": "t"}
        client = Client(target, compile_protos(project.protos))
        await client.call("ledger.v1.AccountService/CreateAccount", account=account)
        project.save(
            project.account, FIELD, f"  // What it reminds of.\n  optional string motto = 77;\n{FIELD}"
        )
        files = (await server.logged("saved"))["files"]
        assert files == [str(project.account)]
        refused = (await server.logged(REFUSED))["error"]
        assert "motto" in refused
        assert "rowgate migrate" in refused
        await load.each_called()
        await fetch(dsn, 'ALTER TABLE "Ledger"."order" ADD motto text')
        await fetch(dsn, """UPDATE "Ledger"."order" SET motto = 'carpe diem'""")
        await server.logged("reloaded")
        assert (await row(target, project.protos, book="b", number=1))["motto"] == "carpe diem"
        await load.each_called()
        assert not load.failures
        await client.close()
    assert [line["event"] for line in server.log].count(REFUSED) == 1


async def test_mistakes_are_told_with_their_places_and_the_old_schema_is_served_until_all_is_right(
    project: Project,
) -> None:
    shutil.copytree(project.protos, project.folder / "others")
    async with project.watched() as (server, target), Load(target, 2) as load:
        (worker,) = children(server.process.pid)
        project.save(project.account, FIELD, f"  strin wrong = 77;\n{FIELD}")
        place = f"account.proto:{project.line_of('strin wrong')}: "
        assert place in (await server.logged(REFUSED))["error"]
        project.save(
            project.account,
            "  strin wrong = 77;\n",
            '  string key = 77 [(rowgate.v1.column).references = {table: "nothing"}];\n',
        )
        place = f"account.proto:{project.line_of('string key')}: ledger.v1.Account.key"
        assert place in (await server.logged(REFUSED))["error"]
        project.save(project.config, "[database]\n", "[database]\npool_size = 0\n")
        assert "database.pool_size" in (await server.logged(REFUSED))["error"]
        assert children(server.process.pid) == [worker]
        project.save(
            project.config,
            'protos = "protos"\n[database]\npool_size = 0\n',
            'protos = "others"\n[database]\n',
        )
        await server.logged("reloaded")
        other = project.folder / "others" / "ledger" / "v1" / "account.proto"
        project.save(other, FIRST, f"{ADDED}{FIRST}")
        assert "ledger.v1.AddedService" in (await server.logged("reloaded"))["services"]
        assert await call(target, ADDED_GET) is grpc.StatusCode.NOT_FOUND
        await load.each_called()
        assert not load.failures
    told = [line["files"] for line in server.log if line["event"] == "saved"]
    assert told == [[str(file)] for file in (*[project.account] * 2, *[project.config] * 2, other)]
