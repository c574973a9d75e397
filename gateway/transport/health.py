"""Health of the server and of each service (https://github.com/grpc/grpc/blob/master/doc/health-checking.md).

grpcio's own servicer holds a lock while it writes to a watcher, so that one who doesn't read would keep the
server from ever becoming NOT_SERVING. This one doesn't wait for watchers.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
from grpc_health.v1 import health_pb2 as pb

from gateway.errors import NotFound
from gateway.transport.calls import abort_with
from gateway.transport.open_streams import OpenStreams
from gateway.transport.parsing import small_reader

SERVICE_NAME = "grpc.health.v1.Health"
_WATCH = f"/{SERVICE_NAME}/Watch"
_WHOLE_SERVER = ""
_Status = pb.HealthCheckResponse


class Health:
    """Whether the server and its services serve. All share one state: they share the database.

    Args:
        services: full names of the services that may be asked for, beside the server as a whole.
        streams: counts the watches.

    """

    def __init__(self, services: Iterable[str], streams: OpenStreams) -> None:
        self._streams = streams
        self._known = {_WHOLE_SERVER, SERVICE_NAME, *services}
        self._serving = False
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

    def handlers(self) -> grpc.GenericRpcHandler:
        """Return what a grpc server mounts."""
        check = small_reader(pb.HealthCheckRequest)
        answer = pb.HealthCheckResponse.SerializeToString
        return grpc.method_handlers_generic_handler(
            SERVICE_NAME,
            {
                "Check": grpc.unary_unary_rpc_method_handler(self.check, check, answer),
                "Watch": grpc.unary_stream_rpc_method_handler(self.watch, check, answer),
                "List": grpc.unary_unary_rpc_method_handler(
                    self.list, small_reader(pb.HealthListRequest), pb.HealthListResponse.SerializeToString
                ),
            },
        )

    async def check(self, request: pb.HealthCheckRequest, context: Any) -> pb.HealthCheckResponse:
        """Answer once; NOT_FOUND for a service that isn't known."""
        if request.service not in self._known:
            await abort_with(context, NotFound("unknown service", reason="UNKNOWN_SERVICE"))
        return _Status(status=self._status(request.service))

    async def list(self, _request: pb.HealthListRequest, _context: Any) -> pb.HealthListResponse:
        """Answer for every known service."""
        statuses = {name: _Status(status=self._status(name)) for name in sorted(self._known)}
        return pb.HealthListResponse(statuses=statuses)

    async def watch(
        self, request: pb.HealthCheckRequest, context: Any
    ) -> AsyncIterator[pb.HealthCheckResponse]:
        """Answer now and at every change, until the server ends."""
        await self._streams.enter(_WATCH, context)
        told = None
        while not self._ended:
            changed, status = self._changed, self._status(request.service)
            if status != told:
                told = status
                yield _Status(status=status)
            await changed.wait()

    def _status(self, service: str) -> "pb.HealthCheckResponse.ServingStatus":
        if service not in self._known:
            return _Status.SERVICE_UNKNOWN
        return _Status.SERVING if self.serving else _Status.NOT_SERVING
