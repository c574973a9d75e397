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
from gateway.cli.options import with_settings
from gateway.cli.runtime import loop_factory
from gateway.cli.served import InProcess, InWorkers, Served
from gateway.cli.workers.transports import Transport, choose_transport
from gateway.config.faults import ConfigError, ConfigFault
from gateway.config.load import Loaded
from gateway.config.settings import SchemaSettings, Settings
from gateway.observe.log import configure_logging
from gateway.schema.sources import compile_protos, load_descriptor_set

_logger = logging.getLogger(__name__)
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@click.command()
@with_settings()
def serve(loaded: Loaded) -> None:
    """Serve a schema until SIGTERM or SIGINT.

    Then the calls under way are finished; a second signal cuts them off.
    """
    settings = loaded.settings
    configure_logging(settings.log.level, settings.log.format)
    with reported():
        transport = choose_transport(loaded)
        for key in transport.unheeded(loaded):
            _logger.warning("this transport has no use for a setting", extra={"setting": key})
        descriptors = _read_aside(settings.schema)
        orderly = _run(descriptors, settings, transport)
    if not orderly:
        raise Failed("calls were cut off by a second signal")


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
        [ConfigFault("schema.protos", "default", wrong, "give --protos DIR or --descriptor-set FILE")]
    )


def _run(descriptors: FileDescriptorSet, settings: Settings, transport: Transport) -> bool:
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            return runner.run(_serve(descriptors, settings, transport))
    except asyncio.CancelledError as error:
        raise Failed("stopped by a signal before it was ready") from error


async def _serve(descriptors: FileDescriptorSet, settings: Settings, transport: Transport) -> bool:
    """Serve until a signal; return False where a second one cut the calls off."""
    alone = transport.installed is None and settings.server.workers == 1
    served: Served = InProcess(transport) if alone else InWorkers(transport, Path.cwd())
    starting = asyncio.ensure_future(served.start(descriptors, settings))
    _on_signal(starting.cancel)
    _logger.debug("starting")
    try:
        await starting
    except asyncio.CancelledError:
        # It may have started all the same, at the last moment.
        await served.stop()
        raise
    stopping, hurried = asyncio.Event(), asyncio.Event()
    _on_signal(stopping.set)
    _tell_ready(served, transport)
    await stopping.wait()

    def hurry() -> None:
        hurried.set()
        served.hurry()

    _on_signal(hurry)
    _logger.info("stopping", extra={"drain_seconds": settings.server.drain})
    await served.stop()
    _logger.info("stopped")
    return not hurried.is_set()


def _on_signal(act: Callable[[], object]) -> None:
    """Call `act` at SIGTERM and SIGINT, in place of what was called before."""
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, act)


def _tell_ready(served: Served, transport: Transport) -> None:
    addresses = [str(address) for address in served.addresses]
    click.echo(f"listening on {', '.join(addresses)} by {transport.name} ({transport.why})")
    facts = {"transport": transport.name, "why": transport.why, "services": list(served.services)}
    _logger.info("ready", extra={"addresses": addresses, **facts})
