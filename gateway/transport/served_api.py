"""The API that a gateway serves on any transport: its methods, health and reflection, and how they end."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_health.v1 import health_pb2
from rowgate.v1 import limits_pb2

from gateway.config.settings import LimitSettings, ServerSettings
from gateway.db.replicas.consistency import ReadConsistency
from gateway.observe.call_record import Observer
from gateway.request.calls.bulkheads import Operation
from gateway.transport.authorization import Authorization
from gateway.transport.builtin.builtin_method import places_of_streams
from gateway.transport.builtin.health import SERVICE_NAME as HEALTH
from gateway.transport.builtin.health import Health
from gateway.transport.builtin.limits import SERVICE_NAME as LIMITS
from gateway.transport.builtin.limits import Limits
from gateway.transport.builtin.probe import DatabaseWatch, Probe
from gateway.transport.builtin.reflection import Reflection
from gateway.transport.dispatch import Dispatcher, Services
from gateway.transport.limits.admission import Admission, Arrival
from gateway.transport.limits.caller_limits import CallerLimits
from gateway.transport.limits.deadlines import Deadlines
from gateway.transport.limits.grpcio_limits import bounded
from gateway.transport.limits.processor import Processor
from gateway.transport.served_method import ServedMethod

if TYPE_CHECKING:
    from gateway.observe.traces import Traces

_logger = logging.getLogger(__name__)


Leaving = Callable[[], Coroutine[Any, Any, None]]
"""Has the clients leave; returns when they know."""
_LEAVING_SECONDS = 1.0
"""For clients to answer that they know: a ping there and back."""


async def _always() -> None:
    """Stand for a database that is never away."""


async def _nobody_leaves() -> None:
    """Stand for a transport that can't tell its clients, or does so by itself."""


class ServedApi:
    """What a transport mounts, and its life.

    Args:
        services: the bound methods by service.
        descriptors: the files that declare them, for reflection.
        server: deadlines, shutdown.
        limits: what is taken at once.
        observers: told of each call when it has ended.
        probe: asks the database whether it answers, for health.
        authorization: says who calls, and whether they may; None where everybody may.
        traces: begins and ends the spans of calls; None where they aren't traced.
        consistency: understands how fresh reads are to be; None where there are no replicas.

    """

    def __init__(
        self,
        services: Services,
        descriptors: FileDescriptorSet,
        server: ServerSettings,
        limits: LimitSettings,
        *,
        observers: Sequence[Observer] = (),
        probe: Probe = _always,
        authorization: Authorization | None,
        traces: "Traces | None" = None,
        consistency: ReadConsistency | None = None,
    ) -> None:
        self._settings = server
        self.methods = tuple(method for methods in services.values() for method, _ in methods)
        """Those of the schema."""
        self.descriptors = descriptors
        operations = {method.path: Operation.of(method) for method in self.methods}
        self.authorization = authorization
        """What lets callers in; None where everybody may call."""
        self._admission = Admission(limits.max_in_flight, operations)
        self._processor = Processor()
        self._dispatcher = Dispatcher(
            services,
            limits,
            server.stream_send_timeout,
            authorization=authorization,
            callers=CallerLimits.of(limits, operations),
            admission=self._admission,
            deadlines=Deadlines.of(server),
            processor=self._processor,
            observers=observers,
            traces=traces,
            consistency=consistency,
        )
        streams = places_of_streams(limits)
        self._health = Health(services, streams)
        self._dispatcher.add(self._health.methods())
        held = bounded(limits) if server.transport == "grpcio" else limits
        self._dispatcher.add(Limits(server, held).methods())
        if server.reflection:
            files = [*descriptors.file, *map(_file, (health_pb2, limits_pb2))]
            self._dispatcher.add(Reflection([*services, HEALTH, LIMITS], files, streams).methods())
        self._watch = DatabaseWatch(probe, self._health.set_serving, server.probe_interval)
        self._forced = asyncio.Event()

    def served_methods(self) -> Mapping[str, ServedMethod]:
        """Return the methods, by path."""
        answer = self._dispatcher
        return {
            path: ServedMethod(
                path,
                descriptor,
                partial(answer, path),
                reads=path in answer.reads,
                converses=path in answer.converse,
            )
            for path, descriptor in answer.methods.items()
        }

    @property
    def dispatcher(self) -> Dispatcher:
        """What answers the methods."""
        return self._dispatcher

    @property
    def processor(self) -> Processor:
        """What the calls share the event loop by."""
        return self._processor

    @property
    def in_flight(self) -> int:
        """How many calls are under way."""
        return self._admission.in_flight

    @property
    def under_way(self) -> Sequence[Arrival]:
        """The calls under way."""
        return self._admission.under_way

    @property
    def is_serving(self) -> bool:
        """Whether calls are taken, and the database answers."""
        return self._health.serving

    def set_failing(self, services: frozenset[str]) -> None:
        """Have health say NOT_SERVING of some services alone."""
        self._health.set_failing(services)

    def open(self) -> None:
        """Become SERVING, as long as the database answers."""
        self._watch.start()

    async def drain(self, grace: float | None = None, leaving: Leaving = _nobody_leaves) -> None:
        """Become NOT_SERVING, and wait for the calls under way.

        Args:
            grace: seconds to wait for them; the `drain_timeout` setting by default.
            leaving: has the clients leave, and returns when they know: only then further calls are refused.

        """
        self._health.drain()
        await self._wait(asyncio.Event().wait(), self._settings.lame_duck)
        await self._wait(leaving(), _LEAVING_SECONDS)
        self._admission.close()
        await self._wait(self._admission.idle(), self._settings.drain_timeout if grace is None else grace)
        if self._admission.in_flight:
            _logger.warning("calls are cut off", extra={"calls": self._admission.in_flight})
        await self._watch.stop()
        self._health.end()
        await asyncio.sleep(0)  # watches return before their transport breaks off what is left

    def force_stop(self) -> None:
        """Let `drain`, under way or to come, wait for nothing."""
        self._forced.set()

    async def _wait(self, wanted: Coroutine[Any, Any, object], seconds: float) -> None:
        """Wait for `wanted`, for at most so long, unless forced."""
        tasks = [asyncio.ensure_future(wanted), asyncio.ensure_future(self._forced.wait())]
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _file(module: Any) -> FileDescriptorProto:
    """Return the file of a generated module."""
    file = FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    return file
