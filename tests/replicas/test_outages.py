"""Replicas and primaries that are away: what reads are answered, and by whom."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import grpc
import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.admin.test_metrics import scraped, total
from tests.db.servers import kill_server
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.harness.sample import free_port
from tests.replicas.caller import Caller
from tests.replicas.conftest import BankFor, Cluster

pytestmark = pytest.mark.parametrize("transport", ["http"], scope="module")
NOWHERE = "postgresql://postgres@127.0.0.1:1/postgres"


@asynccontextmanager
async def without(server: EmbeddedPostgres) -> AsyncIterator[None]:
    """Kill a server for the context."""
    await asyncio.to_thread(kill_server, server, signal.SIGQUIT)
    try:
        yield
    finally:
        await asyncio.to_thread(server.start)


def processes(server: EmbeddedPostgres) -> list[int]:
    """Return a server's processes."""
    postmaster = server.postmaster_pid()
    assert postmaster is not None
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    return [postmaster, *map(int, children)]


@asynccontextmanager
async def frozen(server: EmbeddedPostgres) -> AsyncIterator[None]:
    """Stop all processes of a server for the context: the kernel takes connections, nobody answers."""
    pids = await asyncio.to_thread(processes, server)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


async def until_seen(caller: Caller, cents: int) -> None:
    """Read by `any` until that shows; no read may fail meanwhile."""
    while await caller.cents("a", "any") != cents:
        await next_poll()


async def test_without_replicas_the_primary_is_read(cluster: Cluster, bank: RunningGateway) -> None:
    caller = Caller(bank.client)
    await caller.open("a", 1)
    one, two = cluster.standbys
    async with cluster.paused():
        told = await caller.put("a", 2)
        async with without(one):
            assert await caller.cents("a", told) == 2
            assert {await caller.cents("a", "any") for _ in range(20)} <= {1, 2}
            async with without(two):
                assert [await caller.cents("a", "any") for _ in range(20)] == [2] * 20


async def test_a_replica_that_is_back_is_read_again(cluster: Cluster, caller: Caller) -> None:
    await caller.open("a", 1)
    one, two = cluster.standbys
    async with without(one), without(two):
        assert await caller.cents("a", "any") == 1
    async with cluster.paused():
        await caller.put("a", 2)
        await until_seen(caller, 1)


async def test_reads_of_a_frozen_replica_go_elsewhere(cluster: Cluster, bank: RunningGateway) -> None:
    caller = Caller(bank.client)
    await caller.open("a", 1)
    for _ in range(8):
        await caller.cents("a", "any")
    async with frozen(cluster.standbys[0]), frozen(cluster.standbys[1]):
        cents = await asyncio.gather(*(caller.cents("a", "any") for _ in range(20)))
        assert cents == [1] * 20


async def test_replicas_are_read_while_the_primary_is_away(cluster: Cluster, caller: Caller) -> None:
    await caller.open("a", 1)
    await cluster.caught_up()
    async with without(cluster.primary):
        assert await caller.cents("a", "any") == 1
        with pytest.raises(RpcFailed) as away:
            await caller.cents("a")
        assert away.value.code is grpc.StatusCode.UNAVAILABLE


async def test_a_read_waits_for_the_log_that_it_needs(cluster: Cluster, bank_for: BankFor) -> None:
    admin = f"127.0.0.1:{free_port()}"
    gateway = await bank_for(replica_wait=30, apart=True, admin_listen=admin)
    caller = Caller(gateway.client)
    await caller.open("a", 1)
    async with cluster.paused():
        told = await caller.put("a", 2)
        waiting = asyncio.create_task(caller.cents("a", told))
        while not await _counted(admin, "rowgate_calls_in_flight"):
            await next_poll()
    assert await waiting == 2
    assert await _counted(admin, "rowgate_replica_reads_total", outcome="answered") == 1
    assert await _counted(admin, "rowgate_primary_reads_total") == 0


async def test_reads_that_follow_each_other_go_to_one_replica_before_the_next_has_its_turn(
    cluster: Cluster, bank_for: BankFor
) -> None:
    """They share a statement there; by turns each replica would have a smaller one."""
    admin = f"127.0.0.1:{free_port()}"
    gateway = await bank_for(apart=True, admin_listen=admin)
    caller = Caller(gateway.client)
    await caller.open("a", 1)
    await cluster.caught_up()
    for number, replicas in ((20, 1), (100, 2)):
        cents = await asyncio.gather(*(caller.cents("a", "any") for _ in range(number)))
        assert set(cents) == {1}
        answered = [
            value
            for (name, labels), value in (await scraped(admin)).items()
            if name == "rowgate_replica_reads_total" and ("outcome", "answered") in labels and value
        ]
        assert len(answered) == replicas


async def _counted(admin: str, name: str, **labels: str) -> float:
    return total(await scraped(admin), name, **labels)


async def test_a_gateway_starts_without_its_replicas(bank_for: BankFor) -> None:
    gateway = await bank_for(read_dsn=NOWHERE)
    caller = Caller(gateway.client)
    told = await caller.open("a", 1)
    assert [await caller.cents("a", one) for one in ("any", told, "bounded=1s")] == [1, 1, 1]


async def test_a_primary_is_no_replica(
    cluster: Cluster, bank_for: BankFor, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = await bank_for(read_dsn=cluster.databases.dsn)
    caller = Caller(gateway.client)
    await caller.open("a", 1)
    assert await caller.cents("a", "any") == 1
    assert "a replica isn't read from" in caplog.text
