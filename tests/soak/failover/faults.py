"""What happens to a leader: each fault holds until another one leads, and is mended afterwards."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import asyncpg

from gateway.db.connections.standing import standing_of
from tests.soak.failover.cluster import Cluster, Node

_ASK_SECONDS = 0.02
_ANSWER_SECONDS = 0.5


async def _kill(cluster: Cluster, leader: Node, over: Awaitable[None]) -> None:
    """Kill -9 PostgreSQL and Patroni."""
    await leader.kill()
    await over
    await cluster.start(leader)


async def _freeze(_cluster: Cluster, leader: Node, over: Awaitable[None]) -> None:
    """Stop all processes where they are: their connections stay, and nobody answers."""
    leader.send(signal.SIGSTOP)
    await over
    leader.send(signal.SIGCONT)


async def _cut_off(_cluster: Cluster, leader: Node, over: Awaitable[None]) -> None:
    """Let nothing through between the leader and anybody else."""
    leader.freeze("clients", "peers", "rest", "etcd")
    await over
    leader.thaw()


async def _cut_off_from_peers(_cluster: Cluster, leader: Node, over: Awaitable[None]) -> None:
    """Let nothing through between the leader and the cluster; the gateway still reaches it."""
    leader.freeze("peers", "rest", "etcd")
    await over
    leader.thaw()


async def _stop_patroni(_cluster: Cluster, leader: Node, over: Awaitable[None]) -> None:
    """Stop Patroni alone: PostgreSQL goes on as a primary, also when another one is."""
    assert leader.patroni is not None
    leader.patroni.send_signal(signal.SIGSTOP)
    await over
    leader.patroni.send_signal(signal.SIGCONT)


Fault = Callable[[Cluster, Node, Awaitable[None]], Awaitable[None]]
FAULTS: Mapping[str, Fault] = {
    "kill": _kill,
    "freeze": _freeze,
    "partition": _cut_off,
    "partition from its peers": _cut_off_from_peers,
    "Patroni frozen": _stop_patroni,
}


@dataclass
class Promotions:
    """Sees promotions as they happen, by asking every server fifty times a second, past all proxies.

    Args:
        cluster: whose.
        latest: the highest timeline.
        at: when it was first seen, by the event loop's clock.

    """

    cluster: Cluster
    latest: int = 0
    at: float = 0.0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def watch(self) -> None:
        """Ask for ever."""
        async with asyncio.TaskGroup() as group:
            for node in self.cluster.nodes:
                group.create_task(self._watch(node))

    async def after(self, timeline: int) -> None:
        """Wait for a promotion after that to a timeline."""
        while self.latest <= timeline:
            self._news.clear()
            await self._news.wait()

    async def _watch(self, node: Node) -> None:
        while True:
            with suppress(
                OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError
            ):
                async with asyncio.timeout(_ANSWER_SECONDS):
                    connection = await asyncpg.connect(node.dsn)
                try:
                    await self._ask(connection)
                finally:
                    connection.terminate()
            await asyncio.sleep(_ASK_SECONDS)

    async def _ask(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        while True:
            async with asyncio.timeout(_ANSWER_SECONDS):
                standing = await standing_of(connection)
            if not standing.recovers and standing.timeline > self.latest:
                self.latest, self.at = standing.timeline, asyncio.get_running_loop().time()
                self._news.set()
            await asyncio.sleep(_ASK_SECONDS)
