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
def data_folder() -> Iterator[Path]:
    """Return a folder for databases.

    Not below pytest's own, which each run of pytest closes to other users: PostgreSQL may be one.
    """
    with TemporaryDirectory(prefix="rowgate-tests-") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def databases(data_folder: Path) -> Iterator[Databases]:
    """One PostgreSQL for the run; it forgets at the end, so it need not flush."""
    server = EmbeddedPostgres(data_folder / "postgres", settings={"fsync": "off"})
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
def served_sample(data_folder: Path) -> Iterator[Sample]:
    """Serve and load the flights sample as `make run` does, in a process of its own; shared by the run."""
    sample = start_sample(data_folder / "sample")
    yield sample
    assert sample.stop() == 0
