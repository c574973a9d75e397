"""A client that balances by itself finds gateways that come, leaves those that go, and loses no call."""

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.deploy.name_server import name_server
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, ledger_database
from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.harness.process import ServerProcess
from tests.harness.sample import free_port
from tests.transport.conftest import GET

NAME = "gateways.test"
CONFIG = json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})
OPTIONS = (
    ("grpc.service_config", CONFIG),
    ("grpc.dns_min_time_between_resolutions_ms", 50),  # 30 s, unless it is said
    ("grpc.use_local_subchannel_pool", 1),
)
CALLERS = 8
ENOUGH = 50


@dataclass(slots=True)
class Deployment:
    """Gateways of one name and port, each with an address of its own.

    Args:
        dsn: of their database.
        port: theirs.
        admin: that of their admin addresses.
        running: them, by their addresses.

    """

    dsn: str
    port: int = field(default_factory=free_port)
    admin: int = field(default_factory=free_port)
    running: dict[str, ServerProcess] = field(default_factory=dict)

    async def start(self, address: str) -> None:
        """Start one; return when it is ready."""
        where = {"listen": f"{address}:{self.port}", "admin_listen": f"{address}:{self.admin}"}
        # Ten times as long as a client takes to ask again: a busy machine holds it up, too.
        times = {"max_connection_age": 0.3, "lame_duck": 3}
        settings = {"dsn": self.dsn, "allowed_hosts": NAME, "log_access": "none", **where, **times}
        self.running[address] = await ServerProcess.start(descriptors_of("ledger"), settings)

    async def answered(self, address: str) -> float:
        """Return how many calls one has answered."""
        text = (await ask(f"{address}:{self.admin}", "GET", "/metrics")).body.decode()
        families = text_string_to_metric_families(text)
        handled = (one for one in families if one.name == "grpc_server_handled")
        return float(sum(sample.value for one in handled for sample in one.samples))

    async def until_answering(self, address: str) -> None:
        """Return when one has answered many calls more."""
        wanted = await self.answered(address) + ENOUGH
        async with asyncio.timeout(60):
            while await self.answered(address) < wanted:
                await next_poll()

    async def stop(self, address: str) -> int:
        """Stop one as its platform does; return its exit status."""
        process = self.running.pop(address).process
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            await process.communicate()
        assert process.returncode is not None
        return process.returncode


@pytest.fixture
async def deployment(databases: Databases) -> AsyncIterator[Deployment]:
    async with AsyncExitStack() as stack:
        made = Deployment(await ledger_database(databases))
        yield made
        for server in made.running.values():
            stack.push_async_callback(server.stop)


@asynccontextmanager
async def calling(client: Client) -> AsyncIterator[Counter[str]]:
    """Call without a break while the context lasts; give the count of outcomes."""
    outcomes, ended = Counter[str](), asyncio.Event()

    async def call() -> None:
        while not ended.is_set():
            try:
                await client.call(GET, book="main", number=1)
            except RpcFailed as failed:
                outcomes[failed.reason or failed.message] += 1

    callers = [asyncio.create_task(call()) for _ in range(CALLERS)]
    try:
        yield outcomes
    finally:
        ended.set()
        await asyncio.gather(*callers)


async def test_a_roll_out_loses_no_call(deployment: Deployment) -> None:
    """Of a client without retries: each call finds that there is no such row, and none anything else."""
    first, second = "127.0.0.2", "127.0.0.3"
    await deployment.start(first)
    async with name_server() as (server, names):
        names.addresses = [first]
        client = Client(f"dns://{server}/{NAME}:{deployment.port}", descriptors_of("ledger"), OPTIONS)
        async with calling(client) as outcomes:
            await deployment.until_answering(first)
            await deployment.start(second)
            names.addresses = [first, second]
            # It asks for addresses when a connection ends, which is when that is old enough.
            await deployment.until_answering(second)
            await deployment.until_answering(first)
            names.addresses = [second]
            assert await deployment.stop(first) == 0
            await deployment.until_answering(second)
        await client.close()
    assert set(outcomes) == {"ROW_NOT_FOUND"}
