"""What `rowgate serve` starts and stops: a gateway in this process, or workers that have one each."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from pydantic import SecretStr

from gateway.cli.runtime import spare_what_stays
from gateway.cli.workers.messages import Assignment
from gateway.cli.workers.process import WorkerProcess
from gateway.cli.workers.supervisor import Supervisor
from gateway.cli.workers.transports import Transport
from gateway.config.address import Address
from gateway.config.secret import token_secret
from gateway.config.settings import Settings, TokenSettings
from gateway.db.where import embedded_folder
from gateway.transport.envoy.sockets import HeldAddresses
from gateway.transport.listening import warn_if_open
from gateway.transport.wire.certificates import tls_context

if TYPE_CHECKING:
    from gateway.app import Gateway


def shared_tokens(settings: Settings) -> TokenSettings:
    """Return the page tokens' settings with a secret: each worker has to read the others' tokens.

    The embedded database keeps one where every worker finds it.
    """
    tokens = settings.tokens
    if tokens.secret or tokens.secret_file or embedded_folder(settings.database):
        return tokens
    return tokens.model_copy(update={"secret": SecretStr(token_secret(tokens, None).hex())})


class Served(Protocol):
    """A schema being served."""

    addresses: Sequence[Address]
    services: Sequence[str]

    async def start(self, descriptors: FileDescriptorSet, settings: Settings) -> None:
        """Return when calls are taken; raises as gateway.app.Gateway.start does, or click.ClickException."""

    async def stop(self) -> None:
        """Drain, then close."""

    def hurry(self) -> None:
        """Let `stop` wait for no call any more."""


class InProcess:
    """One gateway, in this process: one worker of a transport that isn't Envoy's.

    Args:
        transport: what it serves with.

    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self.addresses: Sequence[Address] = ()
        self.services: Sequence[str] = ()
        self._gateway: Gateway | None = None

    async def start(self, descriptors: FileDescriptorSet, settings: Settings) -> None:
        """Return when calls are taken; raises as gateway.app.Gateway.start does."""
        from gateway.app import Gateway  # noqa: PLC0415 - it is all of a gateway; workers have theirs
        from gateway.cli.workers.hostings import HOSTINGS  # noqa: PLC0415 - as above

        self._gateway = await Gateway.start(descriptors, settings, HOSTINGS[self._transport.name])
        spare_what_stays()
        self.addresses = self._gateway.addresses
        self.services = sorted(self._gateway.schema.services)

    async def stop(self) -> None:
        """Drain, then close."""
        if self._gateway is not None:
            await self._gateway.stop()

    def hurry(self) -> None:
        """Let `stop` wait for no call any more."""
        if self._gateway is not None:
            self._gateway.force_stop()


class InWorkers:
    """Workers that share the addresses, and are started again when they end.

    Args:
        transport: what they serve with.
        folder: where relative paths start.

    """

    def __init__(self, transport: Transport, folder: Path) -> None:
        self.addresses: Sequence[Address] = ()
        self.services: Sequence[str] = ()
        self._transport = transport
        self._folder = folder
        self._held: HeldAddresses | None = None
        self._supervisor: Supervisor | None = None

    async def start(self, descriptors: FileDescriptorSet, settings: Settings) -> None:
        """Return when all workers take calls.

        Raises click.ClickException with what a worker said, and what this process finds before:
        gateway.schema.faults.SchemaError, gateway.config.faults.ConfigError for TLS files, and OSError for
        addresses.
        """
        from gateway.schema.read import read_schema  # noqa: PLC0415 - with all of SQLAlchemy

        read_schema(descriptors)
        tls_context(settings.server)
        self._held = HeldAddresses(settings.server.listen)
        try:
            await self._start(descriptors, settings, self._held)
        except BaseException:
            self._held.close()
            raise

    async def _start(self, descriptors: FileDescriptorSet, settings: Settings, held: HeldAddresses) -> None:
        self.addresses = held.told
        if settings.server.tls_cert is None:
            for address in held.told:
                warn_if_open(address)
        server = settings.server.model_copy(update={"listen": tuple(held.told)})
        assigned = dataclasses.replace(settings, server=server, tokens=shared_tokens(settings))
        assignment = Assignment(assigned, descriptors.SerializeToString(), str(self._folder))
        command = self._transport.command(descriptors, settings, tuple(held.numeric))
        self._supervisor = Supervisor(lambda: WorkerProcess(command, assignment), settings.server.workers)
        await self._supervisor.start()
        self.services = self._supervisor.services

    async def stop(self) -> None:
        """Drain, then close."""
        if self._supervisor is not None:
            await self._supervisor.stop()
        if self._held is not None:
            self._held.close()

    def hurry(self) -> None:
        """Let `stop` wait for no call any more."""
        if self._supervisor is not None:
            self._supervisor.hurry()
