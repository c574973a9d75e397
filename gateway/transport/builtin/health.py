"""Health of the server and of each service (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).

grpcio's own servicer holds a lock while it writes to a watcher, so that one who doesn't read would keep the
server from ever becoming NOT_SERVING. This one doesn't wait for watchers.
"""

import asyncio
from collections.abc import Iterable

from grpc_health.v1 import health_pb2 as pb

from gateway.errors import NotFound
from gateway.transport.builtin.builtin_method import BuiltinMethod, BuiltinMethods
from gateway.transport.exchange import Exchange
from gateway.transport.limits.admission import Admission
from gateway.transport.parsing.parser import small_reader

SERVICE_NAME = "grpc.health.v1.Health"
_WHOLE_SERVER = ""
_Status = pb.HealthCheckResponse
_read_check = small_reader(pb.HealthCheckRequest)
_read_list = small_reader(pb.HealthListRequest)


class Health:
    """Whether the server and its services serve. They share the database; the tables of one may not fit.

    Args:
        services: full names of the services that may be asked for, beside the server as a whole.
        streams: counts the watches.

    """

    def __init__(self, services: Iterable[str], streams: Admission) -> None:
        self._streams = streams
        self._known = {_WHOLE_SERVER, SERVICE_NAME, *services}
        self._serving = False
        self._failing: frozenset[str] = frozenset()
        self._draining = False
        self._ended = False
        self._changed = asyncio.Event()

    @property
    def serving(self) -> bool:
        """Whether the answer is SERVING."""
        return self._serving and not self._draining

    def set_serving(self, serving: bool) -> None:  # noqa: FBT001 - the state itself
        """Say whether calls can be answered, as far as the database goes."""
        if serving != self._serving:
            self._serving = serving
            self._wake()

    def set_failing(self, services: frozenset[str]) -> None:
        """Say which services' statements fail, though the database answers."""
        if services != self._failing:
            self._failing = services
            self._wake()

    def drain(self) -> None:
        """Answer NOT_SERVING from now on, whatever the database does."""
        self._draining = True
        self._wake()

    def end(self) -> None:
        """End the watchers' streams."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def methods(self) -> BuiltinMethods:
        """Return Check, List and Watch."""
        declared = pb.DESCRIPTOR.services_by_name["Health"].methods_by_name
        answers = {"Check": self.check, "List": self.list, "Watch": self.watch}
        return {
            f"/{SERVICE_NAME}/{name}": BuiltinMethod(declared[name], answer, is_open=True)
            for name, answer in answers.items()
        }

    async def check(self, exchange: Exchange) -> bytes:
        """Answer once; raises NotFound for a service that isn't known."""
        service = _read_check(exchange.request).service
        if service not in self._known:
            raise NotFound("unknown service", reason="UNKNOWN_SERVICE")
        return bytes(self._status(service).SerializeToString())

    async def list(self, exchange: Exchange) -> bytes:
        """Answer for every known service."""
        _read_list(exchange.request)
        statuses = {name: self._status(name) for name in sorted(self._known)}
        return bytes(pb.HealthListResponse(statuses=statuses).SerializeToString())

    async def watch(self, exchange: Exchange) -> bytes:
        """Answer now and at every change, until the server ends; raises ResourceExhausted for too many."""
        service, channel = _read_check(exchange.request).service, exchange.messages()
        with self._streams.admitted(exchange):
            told = None
            while not self._ended:
                changed, status = self._changed, self._status(service)
                if status != told:
                    told = status
                    await channel.send(status.SerializeToString())
                await changed.wait()
        return b""

    def _status(self, service: str) -> pb.HealthCheckResponse:
        if service not in self._known:
            return _Status(status=_Status.SERVICE_UNKNOWN)
        serves = self.serving and service not in self._failing
        return _Status(status=_Status.SERVING if serves else _Status.NOT_SERVING)
