"""Workers that hang while they start or stop, and a supervisor that is told to stop meanwhile."""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import pytest

from gateway.cli.workers import supervisor, worker_process
from gateway.cli.workers.acceptor import Acceptor
from gateway.cli.workers.control_messages import Assignment
from gateway.cli.workers.supervisor import Supervisor
from gateway.cli.workers.worker_process import WorkerProcess
from gateway.config.load import settings_of
from tests.faults.opcodes import AWAITS, Tracer, faults

CHANNEL = """
import os, signal
from gateway.cli.workers.control_messages import CHANNEL_VARIABLE, Channel, Ended, Ready, Stop, Stopped
channel = Channel(int(os.environ[CHANNEL_VARIABLE]))
channel.receive()
"""
SERVES = f"""{CHANNEL}
channel.send(Ready(()))
"""
# What hangs ends with its supervisor all the same: tests leave nothing behind.
UNTIL_ORPHANED = """
while not isinstance(channel.receive(), Ended):
    pass
"""
HANGS = """
import os, select
from gateway.cli.workers.control_messages import CHANNEL_VARIABLE
ended = select.poll()
ended.register(int(os.environ[CHANNEL_VARIABLE]), 0)  # it reads nothing
ended.poll()
"""
STOPS = f"""{SERVES}
while not isinstance(message := channel.receive(), (Stop, Ended)):
    pass
channel.send(Stopped())
{UNTIL_ORPHANED}
"""
STAYS = f"""{SERVES}
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{UNTIL_ORPHANED}
"""
QUICK = {"start_timeout": 0, "drain_timeout": 0.1, "close_timeout": 0.01, "liveness_interval": 0}
MUCH = b"x" * 2**22
"""More than a socket takes before its other end reads."""


def worker(program: str, **settings: float) -> WorkerProcess:
    """Return a worker that runs a program."""
    values = settings_of(**{"worker_start_timeout": 30, **QUICK, **settings})
    return WorkerProcess(Assignment(values, MUCH, "/"), Acceptor([]), (sys.executable, "-c", program))


def children() -> Sequence[str]:
    """Return the ids of this process's own processes that run programs of these tests."""
    pids = Path("/proc/self/task").joinpath(str(Path("/proc/self").resolve().name), "children").read_text()
    return [pid for pid in pids.split() if b"-c" in Path("/proc", pid, "cmdline").read_bytes().split(b"\0")]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_process, "_END_SECONDS", 0.2)


async def test_a_worker_that_hangs_as_it_starts_is_ended_and_told_of() -> None:
    one = worker(HANGS, worker_start_timeout=0.2)
    async with asyncio.timeout(60):
        with pytest.raises(click.ClickException, match=r"isn't ready within 0\.2 s"):
            await one.start()
    assert not children()


async def test_a_worker_that_hangs_as_it_starts_again_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    programs = iter([worker(SERVES), worker(HANGS, worker_start_timeout=0.2), worker(STOPS)])
    one = Supervisor(lambda _: next(programs), 1)
    await one.start()
    one.open()
    async with asyncio.timeout(60):
        while "a worker is ready again" not in caplog.messages:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.01)
    assert "a worker doesn't start" in caplog.messages
    await one.stop()
    assert not children()


async def test_a_supervisor_stops_while_a_worker_starts_again() -> None:
    starting = worker(HANGS)
    programs = iter([worker(SERVES), starting])
    one = Supervisor(lambda _: next(programs), 1)
    await one.start()
    one.open()
    async with asyncio.timeout(60):
        while starting.pid is None:  # noqa: ASYNC110 - another process's state
            await asyncio.sleep(0.01)
        await one.stop()
    assert not children()


@pytest.mark.parametrize("forced", [True, False])
async def test_a_worker_that_hangs_as_it_stops_is_killed(*, forced: bool) -> None:
    one = worker(STAYS, drain_timeout=600 if forced else 0.1)
    await one.start()
    async with asyncio.timeout(60):
        stop = asyncio.ensure_future(one.stop())
        if forced:
            one.force_stop()
        await stop
    assert not children()


async def test_nothing_is_left_of_a_start_that_is_cancelled_anywhere() -> None:
    folder = Path(supervisor.__file__).parent

    async def start(tracer: Tracer) -> None:
        one = Supervisor(lambda _: worker(STOPS), 1)
        with tracer.tracing():
            await asyncio.wait((asyncio.ensure_future(one.start()),))
        # It may have started all the same, at the last moment.
        await one.stop()

    seen = Tracer([folder], AWAITS)
    await start(seen)
    for fault in faults(seen.seen, ["cancellation"], every=4):
        await start(Tracer([folder], AWAITS, fault))
        assert not children(), fault
