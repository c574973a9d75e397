"""`rowgate serve` as a supervisor: workers that end come back, all stop together, nothing is left behind."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import grpc
import pytest

from tests.cli.connections import connections_of
from tests.cli.running import LEDGER, Start, rowgate, servers
from tests.harness.certificates import Certificate
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, ledger_database
from tests.transport.conftest import GET, SERVICE, locked, until_waiting

KEY = {"book": "main", "number": 1}
LIST = f"{SERVICE}/ListAccounts"
IMPATIENT = ("--liveness-interval", "0.1", "--liveness-timeout", "1", "--liveness-failures", "2")
UNSEEN = "a-secret-not-to-be-seen"
ALONE = [("grpc.use_local_subchannel_pool", 1)]
SERVING = b"\x08\x01"


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return the DSN of a database with the ledger's tables."""
    return await ledger_database(databases)


@pytest.fixture
async def start(dsn: str) -> AsyncIterator[Start]:
    """Give what starts a server of the ledger."""
    async with servers("--protos", str(LEDGER), "--dsn", dsn) as started:
        yield started


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return where servers have their temporary files: its name leaves room for that of a Unix socket."""
    with TemporaryDirectory(prefix="rowgate-") as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


def children(parent: int) -> list[int]:
    """Return the ids of a process's own processes."""
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def is_there(pid: int) -> bool:
    """Return whether the process runs."""
    return Path(f"/proc/{pid}").exists()


def text_of(pid: int, name: str) -> str:
    """Return what /proc says of a process."""
    return Path(f"/proc/{pid}/{name}").read_text()


def left_in(folder: Path) -> list[Path]:
    """Return what lies in a folder."""
    return list(folder.iterdir())


def files_below(folder: Path) -> list[Path]:
    """Return the files in a folder and the folders in it."""
    return [file for file in folder.rglob("*") if file.is_file()]


async def until_gone(pids: list[int]) -> None:
    """Wait until none of the processes runs."""
    async with asyncio.timeout(60):
        for pid in pids:
            while is_there(pid):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.02)


def apart(target: str) -> Client:
    """Return a client with a connection of its own: others of this process share one."""
    return Client(target, descriptors_of("ledger"), ALONE)


async def owners(target: str) -> str:
    """Call GetAccount over a connection of its own; return the status's reason."""
    client = apart(target)
    try:
        await client.call(GET, KEY)
    except RpcFailed as error:
        return error.reason or error.code.name
    finally:
        await client.close()
    return "OK"


async def test_killed_workers_come_back_at_the_same_address(start: Start) -> None:
    server = await start("--workers", "2")
    target = await server.ready()
    pids = children(server.process.pid)
    assert len(pids) == 2
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for _ in pids:
        await server.logged("a worker is ready again")
    assert not set(children(server.process.pid)) & set(pids)
    assert [await owners(target) for _ in range(4)] == ["ROW_NOT_FOUND"] * 4
    server.signal()
    status, out, _ = await server.ended()
    assert (status, out.split()[2]) == (0, target)


async def test_a_worker_that_lives_and_does_not_answer_is_replaced_and_the_others_go_on(
    dsn: str, start: Start
) -> None:
    server = await start("--workers", "2", *IMPATIENT)
    target = await server.ready()
    pids = children(server.process.pid)
    clients = [apart(target) for _ in range(4)]
    async with locked(dsn) as connection:
        calls = [asyncio.create_task(client.call(LIST)) for client in clients]
        await until_waiting(connection, len(calls))
        os.kill(pids[0], signal.SIGSTOP)
        lost = await server.logged("a worker doesn't answer, and is ended")
        assert lost["worker_pid"] == pids[0]
    await server.logged("a worker is ready again")
    # Two of the clients are with the other worker: their calls go on.
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    failed = [error for error in outcomes if isinstance(error, BaseException)]
    assert len(failed) == 2
    assert all(isinstance(e, RpcFailed) and e.code is grpc.StatusCode.UNAVAILABLE for e in failed)
    assert pids[1] in children(server.process.pid)
    assert pids[0] not in children(server.process.pid)
    assert [await owners(target) for _ in range(4)] == ["ROW_NOT_FOUND"] * 4
    await asyncio.gather(*(client.close() for client in clients))
    server.signal()
    assert (await server.ended())[0] == 0


async def test_workers_end_mutual_tls_and_are_asked_without_it(start: Start, tmp_path: Path) -> None:
    own = Certificate(tmp_path, "server")
    tls = ("--tls-cert", own.cert_path, "--tls-key", own.key_path, "--tls-client-ca", own.cert_path)
    server = await start("--workers", "2", *map(str, tls), *IMPATIENT)
    target = await server.ready()
    pids = children(server.process.pid)
    pem, key = own.cert_path.read_bytes(), own.key_path.read_bytes()
    credentials = grpc.ssl_channel_credentials(pem, key, pem)
    async with AsyncExitStack() as channels:
        for _ in range(4):
            channel = grpc.aio.secure_channel(target, credentials, ALONE)
            await channels.enter_async_context(channel)
            assert await channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=30) == SERVING
        assert [connections_of(pid, int(target.rpartition(":")[2])) for pid in pids] == [2, 2]
    os.kill(pids[0], signal.SIGSTOP)
    assert (await server.logged("a worker doesn't answer, and is ended"))["worker_pid"] == pids[0]
    await server.logged("a worker is ready again")
    assert pids[1] in children(server.process.pid)


async def test_a_page_token_of_one_worker_is_another_worker_s(start: Start) -> None:
    server = await start("--workers", "2")
    target = await server.ready()
    client = Client(target, descriptors_of("ledger"))
    for number in range(3):
        account = {"book": "main", "number": number, "title": f"T{number}", "iban": str(number)}
        await client.call(f"{SERVICE}/CreateAccount", account=account)
    token = (await client.call(LIST, page_size=2)).next_page_token
    for pid in children(server.process.pid):
        os.kill(pid, signal.SIGKILL)
        await server.logged("a worker is ready again")
    await client.close()
    client = Client(target, descriptors_of("ledger"))
    assert len((await client.call(LIST, page_size=2, page_token=token)).accounts) == 1
    await client.close()


async def test_workers_do_not_outlive_their_supervisor(dsn: str, start: Start, temporary: Path) -> None:
    server = await start("--workers", "2")
    client = Client(await server.ready(), descriptors_of("ledger"))
    pids = children(server.process.pid)
    assert len(pids) == 2
    assert len(left_in(temporary)) == 2
    async with locked(dsn) as connection:
        call = asyncio.create_task(client.call(GET, KEY))
        await until_waiting(connection, 1)
        server.process.kill()
        with pytest.raises(RpcFailed):
            await call
        await until_waiting(connection, 0)
    await until_gone(pids)
    assert not left_in(temporary)
    await client.close()


async def test_workers_start_wherever_temporary_files_are(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("x" * 100)  # past what the name of a Unix socket may be
    deep.mkdir()
    monkeypatch.setenv("TMPDIR", str(deep))
    server = await start("--workers", "2")
    assert await owners(await server.ready()) == "ROW_NOT_FOUND"
    server.signal()
    assert (await server.ended())[0] == 0


async def test_a_drain_lets_every_worker_s_calls_complete(dsn: str, start: Start) -> None:
    # Of 8 connections of a worker, one table may take 5.
    server = await start("--workers", "2", "--lame-duck", "0.2", "--pool-size", "16")
    target = await server.ready()
    clients = [apart(target) for _ in range(8)]
    async with locked(dsn) as connection:
        calls = [asyncio.create_task(client.call(LIST)) for client in clients]
        await until_waiting(connection, len(calls))
        server.signal()
        await server.logged("stopping")
    assert [len(page.accounts) for page in await asyncio.gather(*calls)] == [0] * len(calls)
    assert (await server.ended())[0] == 0
    await asyncio.gather(*(client.close() for client in clients))


async def test_a_drain_sends_callers_away_and_lets_their_calls_complete(dsn: str, start: Start) -> None:
    server = await start("--workers", "2", "--lame-duck", "0.1")
    target = await server.ready()
    client = Client(target, descriptors_of("ledger"))
    async with locked(dsn) as connection:
        held = asyncio.create_task(client.call(LIST))
        await until_waiting(connection, 1)
        server.signal()
        async with asyncio.timeout(60):
            # An answer comes with GOAWAY; then a client leaves the connection to the calls it has.
            while client.channel.get_state() is grpc.ChannelConnectivity.READY:
                await client.channel.unary_unary("/grpc.health.v1.Health/Check")(b"")
        assert not held.done()
    assert len((await held).accounts) == 0
    assert (await server.ended())[0] == 0
    await client.close()


async def test_secrets_are_in_no_command_line_file_or_environment_of_a_worker(
    start: Start, tmp_path: Path, temporary: Path
) -> None:
    config = tmp_path / "rowgate.toml"
    config.write_text(f'[tokens]\nsecret = "{UNSEEN}"\n')
    server = await start("--workers", "2", "--config", str(config))
    await server.ready()
    for worker in children(server.process.pid):
        for shown in ("cmdline", "environ"):
            assert UNSEEN not in text_of(worker, shown)
    assert not files_below(temporary)


@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        (("--transport", "grpcio", "--workers", "2"), "grpcio serves in one process"),
        (("--workers", "0"), "should be auto, or a number from 1 to 64"),
        (("--workers", "some"), "should be auto, or a number from 1 to 64"),
        (("--workers", "9"), "8 can't be divided among 9 workers"),
        (("--transport", "envoy"), "transport"),
    ],
)
async def test_wrong_settings_are_told(flags: tuple[str, ...], wrong: str) -> None:
    status, _, errors = await rowgate("serve", "--protos", str(LEDGER), *flags)
    assert status == 2
    assert wrong in errors


async def test_settings_without_use_are_told(start: Start) -> None:
    server = await start("--transport", "grpcio", "--max-connections", "3")
    told = await server.logged("a setting has no effect on this transport")
    assert told["setting"] == "limits.max_connections"
    await server.ready()
