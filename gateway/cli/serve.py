"""`rowgate serve`: run the server until a signal."""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable

import click
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.app import Gateway
from gateway.cli.failures import Failed, reported
from gateway.cli.options import with_settings
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
    """Serve a schema until SIGTERM or SIGINT; then finish the calls under way.

    A second signal cuts them off.
    """
    settings = loaded.settings
    configure_logging(settings.log.level, settings.log.format)
    with reported():
        descriptors = read_descriptors(settings.schema)
        orderly = _run(descriptors, settings)
    if not orderly:
        raise Failed("calls were cut off by a second signal")


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


def _run(descriptors: FileDescriptorSet, settings: Settings) -> bool:
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(descriptors, settings))
    except asyncio.CancelledError as error:
        raise Failed("stopped by a signal before it was ready") from error


def _spare_what_stays() -> None:
    """Keep the garbage collector off what lives as long as the server, and let it look less often.

    A bulk call makes some hundred thousand objects, and none of them is garbage before its end.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


async def _serve(descriptors: FileDescriptorSet, settings: Settings) -> bool:
    """Serve until a signal; return False where a second one cut the calls off."""
    starting = asyncio.ensure_future(Gateway.start(descriptors, settings))
    _on_signal(starting.cancel)
    _logger.debug("starting")
    gateway = await starting
    _spare_what_stays()
    stopping, hurried = asyncio.Event(), asyncio.Event()
    _on_signal(stopping.set)
    _tell_ready(gateway)
    await stopping.wait()

    def hurry() -> None:
        hurried.set()
        gateway.hurry()

    _on_signal(hurry)
    _logger.info("stopping", extra={"drain_seconds": settings.server.drain})
    await gateway.stop()
    _logger.info("stopped")
    return not hurried.is_set()


def _on_signal(act: Callable[[], object]) -> None:
    """Call `act` at SIGTERM and SIGINT, in place of what was called before."""
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, act)


def _tell_ready(gateway: Gateway) -> None:
    addresses = [str(address) for address in gateway.addresses]
    click.echo(f"listening on {', '.join(addresses)}")
    _logger.info("ready", extra={"addresses": addresses, "services": sorted(gateway.schema.services)})


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return uvloop's, where it is installed: it is measurably faster."""
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 - it is not there on every platform
    except ImportError:
        return asyncio.new_event_loop
    return new_event_loop
