"""`rowgate serve` as a process: ready, signals, and starts that fail."""

import asyncio
import re
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import grpc
import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.cli.running import LEDGER, Running, Start, descriptor_set, rowgate, servers
from tests.db.servers import kill_server
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, ledger_database
from tests.harness.polling import next_poll
from tests.harness.transports import TRANSPORTS
from tests.transport.conftest import GET, locked, until_waiting

KEY = {"book": "main", "number": 1}


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return the DSN of a database with the ledger's tables."""
    return await ledger_database(databases)


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Give what starts a server of the ledger."""
    async with servers() as started:

        def of_schema(*flags: str, schema: Sequence[str] = ("--protos", str(LEDGER))) -> Awaitable[Running]:
            return started(*schema, *flags)

        yield of_schema


@pytest.fixture
async def clients() -> AsyncIterator[Callable[[str], Client]]:
    """Give what makes clients; they are closed at the end."""
    made: list[Client] = []

    def client(target: str) -> Client:
        made.append(Client(target, descriptors_of("ledger")))
        return made[-1]

    yield client
    for one in made:
        await one.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_lets_the_call_under_way_complete(
    dsn: str, start: Start, clients: Callable[[str], Client], transport: str, number: signal.Signals
) -> None:
    server = await start("--dsn", dsn, "--transport", transport)
    target = await server.ready()
    client = clients(target)
    async with locked(dsn) as connection:
        call = asyncio.create_task(client.call(GET, KEY))
        await until_waiting(connection, 1)
        server.signal(number)
        await server.logged("stopping")
        assert not call.done()
    with pytest.raises(RpcFailed) as caught:
        await call
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    line = await server.logged("call")
    assert (line["method"], line["code"], line["reason"]) == (GET, "NOT_FOUND", "ROW_NOT_FOUND")
    await server.logged("stopped")
    status, out, errors = await server.ended()
    assert (status, errors) == (0, "")
    assert out.startswith(f"listening on {target} by {transport}, ")
    left = await fetch(
        dsn,
        "SELECT pid FROM pg_stat_activity "
        "WHERE application_name = 'rowgate' AND datname = current_database()",
    )
    assert left == []


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_second_signal_cuts_the_call_off(
    dsn: str, start: Start, clients: Callable[[str], Client], transport: str
) -> None:
    server = await start("--dsn", dsn, "--drain-timeout", "600", "--transport", transport)
    client = clients(await server.ready())
    async with locked(dsn) as connection:
        call = asyncio.create_task(client.call(GET, KEY))
        await until_waiting(connection, 1)
        server.signal()
        await server.logged("stopping")
        server.signal()
        status, _, errors = await server.ended()
        assert status == 1
        assert "calls were cut off by a second signal" in errors
        with pytest.raises(RpcFailed):
            await call
        await until_waiting(connection, 0)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_signal_before_it_is_ready_ends_it(start: Start, transport: str) -> None:
    nothing = "postgresql://127.0.0.1:1/nothing"
    server = await start("--dsn", nothing, "--log-level", "debug", "--transport", transport)
    await server.logged("starting")
    server.signal()
    status, out, errors = await server.ended()
    assert (status, out) == (1, "")
    assert "stopped by a signal before it was ready" in errors


async def test_a_descriptor_set_serves_as_well(
    dsn: str, start: Start, clients: Callable[[str], Client], tmp_path: Path
) -> None:
    file = tmp_path / "ledger.binpb"
    file.write_bytes(descriptor_set())
    server = await start("--dsn", dsn, schema=("--descriptor-set", str(file)))
    client = clients(await server.ready())
    with pytest.raises(RpcFailed) as caught:
        await client.call(GET, KEY)
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    server.signal()
    assert (await server.ended())[0] == 0


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_port_in_use_is_a_failure(dsn: str, start: Start, transport: str) -> None:
    server = await start("--dsn", dsn, "--transport", transport)
    taken = await server.ready()
    flags = ("--dsn", dsn, "--listen", taken, "--log-level", "error", "--transport", transport)
    status, out, errors = await rowgate("serve", "--protos", str(LEDGER), *flags)
    assert (status, out) == (1, "")
    assert errors == (
        f"Error: can't listen on {taken}: is the port taken, or the address not this machine's?\n"
    )


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_no_database_is_a_failure_that_names_no_password(transport: str) -> None:
    dsn = "postgresql://u:hunter2@127.0.0.1:1/nothing"
    flags = ("--dsn", dsn, "--start-timeout", "0.1", "--log-level", "error", "--transport", transport)
    status, _, errors = await rowgate("serve", "--protos", str(LEDGER), "--listen", "127.0.0.1:0", *flags)
    assert status == 1
    assert errors.startswith("Error: ")
    assert "Traceback" not in errors
    assert "hunter2" not in errors


@pytest.mark.parametrize(
    "flags", [[], ["--protos", "{folder}/nothing"], ["--descriptor-set", "{folder}/broken"]]
)
async def test_no_schema_is_wrong(tmp_path: Path, flags: list[str]) -> None:
    (tmp_path / "broken").write_bytes(b"\xff")
    (tmp_path / "empty.toml").touch()
    given = [flag.format(folder=tmp_path) for flag in flags]
    status, _, errors = await rowgate("serve", "--config", str(tmp_path / "empty.toml"), *given)
    assert status == 2
    assert "Traceback" not in errors


async def test_every_error_of_a_schema_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "wrong.proto").write_text(
        """syntax = "proto3";
package wrong.v1;
import "rowgate/v1/annotations.proto";
message One {
  option (rowgate.v1.table) = {name: "same" primary_key: "nothing"};
  string id = 1;
}
message Two {
  option (rowgate.v1.table) = {name: "same" primary_key: "id"};
  string id = 1;
}
"""
    )
    status, out, errors = await rowgate("serve", "--protos", str(tmp_path))
    assert (status, out) == (2, "")
    assert errors.startswith("Error: errors in the schema: ")
    assert "wrong.proto:4: wrong.v1.One" in errors
    assert "wrong.proto:8: wrong.v1.Two" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_database_that_does_not_match_is_refused(databases: Databases, transport: str) -> None:
    empty = await databases.empty()
    flags = ("--dsn", empty, "--log-level", "error", "--transport", transport, "--listen", "127.0.0.1:0")
    status, out, errors = await rowgate("serve", "--protos", str(LEDGER), *flags)
    assert (status, out) == (1, "")
    assert "Ledger" in errors
    assert "Traceback" not in errors


@pytest.mark.parametrize("wrong", ["nonsense", "dbname=d"])
async def test_a_wrong_dsn_of_replicas_is_told_by_its_setting(dsn: str, wrong: str) -> None:
    flags = ("--dsn", dsn, "--read-dsn", wrong, "--log-level", "error", "--listen", "127.0.0.1:0")
    status, _, errors = await rowgate("serve", "--protos", str(LEDGER), *flags)
    assert status == 2
    assert errors.startswith("Error: database.read_dsn: ")


async def test_a_server_that_takes_no_writes_is_refused_in_a_line(dsn: str) -> None:
    """As a standby doesn't."""
    reading = f"{dsn}&options=-c%20default_transaction_read_only%3Don"
    flags = ("--dsn", reading, "--log-level", "error", "--listen", "127.0.0.1:0")
    status, _, errors = await rowgate("serve", "--protos", str(LEDGER), *flags)
    assert status == 1
    (line,) = errors.splitlines()
    assert line.endswith(
        "the server takes no writes: it is a standby, or default_transaction_read_only is on"
    )


async def owner_of(client: Client) -> str | None:
    """Return whose the one account is; None while there is no database."""
    try:
        return str((await client.call(GET, book="b", number=1)).owner)
    except RpcFailed as failed:
        if failed.code is not grpc.StatusCode.UNAVAILABLE:
            raise
        return None


async def test_without_a_dsn_an_embedded_database_is_migrated_served_kept_and_stopped(
    start: Start, clients: Callable[[str], Client], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    status, _, errors = await rowgate("migrate", "--protos", str(LEDGER), "--data-dir", str(data))
    assert status == 0, errors
    server = await start("--data-dir", str(data))
    client = clients(await server.ready())
    account = {"book": "b", "number": 1, "owner": "o", "title": "t"}
    await client.call("ledger.v1.AccountService/CreateAccount", account=account)
    assert (await client.call(GET, book="b", number=1)).owner == "o"
    assert (data / "page-tokens.key").exists()
    await asyncio.to_thread(kill_server, EmbeddedPostgres(data / "postgres"))
    await server.logged("the embedded PostgreSQL runs again")
    async with asyncio.timeout(60):
        while (found := await owner_of(client)) is None:
            await next_poll()
    assert found == "o"
    server.signal()
    assert (await server.ended())[0] == 0
    assert not (data / "postgres" / "data" / "postmaster.pid").exists()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        (("--tls-cert", "no.pem", "--tls-key", "no.key"), r"server\.tls_cert \(no\.pem\): can't be read"),
        (("--data-dir", __file__), r"database\.data_dir \(.*\): can't be made"),
    ],
    ids=["tls", "data"],
)
async def test_files_that_can_not_be_used_are_told_by_their_setting(
    dsn: str, transport: str, flags: Sequence[str], wrong: str
) -> None:
    where = () if "--data-dir" in flags else ("--dsn", dsn)
    common = ("--protos", str(LEDGER), "--listen", "127.0.0.1:0", "--transport", transport)
    status, out, errors = await rowgate("serve", *common, *where, *flags)
    assert (status, out) == (2, "")
    assert re.search(wrong, errors), errors


async def test_one_process_takes_up_what_it_can_at_sighup_and_names_what_takes_a_restart(
    dsn: str, start: Start, clients: Callable[[str], Client], tmp_path: Path
) -> None:
    shutil.copytree(LEDGER, tmp_path / "protos")
    config = tmp_path / "rowgate.toml"
    common = f'[schema]\nprotos = "protos"\n[database]\ndsn = "{dsn}"\n'
    config.write_text(common)
    server = await start(schema=("--config", str(config)))
    client = clients(await server.ready())
    async with locked(dsn) as connection:
        call = asyncio.create_task(client.call(GET, KEY))
        await until_waiting(connection, 1)
        config.write_text(f'{common}[log]\nlevel = "warning"\n')
        server.signal(signal.SIGHUP)
        await server.logged("reloaded")
        file = tmp_path / "protos" / "ledger" / "v1" / "account.proto"
        file.write_text(file.read_text().replace("// Whose it is.", "// Who has it."))
        config.write_text(f'{common}pool_size = 3\n[log]\nlevel = "info"\n[limits]\nmax_in_flight = 9\n')
        server.signal(signal.SIGHUP)
        refused = (await server.logged("not reloaded: it serves as before"))["error"]
        for key in ("schema", "database.pool_size", "limits.max_in_flight"):
            assert f"{key} (reload): has changed; stop and start the server" in refused
        assert "log.level" not in refused
    with pytest.raises(RpcFailed) as caught:
        await call
    assert caught.value.code is grpc.StatusCode.NOT_FOUND
    assert not [line for line in server.log if line["event"] == "call"]
    server.signal()
    assert (await server.ended())[0] == 0
