"""Fixtures that every test may use."""

import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings

from gateway.db.embedded import EmbeddedPostgres
from tests.db.servers import debian_server, kill_server
from tests.harness.databases import FORGETFUL, Databases, drop_databases
from tests.harness.gateway import RunningGateway, start_gateway
from tests.harness.sample import Sample, start_sample
from tests.harness.skips import in_ci, refused_in_ci
from tests.harness.transports import turn

GatewayFor = Callable[..., Awaitable[RunningGateway]]
_MEMORY = Path("/dev/shm")  # noqa: S108 - TemporaryDirectory makes a folder of its own there
_ROOM = 8 * 2**30
_TOLD = pytest.StashKey[list[str]]()

# How long an example takes says more of what else the machine does. In CI each run has the same examples:
# a new one that fails is found by who runs the tests, not by who lands something else.
settings.register_profile("any machine", deadline=None, derandomize=in_ci())
settings.load_profile("any machine")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test that is skipped in CI."""
    report = yield
    refused_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a module that is skipped in CI."""
    report = yield
    refused_in_ci(report)
    return report


def pytest_collection_finish() -> None:
    """Keep the garbage collector off what stays: it took a sixth of all that these processes did."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(1000, 20, 50)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spread tests over processes by files, where there are several."""
    from tests.harness.workers import ByFile  # noqa: PLC0415 - the tests run without xdist, too

    return ByFile(config, log)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand what tests had to tell to the process that prints it, where that is another one."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["told"] = session.config.stash.get(_TOLD, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what the tests of a process had to tell."""
    told = getattr(node, "workeroutput", {}).get("told", [])
    node.config.stash.setdefault(_TOLD, []).extend(told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what tests had to tell."""
    for line in config.stash.get(_TOLD, []):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what puts a line into the summary at the end of the run: counts that a reader should see."""
    return request.config.stash.setdefault(_TOLD, []).append


@pytest.fixture(scope="session")
def data_folder() -> Iterator[Path]:
    """Return a folder for databases, in memory where there is room: they come and go by the thousand.

    Not below pytest's own, which each run of pytest closes to other users: PostgreSQL may be one.
    """
    has_room = _MEMORY.is_dir() and disk_usage(_MEMORY).free > _ROOM
    with TemporaryDirectory(prefix="rowgate-tests-", dir=_MEMORY if has_room else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def databases(data_folder: Path) -> Iterator[Databases]:
    """One PostgreSQL for the run, the embedded 18; it forgets at the end, so it need not flush."""
    server = EmbeddedPostgres(data_folder / "postgres", settings=FORGETFUL)
    yield Databases(server.start())
    kill_server(server, signal.SIGQUIT)  # at once: a checkpoint of so many databases takes its time
    server.stop()


@pytest.fixture(scope="session")
def debian_15(data_folder: Path) -> Iterator[str]:
    """Run Debian's PostgreSQL 15, the oldest that is supported, for the run; give its DSN."""
    with debian_server(data_folder / "debian-15", settings=FORGETFUL) as dsn:
        yield dsn


@pytest.fixture(scope="module", autouse=True)
async def dropped_databases() -> AsyncIterator[None]:
    """Drop the databases of a module at its end."""
    yield
    await drop_databases()


@asynccontextmanager
async def gateways(databases: Databases, **common: object) -> AsyncIterator[GatewayFor]:
    """Give what serves a folder of tests/schemas, with `common` settings; all are stopped at the end."""
    running: list[RunningGateway] = []

    async def start(name: str, **settings: object) -> RunningGateway:
        running.append(await start_gateway(name, databases, **{**common, **settings}))
        return running[-1]

    yield start
    for gateway in reversed(running):
        await gateway.stop()


@pytest.fixture(scope="module")
def transport(request: pytest.FixtureRequest) -> str:
    """Return what carries the module's calls; where that matters, the tests are parametrised instead."""
    return turn(request.path.stem)


@pytest.fixture
async def gateway_for(databases: Databases, transport: str) -> AsyncIterator[GatewayFor]:
    """Serve a folder of tests/schemas, named by the argument, over an empty database of the test's own."""
    async with gateways(databases, transport=transport) as start:
        yield start


@pytest.fixture(scope="module")
async def module_gateway_for(databases: Databases, transport: str) -> AsyncIterator[GatewayFor]:
    """As gateway_for, but kept for the module: for property tests, which call it many times."""
    async with gateways(databases, transport=transport) as start:
        yield start


@pytest.fixture(scope="session")
def served_sample(data_folder: Path) -> Iterator[Sample]:
    """Serve and load the flights sample as `make run` does, in a process of its own; shared by the run."""
    sample = start_sample(data_folder / "sample")
    yield sample
    assert sample.stop() == 0
