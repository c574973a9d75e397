"""Faults that clients work under: each breaks something, and has mended it when it returns."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import Random

from tests.histories.cluster import Cluster

_MOMENT = 0.3
"""Seconds for which something is held up, or goes on failing."""


async def _nothing(_cluster: Cluster, _chance: Random) -> None:
    await asyncio.sleep(_MOMENT)


async def _kill_gateway(cluster: Cluster, chance: Random) -> None:
    await chance.choice(cluster.nodes).kill()


async def _restart_gateway(cluster: Cluster, chance: Random) -> None:
    await chance.choice(cluster.nodes).restart()


async def _suspend_gateway(cluster: Cluster, chance: Random) -> None:
    await chance.choice(cluster.nodes).suspend(_MOMENT)


async def _kill_database(cluster: Cluster, _chance: Random) -> None:
    await cluster.restart_database()


async def _freeze_database(cluster: Cluster, chance: Random) -> None:
    proxy = chance.choice(cluster.nodes).proxy
    proxy.freeze()
    await asyncio.sleep(_MOMENT)
    proxy.thaw()


async def _cut_from_database(cluster: Cluster, chance: Random) -> None:
    await chance.choice(cluster.nodes).proxy.close()
    await asyncio.sleep(_MOMENT)


def _cut_at(sent: bytes) -> "Fault":
    async def cut(cluster: Cluster, chance: Random) -> None:
        """Cut connections at a message, half of them when PostgreSQL has it."""
        for _ in range(10):
            for node in cluster.nodes:
                node.proxy.cut_at(sent, delivered=chance.random() < 0.5)
            await asyncio.sleep(_MOMENT / 10)
        for node in cluster.nodes:
            node.proxy.cut_no_more()

    return cut


async def _disconnect_clients(cluster: Cluster, chance: Random) -> None:
    for _ in range(3):
        await chance.choice(cluster.nodes).disconnect()
        await asyncio.sleep(_MOMENT / 3)


Fault = Callable[[Cluster, Random], Awaitable[None]]

FAULTS: Mapping[str, Fault] = {
    "nothing": _nothing,
    "kill -9 of a gateway": _kill_gateway,
    "restart of a gateway": _restart_gateway,
    "gateway suspended": _suspend_gateway,
    "kill -9 of PostgreSQL": _kill_database,
    "database frozen": _freeze_database,
    "all connections to the database cut": _cut_from_database,
    "connections to the database cut amid statements": _cut_at(b""),
    "connections to the database cut at COMMIT": _cut_at(b"COMMIT"),
    "clients disconnected": _disconnect_clients,
}
"""All of them."""
