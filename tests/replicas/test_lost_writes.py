"""Writes that are lost in a failover: their tokens are answered by errors, never by what was before."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

import grpc
import pytest

from gateway.db.embedded import EmbeddedPostgres
from gateway.schema.tables.metadata import build_tables
from tests.db.servers import kill_server
from tests.harness.client import RpcFailed, fresh_name
from tests.harness.databases import FORGETFUL, Databases, fetch
from tests.harness.gateway import schema_of, serve
from tests.harness.polling import next_poll
from tests.harness.standby import standby_of
from tests.replicas.caller import ACCOUNTS, HEADER, Caller
from tests.replicas.conftest import SECRET, BankFor

_MORE = """
INSERT INTO account (id, owner, cents, version) SELECT 'more ' || n, '', 1, 1 FROM generate_series(1, 2000) n
"""
_RIGHTS = """
DO $$ BEGIN
    CREATE ROLE app LOGIN;
    GRANT USAGE ON SCHEMA public, rowgate TO app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public, rowgate TO app;
END $$
"""


@dataclass(frozen=True, slots=True)
class Nodes:
    """A primary and standbys, each of which may be killed and promoted.

    Args:
        servers: the primary first.
        dsns: of the bank on each.

    """

    servers: list[EmbeddedPostgres] = field(default_factory=list)
    dsns: list[str] = field(default_factory=list)

    def named(self, *numbers: int, role: str = "postgres") -> str:
        """Return what names the bank on some nodes."""
        hosts = ",".join(urlsplit(self.dsns[one]).query.removeprefix("host=") for one in numbers)
        return urlsplit(self.dsns[0])._replace(netloc=f"{role}@", query=f"host={hosts}").geturl()

    async def follow(self, node: int, other: int | None) -> None:
        """Have a standby stream from another node, or from none."""
        folder = (
            "/nowhere" if other is None else unquote(urlsplit(self.dsns[other]).query.removeprefix("host="))
        )
        await fetch(self.dsns[node], f"ALTER SYSTEM SET primary_conninfo = 'host={folder} user=postgres'")
        await fetch(self.dsns[node], "SELECT pg_reload_conf()")

    async def cut_off(self, *nodes: int) -> None:
        """Have standbys receive nothing of what the primary writes from now on.

        The first gets the most: who is ahead of it could not follow it.
        """
        for one in reversed(nodes):
            await self.caught_up(one, 0)
            await self.follow(one, None)
            while await fetch(self.dsns[one], "SELECT FROM pg_stat_wal_receiver"):
                await next_poll()

    async def caught_up(self, node: int, primary: int) -> None:
        """Wait until a standby has replayed what a primary has written."""
        (row,) = await fetch(self.dsns[primary], "SELECT pg_current_wal_flush_lsn()::text AS lsn")
        behind = f"SELECT WHERE pg_last_wal_replay_lsn() < '{row['lsn']}'"
        while await fetch(self.dsns[node], behind):
            await next_poll()

    async def kill(self, node: int) -> None:
        """Lose a node."""
        await asyncio.to_thread(kill_server, self.servers[node], signal.SIGKILL)

    async def promote(self, node: int, *followers: int) -> None:
        """Make a standby the primary, which writes more than was lost, and have others follow it."""
        await fetch(self.dsns[node], "SELECT pg_promote()")
        await fetch(self.dsns[node], _MORE)
        for one in followers:
            await self.follow(one, node)
            await self.caught_up(one, node)


@contextmanager
def started(primary: EmbeddedPostgres, folder: Path, standbys: int) -> Iterator[tuple[Nodes, Databases]]:
    """Start a primary and its standbys; stop all at the end."""
    nodes = Nodes([primary])
    databases = Databases(primary.start())
    nodes.dsns.append(databases.dsn)
    try:
        for number in range(standbys):
            nodes.servers.append(standby_of(databases.dsn, folder / f"standby-{number}"))
            nodes.dsns.append(nodes.servers[-1].start())
        yield nodes, databases
    finally:
        for server in reversed(nodes.servers):
            if server.postmaster_pid() is not None:
                kill_server(server, signal.SIGQUIT)
            server.stop()


@asynccontextmanager
async def bank_on(folder: Path, standbys: int) -> AsyncIterator[Nodes]:
    """Give a bank with one account, `a`, which holds 1, on a primary and standbys."""
    with started(EmbeddedPostgres(folder / "primary", settings=FORGETFUL), folder, standbys) as (
        nodes,
        databases,
    ):
        dsn = await databases.copy_of("bank", build_tables(schema_of("bank")).metadata)
        await fetch(dsn, _RIGHTS)
        await fetch(dsn, "INSERT INTO account (id, owner, cents, version) VALUES ('a', '', 1, 1)")
        for one in range(1, standbys + 1):
            await nodes.caught_up(one, 0)
        path = urlsplit(dsn).path
        nodes.dsns[:] = [urlsplit(one)._replace(path=path).geturl() for one in nodes.dsns]
        yield nodes


@asynccontextmanager
async def calling(dsn: str, read_dsn: str) -> AsyncIterator[Caller]:
    """Serve the bank."""
    gateway = await serve("bank", dsn, transport="http", read_dsn=read_dsn, secret=SECRET)
    try:
        yield Caller(gateway.client)
    finally:
        await gateway.stop()


async def put(caller: Caller, cents: int) -> str:
    """Write as soon as there is a primary; return what the call was told."""
    while True:
        try:
            return await caller.put("a", cents)
        except RpcFailed as error:
            if error.code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED):
                raise
            await next_poll()


async def answers(caller: Caller, told: str, seconds: float = 2) -> set[int | str]:
    """Return what reads are answered for a time: what they find, or why they are refused."""
    found: set[int | str] = set()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while loop.time() < end:
        found.add(await answer(caller, told))
        await next_poll()
    return found


async def answer(caller: Caller, told: str) -> int | str:
    """Return what is on the account, or why that isn't told."""
    try:
        return await caller.cents("a", told)
    except RpcFailed as error:
        return error.reason


@pytest.fixture
def folder(data_folder: Path) -> Path:
    """Return a new folder for servers."""
    return data_folder / fresh_name("lost")


@pytest.mark.parametrize("role", ["postgres", "app"])
async def test_a_replica_that_follows_another_primary_shows_no_less(folder: Path, role: str) -> None:
    """The gateway's primary is away, and it isn't told of the one that took its place."""
    async with (
        bank_on(folder, 2) as nodes,
        calling(nodes.named(0, role=role), nodes.named(2, role=role)) as caller,
    ):
        await nodes.cut_off(1, 2)
        told = await put(caller, 2)
        await nodes.kill(0)
        await nodes.promote(1, 2)
        assert 1 not in await answers(caller, told)
        await nodes.kill(1)
        assert 1 not in await answers(caller, told)


async def test_a_read_that_waits_for_a_primary_shows_no_less(folder: Path) -> None:
    """It was sent to the primary that is lost, and goes to the next one."""
    async with bank_on(folder, 2) as nodes, calling(nodes.named(0, 1), nodes.named(2)) as caller:
        await nodes.cut_off(1, 2)
        told = await put(caller, 2)
        await nodes.kill(0)
        waiting = [asyncio.create_task(answer(caller, told)) for _ in range(5)]
        await nodes.promote(1, 2)
        assert 1 not in await asyncio.gather(*waiting)


async def test_of_several_headers_none_is_taken_for_all(bank_for: BankFor) -> None:
    """Who has the tokens of two writes may send both: the first of them alone would not do."""
    caller = Caller((await bank_for()).client)
    told = (await caller.open("a", 1), await caller.put("a", 2))
    descriptor = caller.client.descriptor(f"{ACCOUNTS}/GetAccount")
    body = caller.client.message(descriptor.input_type.full_name, {"id": "a"}).SerializeToString()
    stub = caller.client.channel.unary_unary(f"/{ACCOUNTS}/GetAccount")
    with pytest.raises(RpcFailed) as refused:
        await caller.client.raw(stub, body, 10, [(HEADER, one) for one in told])
    assert refused.value.reason == "INVALID_CONSISTENCY"
