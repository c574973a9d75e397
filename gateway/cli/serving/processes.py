"""The processes of `rowgate serve`: this one, or a supervisor and workers that have a gateway each."""

import asyncio
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import SecretStr

from gateway.cli.runtime import spare_what_stays
from gateway.cli.serving.plan import Plan
from gateway.cli.workers.acceptor import Acceptor, listen_at
from gateway.cli.workers.control_messages import Assignment
from gateway.cli.workers.supervisor import Supervisor
from gateway.cli.workers.worker_process import WorkerProcess
from gateway.config.address import Address
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.per_worker import divided
from gateway.config.settings import ServerSettings, Settings, TokenSettings
from gateway.config.token_secret import token_secret
from gateway.db.connections.database_location import embedded_folder
from gateway.observe.call_record import CallsUnderWay
from gateway.observe.metrics.catalogue import together
from gateway.observe.metrics.figures import Figures
from gateway.transport.listen_address import warn_if_open

if TYPE_CHECKING:
    from gateway.admin.server import AdminServer
    from gateway.admin.source import Source
    from gateway.app import Gateway


# A gateway takes these up as it runs; TLS files too, which it looks at by itself.
_TAKEN_UP = frozenset({"log.level"})
_OF_A_START = frozenset({"server.listen", "server.transport", "admin.listen"})


class Processes(Protocol):
    """A schema being served."""

    addresses: Sequence[Address]
    services: Sequence[str]

    @property
    def admin(self) -> Address | None:
        """The admin address; None without one."""

    async def start(self, plan: Plan) -> None:
        """Return when calls are taken; raises as gateway.app.Gateway.start does, or click.ClickException."""

    async def reload(self, plan: Plan) -> None:
        """Serve by another plan, without an error for any client; raises as `start` does, and serves on."""

    async def stop(self) -> None:
        """Drain, then close."""

    def force_stop(self) -> None:
        """Let `stop` wait for no call any more."""


class OneProcess:
    """One gateway, in this process."""

    def __init__(self) -> None:
        self.addresses: Sequence[Address] = ()
        self.services: Sequence[str] = ()
        self._plan: Plan | None = None
        self._gateway: Gateway | None = None
        self._admin: AdminServer | None = None

    @property
    def admin(self) -> Address | None:
        """The admin address."""
        return None if self._admin is None else self._admin.address

    async def start(self, plan: Plan) -> None:
        """Return when calls are taken; raises as gateway.app.Gateway.start does."""
        from gateway.app import Gateway  # noqa: PLC0415 - it is all of a gateway; workers have theirs
        from gateway.cli.servers import SERVERS  # noqa: PLC0415 - as above

        self._plan = plan
        make_server = SERVERS[plan.settings.server.transport]
        self._gateway = await Gateway.start(plan.descriptors, plan.settings, make_server)
        spare_what_stays(plan.settings.server.transport)
        self.addresses = self._gateway.addresses
        self.services = sorted(self._gateway.schema.services)
        if self._gateway.source is not None:
            try:
                self._admin = await _open_admin(self._gateway.source, plan.settings)
            except BaseException:
                await self._gateway.stop(0)
                raise

    async def reload(self, plan: Plan) -> None:
        """Raise ConfigError with each change that takes a new start: nobody would serve meanwhile."""
        if self._plan is None or self._gateway is None:
            raise RuntimeError("not started")
        self._gateway.look_for_drift()
        grave = [key for key in self._plan.changes(plan) if key not in _TAKEN_UP]
        if grave:
            raise _not_reloadable(grave, "stop and start the server, or serve by two workers or more")

    async def stop(self) -> None:
        """Drain, then close."""
        if self._gateway is not None:
            await self._gateway.stop()
        if self._admin is not None:
            await self._admin.stop()

    def force_stop(self) -> None:
        """Let `stop` wait for no call any more."""
        if self._gateway is not None:
            self._gateway.force_stop()


class WorkerProcesses:
    """Workers that share the addresses, and are started again when they end.

    Args:
        folder: where relative paths start.

    """

    def __init__(self, folder: Path) -> None:
        self.addresses: Sequence[Address] = ()
        self.services: Sequence[str] = ()
        self._folder = folder
        self._plan: Plan | None = None
        self._own_tokens: TokenSettings | None = None
        self._acceptor: Acceptor | None = None
        self._supervisor: Supervisor | None = None
        self._is_stopping = False
        self._retiring: dict[asyncio.Task[None], Supervisor] = {}
        self._retired: Figures = {}
        """What workers have counted that served by earlier plans."""
        self._admin: AdminServer | None = None

    @property
    def admin(self) -> Address | None:
        """The admin address."""
        return None if self._admin is None else self._admin.address

    async def start(self, plan: Plan) -> None:
        """Return when all workers take calls.

        Raises click.ClickException with what a worker said, and OSError for addresses.
        """
        self._plan = plan
        self._acceptor = self._listen(plan.settings.server)
        try:
            self._supervisor = await self._begin(plan, self._acceptor)
            if plan.settings.admin.listen is not None:
                self._admin = await _open_admin(self, plan.settings)
        except BaseException:
            if self._supervisor is not None:
                await self._supervisor.stop()
            self._close()
            raise

    async def reload(self, plan: Plan) -> None:
        """Have new workers serve, and the old ones stop when their clients have left them.

        Raises click.ClickException with what a worker said, and ConfigError for what takes a new start; then
        the old workers go on.
        """
        if self._plan is None or self._supervisor is None or self._acceptor is None:
            raise RuntimeError("not started")
        grave = [key for key in self._plan.changes(plan) if key in _OF_A_START]
        if grave:
            raise _not_reloadable(grave, "stop and start the server")
        old, self._supervisor = self._supervisor, await self._begin(plan, self._acceptor)
        retiring = asyncio.create_task(old.retire())
        self._retiring[retiring] = old
        retiring.add_done_callback(self._forget)

    def _forget(self, retired: "asyncio.Task[None]") -> None:
        self._retired = together([self._retired, self._retiring.pop(retired).counted])

    async def figures(self) -> Figures:
        """Return the figures of all workers as one's."""
        # Noted together: who retires meanwhile isn't counted twice.
        retired, serving = self._retired, [self._supervisor, *self._retiring.values()]
        told = await asyncio.gather(*(one.figures() for one in serving if one is not None))
        added = dict(together([retired, *told]))
        if told and "rowgate_ready" in told[0]:
            added["rowgate_ready"] = told[0]["rowgate_ready"]  # those that retire have others in their place
        return added

    async def calls(self) -> CallsUnderWay:
        """Return the calls under way of all workers."""
        serving = [one for one in (self._supervisor, *self._retiring.values()) if one is not None]
        told = await asyncio.gather(*(one.calls() for one in serving))
        calls = sorted((call for one in told for call in one.calls), key=lambda call: -call.age_seconds)
        return CallsUnderWay(calls, sum(one.silent_workers for one in told))

    async def plan(self, statement: str) -> str | None:
        """Return PostgreSQL's plan of a statement that a worker has seen."""
        return None if self._supervisor is None else await self._supervisor.plan(statement)

    async def is_ready(self) -> bool:
        """Whether each worker takes calls, and its database answers."""
        supervisor = self._supervisor
        if supervisor is None or self._is_stopping:
            return False
        return (await supervisor.figures()).get("rowgate_ready") == {(): 1.0}

    async def stop(self) -> None:
        """Drain, then close."""
        self._is_stopping = True
        if self._supervisor is not None:
            await asyncio.gather(self._supervisor.stop(), *self._retiring)
        if self._admin is not None:
            await self._admin.stop()
        self._close()

    def force_stop(self) -> None:
        """Let `stop` wait for no call any more."""
        for supervisor in (self._supervisor, *self._retiring.values()):
            if supervisor is not None:
                supervisor.force_stop()

    def _listen(self, server: ServerSettings) -> Acceptor:
        self.addresses, listening = listen_at(server.listen)
        if server.tls_cert is None:
            for address in self.addresses:
                warn_if_open(address)
        return Acceptor(listening)

    async def _begin(self, plan: Plan, acceptor: Acceptor) -> Supervisor:
        """Return workers that serve by a plan; raises as `start` does."""
        server = plan.settings.server.model_copy(update={"listen": tuple(self.addresses)})
        settings = dataclasses.replace(plan.settings, server=server, tokens=self._tokens(plan.settings))
        descriptors, workers = plan.descriptors.SerializeToString(), plan.number.workers

        def make(place: int) -> WorkerProcess:
            assignment = Assignment(divided(settings, workers, place), descriptors, str(self._folder))
            return WorkerProcess(assignment, acceptor)

        supervisor = Supervisor(make, workers, server.rebalance_interval)
        await supervisor.start()
        supervisor.open()
        self.services = supervisor.services
        return supervisor

    def _tokens(self, settings: Settings) -> TokenSettings:
        """Return the page tokens' settings with a secret: each worker has to read the others' tokens.

        The embedded database keeps one where every worker finds it.
        """
        tokens = settings.tokens
        if tokens.secret or tokens.secret_file or embedded_folder(settings.database):
            return tokens
        if self._own_tokens is None:
            secret = SecretStr(token_secret(tokens, None).hex())
            self._own_tokens = tokens.model_copy(update={"secret": secret})
        return self._own_tokens

    def _close(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()


async def _open_admin(source: "Source", settings: Settings) -> "AdminServer":
    """Listen on the admin address; raises OSError."""
    from gateway.admin.server import AdminServer  # noqa: PLC0415 - a supervisor without one has no use for it

    server = AdminServer(source, settings)
    await server.start()
    return server


def _not_reloadable(keys: Sequence[str], allowed: str) -> ConfigError:
    return ConfigError([ConfigDiagnostic(key, "reload", "has changed", allowed) for key in keys])
