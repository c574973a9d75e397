"""`rowgate serve`: run the server until a signal."""

import asyncio
import logging
import signal
from collections.abc import Callable
from pathlib import Path

import click

from gateway.cli.failures import Failed, reported
from gateway.cli.options import SettingsCommand, with_settings
from gateway.cli.runtime import leave_all_to_the_end, loop_factory
from gateway.cli.serving.open_files import allow_open_files
from gateway.cli.serving.plan import Plan, make_plan
from gateway.cli.serving.processes import OneProcess, Processes, WorkerProcesses
from gateway.cli.serving.reloads import Reloads
from gateway.cli.serving.saved_files import SavedFiles
from gateway.cli.standard_streams import say
from gateway.config.load import Loaded
from gateway.observe.log import configure_logging

_logger = logging.getLogger(__name__)
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@click.command(cls=SettingsCommand)
@click.option(
    "--watch",
    is_flag=True,
    help="For development: reload, as at SIGHUP, whenever protos, handlers or the settings file are saved.",
)
@with_settings()
def serve(load: Callable[[], Loaded], *, watch: bool) -> None:
    """Serve a schema until SIGTERM or SIGINT.

    Then the calls under way are finished; a second signal cuts them off. SIGHUP has settings and schema read
    anew, without an error for any client.
    """
    loaded = load()
    configure_logging(loaded.settings.log.level, loaded.settings.log.format)
    # Before they are read: what is saved from now on is to be read again.
    reloads = Reloads(load, SavedFiles(loaded) if watch else None)
    with reported():
        orderly = _run(make_plan(loaded, watched=watch), reloads)
    if not orderly:
        raise Failed("calls were cut off by a second signal")


def _run(plan: Plan, reloads: Reloads) -> bool:
    allow_open_files(plan.settings, plan.number.workers)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_serve(plan, reloads))
    except asyncio.CancelledError as error:
        raise Failed("stopped by a signal before it was ready") from error


async def _serve(plan: Plan, reloads: Reloads) -> bool:
    """Serve until a signal; return False where a second one cut the calls off."""
    processes: Processes = OneProcess() if plan.is_for_one_process else WorkerProcesses(Path.cwd())
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloads.tell)
    stopping, forced = asyncio.Event(), asyncio.Event()
    starting = asyncio.ensure_future(processes.start(plan))

    def stop_start() -> None:
        # Where it has just started, there is nothing to cancel, and yet the port is to be left.
        stopping.set()
        starting.cancel()

    _on_signal(stop_start)
    _logger.debug("starting")
    try:
        await starting
    except asyncio.CancelledError:
        # It may have started all the same, at the last moment.
        await processes.stop()
        raise
    _on_signal(stopping.set)
    reloading = asyncio.ensure_future(reloads.run(processes))
    _tell_ready(processes, plan)
    await stopping.wait()

    def force_stop() -> None:
        forced.set()
        processes.force_stop()

    _on_signal(force_stop)
    _logger.info("stopping", extra={"drain_timeout": plan.settings.server.drain_timeout})
    reloading.cancel()
    await asyncio.wait((reloading,))
    await processes.stop()
    leave_all_to_the_end()
    _logger.info("stopped")
    return not forced.is_set()


def _on_signal(act: Callable[[], object]) -> None:
    """Call `act` at SIGTERM and SIGINT, in place of what was called before."""
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, act)


def _tell_ready(processes: Processes, plan: Plan) -> None:
    addresses = [str(address) for address in processes.addresses]
    transport, number = plan.settings.server.transport, plan.number
    workers = f"{number.workers} worker{'s' if number.workers > 1 else ''}"
    unsaid = say(f"listening on {', '.join(addresses)} by {transport}, {workers} ({number.why})")
    if unsaid:
        _logger.warning("standard output can't be written, it serves all the same", extra={"error": unsaid})
    facts: dict[str, object] = {"transport": transport, "services": list(processes.services)}
    if processes.admin is not None:
        facts["admin"] = str(processes.admin)
    _logger.info(
        "ready", extra={"addresses": addresses, **facts, "workers": number.workers, "why": number.why}
    )
