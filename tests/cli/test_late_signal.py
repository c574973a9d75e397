"""A signal that comes when the start has just ended, before the server waits for one."""

import asyncio
import logging
import signal
from collections.abc import Callable

import pytest

from gateway.cli import serve
from gateway.cli.serving.plan import Plan
from gateway.cli.serving.processes import OneProcess, WorkerProcesses
from gateway.cli.serving.reloads import Reloads
from gateway.cli.workers.count import Number
from gateway.config.load import Loaded, settings_of
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, ledger_database
from tests.harness.http import ask

Handlers = dict[int, Callable[[], object]]


@pytest.fixture
async def handlers(monkeypatch: pytest.MonkeyPatch) -> Handlers:
    """Return what is called at each signal, in place of the loop's own handlers."""
    called: Handlers = {}
    monkeypatch.setattr(asyncio.get_running_loop(), "add_signal_handler", called.__setitem__)
    return called


def never_loaded() -> Loaded:
    raise AssertionError("nobody reloads")


@pytest.mark.parametrize("workers", [1, 2])
async def test_a_signal_when_the_start_has_just_ended_stops_it(
    databases: Databases,
    handlers: Handlers,
    workers: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    processes = OneProcess if workers == 1 else WorkerProcesses
    start, addresses = processes.start, list[str]()

    async def start_and_signal(self: OneProcess | WorkerProcesses, plan: Plan) -> None:
        await start(self, plan)
        addresses.extend(str(address) for address in self.addresses)
        # Behind the end of this task, and before what waits for it.
        asyncio.get_running_loop().call_soon(handlers[signal.SIGTERM])

    monkeypatch.setattr(processes, "start", start_and_signal)
    # These are a process's own, and this is that of other tests.
    monkeypatch.setattr("gateway.cli.serving.processes.spare_what_stays", lambda _: None)
    monkeypatch.setattr(serve, "leave_all_to_the_end", lambda: None)
    caplog.set_level(logging.INFO)
    settings = settings_of(dsn=await ledger_database(databases), listen="127.0.0.1:0")
    plan = Plan(descriptors_of("ledger"), settings, Number(workers, "the test's"))
    async with asyncio.timeout(60):
        assert await serve._serve(plan, Reloads(never_loaded, None))
    assert [one for one in caplog.messages if one in {"ready", "stopping", "stopped"}] == [
        "ready",
        "stopping",
        "stopped",
    ]
    with pytest.raises(OSError, match="refused"):
        await ask(addresses[0], "GET", "/")
