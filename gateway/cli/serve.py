"""`rowgate serve`: run the server until a signal."""

import asyncio
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import click
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.cli.failures import Failed, reported
from gateway.cli.open_files import allow_open_files
from gateway.cli.options import SettingsCommand, with_settings
from gateway.cli.processes import OneProcess, Plan, Processes, WorkerProcesses
from gateway.cli.runtime import loop_factory
from gateway.cli.standard_streams import say
from gateway.cli.unused_settings import unused_settings
from gateway.cli.workers.count import number_of_workers
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.load import Loaded
from gateway.config.settings import SchemaSettings
from gateway.observe.log import configure_logging
from gateway.schema.protos.sources import compile_protos, load_descriptor_set

_logger = logging.getLogger(__name__)
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@click.command(cls=SettingsCommand)
@with_settings()
def serve(load: Callable[[], Loaded]) -> None:
    """Serve a schema until SIGTERM or SIGINT.

    Then the calls under way are finished; a second signal cuts them off. SIGHUP has settings and schema read
    anew, without an error for any client.
    """
    loaded = load()
    _log_as(loaded)
    with reported():
        orderly = _run(_plan(loaded), load)
    if not orderly:
        raise Failed("calls were cut off by a second signal")


def _log_as(loaded: Loaded) -> None:
    configure_logging(loaded.settings.log.level, loaded.settings.log.format)


def _plan(loaded: Loaded) -> Plan:
    """Return what the settings ask for; raises ConfigError and SchemaError."""
    settings = loaded.settings
    for key in unused_settings(loaded):
        _logger.warning("a setting has no effect on this transport", extra={"setting": key})
    number = number_of_workers(loaded)
    # A supervisor has no use for what a gateway imports.
    read = _read_aside if number.workers == 1 else read_descriptors
    return Plan(read(settings.schema), settings, number)


def _read_aside(schema: SchemaSettings) -> FileDescriptorSet:
    """Return the schema's descriptors. While protoc runs, what comes next is imported."""
    with ThreadPoolExecutor(1) as aside:
        reading = aside.submit(read_descriptors, schema)
        import_module("gateway.schema.read")
        return reading.result()


def read_descriptors(schema: SchemaSettings) -> FileDescriptorSet:
    """Return the schema's descriptors. Raises ConfigError where no source is set, and SchemaError."""
    if schema.descriptor_set is not None:
        return load_descriptor_set(schema.descriptor_set)
    if schema.protos is not None:
        return compile_protos(schema.protos)
    wrong = "no schema is named"
    raise ConfigError(
        [ConfigDiagnostic("schema.protos", "default", wrong, "give --protos DIR or --descriptor-set FILE")]
    )


def _run(plan: Plan, load: Callable[[], Loaded]) -> bool:
    allow_open_files(plan.settings, plan.number.workers)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_serve(plan, load))
    except asyncio.CancelledError as error:
        raise Failed("stopped by a signal before it was ready") from error


async def _serve(plan: Plan, load: Callable[[], Loaded]) -> bool:
    """Serve until a signal; return False where a second one cut the calls off."""
    processes: Processes = OneProcess() if plan.is_for_one_process else WorkerProcesses(Path.cwd())
    reload_told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload_told.set)
    starting = asyncio.ensure_future(processes.start(plan))
    _on_signal(starting.cancel)
    _logger.debug("starting")
    try:
        await starting
    except asyncio.CancelledError:
        # It may have started all the same, at the last moment.
        await processes.stop()
        raise
    stopping, forced = asyncio.Event(), asyncio.Event()
    _on_signal(stopping.set)
    reloading = asyncio.ensure_future(_reload_when_told(processes, load, reload_told))
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
    _logger.info("stopped")
    return not forced.is_set()


async def _reload_when_told(processes: Processes, load: Callable[[], Loaded], told: asyncio.Event) -> None:
    """Serve by what the settings and the schema say then, at each SIGHUP."""
    while True:
        await told.wait()
        told.clear()
        try:
            loaded = await asyncio.to_thread(load)
            with reported():
                await processes.reload(await asyncio.to_thread(_plan, loaded))
        except click.ClickException as error:
            _logger.error("not reloaded: it serves as before", extra={"error": error.message})  # noqa: TRY400 - it says why
        except Exception:
            _logger.exception("not reloaded: it serves as before")
        else:
            _logger.info("reloaded", extra={"services": list(processes.services)})
            _log_as(loaded)


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
    facts = {"transport": transport, "services": list(processes.services)}
    _logger.info(
        "ready", extra={"addresses": addresses, **facts, "workers": number.workers, "why": number.why}
    )
