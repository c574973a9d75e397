"""Fixtures that every test may use."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gateway.db.embedded import EmbeddedPostgres
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, start_gateway
from tests.harness.sample import Sample, start_sample

GatewayFor = Callable[..., Awaitable[RunningGateway]]


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """One PostgreSQL for the run; it forgets at the end, so it need not flush."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), settings={"fsync": "off"})
    yield Databases(server.start())
    server.stop()


async def _gateways(databases: Databases) -> AsyncIterator[GatewayFor]:
    running: list[RunningGateway] = []

    async def start(name: str, **settings: object) -> RunningGateway:
        running.append(await start_gateway(name, databases, **settings))
        return running[-1]

    yield start
    for gateway in reversed(running):
        await gateway.stop()


@pytest.fixture
async def gateway_for(databases: Databases) -> AsyncIterator[GatewayFor]:
    """Serve a folder of tests/schemas, named by the argument, over an empty database of the test's own."""
    async for start in _gateways(databases):
        yield start


@pytest.fixture(scope="module")
async def module_gateway_for(databases: Databases) -> AsyncIterator[GatewayFor]:
    """As gateway_for, but kept for the module: for property tests, which call it many times."""
    async for start in _gateways(databases):
        yield start


@pytest.fixture(scope="session")
def served_sample() -> Iterator[Sample]:
    """Serve and load the flights sample as `make run` does, in a process of its own; shared by the run."""
    # Not below pytest's folder, which every run of pytest closes to others: PostgreSQL may be another user.
    with TemporaryDirectory(prefix="rowgate-sample-") as folder:
        sample = start_sample(Path(folder))
        yield sample
        assert sample.stop() == 0
