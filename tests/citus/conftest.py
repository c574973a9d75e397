"""Fixtures of the cluster: what takes one of them is marked `citus`, and skipped where there is none."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.citus.cluster import VARIABLE, Cluster
from tests.harness.gateway import RunningGateway, serve

Serve = Callable[..., Awaitable[RunningGateway]]


@pytest.fixture(scope="module")
async def cluster() -> AsyncIterator[Cluster]:
    """Give the cluster; the databases that a module makes go with it."""
    dsn = os.environ.get(VARIABLE)
    if not dsn:
        pytest.skip(f"{VARIABLE} names no cluster")
    cluster = Cluster(dsn)
    yield cluster
    await cluster.drop()


@pytest.fixture(scope="module")
async def served(cluster: Cluster, transport: str) -> AsyncIterator[Serve]:
    """Serve a folder of tests/schemas over a database of the cluster, migrated for it; settings by name."""
    running: list[RunningGateway] = []

    async def start(name: str, **settings: object) -> RunningGateway:
        running.append(await serve(name, await cluster.holding(name), transport=transport, **settings))
        return running[-1]

    yield start
    for gateway in reversed(running):
        await gateway.stop()
