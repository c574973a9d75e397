"""From a method's bytes to its handler and back, whatever carries the bytes."""

import asyncio
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING, cast

from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from gateway.auth.authenticator import credential_expired
from gateway.auth.principal import ANONYMOUS, Principal
from gateway.config.settings import LimitSettings
from gateway.db.driver_errors import cause_of
from gateway.db.replicas.consistency import ReadConsistency
from gateway.errors import DeadlineExceeded, Internal, RowgateError
from gateway.errors.status import to_status
from gateway.handlers.authored import AuthoredHandler
from gateway.methods import (
    AnyHandler,
    BidiHandler,
    Handler,
    RequestsHandler,
    Response,
    StreamHandler,
    TransactionHandler,
    WrittenResponse,
)
from gateway.observe.call_record import Observer
from gateway.request.calls.bulkheads import Operation
from gateway.request.calls.call import Call
from gateway.request.calls.deadline_timer import Deadline
from gateway.request.calls.memory import SMALL, ResponseMemory
from gateway.response.serialized import serialized
from gateway.schema.model import Method
from gateway.schema.services.standard_methods import Streams
from gateway.transport.authorization import Authorization
from gateway.transport.builtin.builtin_method import BuiltinMethod, BuiltinMethods
from gateway.transport.call_metadata import with_metadata
from gateway.transport.consistent import consistent
from gateway.transport.exchange import TRACEPARENT, Answer, Exchange, Reply
from gateway.transport.explaining import explaining
from gateway.transport.limits.admission import Admission
from gateway.transport.limits.caller_limits import CallerLimits
from gateway.transport.limits.deadlines import Deadlines
from gateway.transport.limits.processor import Processor
from gateway.transport.limits.refusals import (
    WriteCancelled,
    response_too_large,
    unknown_method,
    write_out_of_time,
)
from gateway.transport.parsing.parser import RequestParser
from gateway.transport.parsing.scan import SLICE
from gateway.transport.steps import Steps
from gateway.transport.streaming import bidi_answer, requests_answer, stream_answer
from gateway.transport.wire.headers import only

if TYPE_CHECKING:
    from gateway.observe.traces import Traces

_logger = logging.getLogger(__name__)
_UNEXPECTED = "unexpected error in %s"

Services = Mapping[str, Sequence[tuple[Method, AnyHandler | TransactionHandler]]]
"""Each service's methods with their handlers, by the service's full name."""


class Endpoint:
    """One method: the innermost Answer. Parses the request, calls the handler, serialises the response.

    Raises InvalidArgument for bytes that are no message, OutOfRange for a message past a limit, and
    ResourceExhausted for a response that there is no memory for, unless it tells of a write.

    Args:
        method: the method.
        handler: answers it.
        limits: sizes of messages.
        memory: what all responses may hold. That of this call is the transport's to release.

    """

    def __init__(
        self, method: Method, handler: Handler, limits: LimitSettings, memory: ResponseMemory
    ) -> None:
        self.full_name = method.full_name
        self._handler = handler
        self._max_bytes = limits.max_response_bytes
        self._memory = memory
        self._writes = not method.reads
        self._parse = RequestParser(method, limits)
        self._request_rows = _rows_field(method.request)
        self._response_rows = _rows_field(method.response)
        self._has_rows = bool(self._request_rows or self._response_rows)
        self._operation = Operation.of(method)

    async def __call__(self, exchange: Exchange) -> bytes:
        """Return the response's bytes."""
        body = exchange.request
        size = len(body)
        if size <= SLICE:
            request = self._parse(body)
        else:
            exchange.request = b""  # what is parsed need not be held twice
            request = await self._parse.in_slices(body)
        exchange.call = call = Call(
            self.full_name,
            exchange.identified(),
            exchange.deadline,
            self._operation,
            exchange.caller,
            size,
            memory=self._memory,
            json=exchange.json,
            spans=exchange.spans,
            record=exchange.record,
            explanation=exchange.explanation,
            reads_at=exchange.reads_at,
            must_hold=exchange.must_hold,
            current_since=exchange.current_since,
        )
        response = await self._handler(request, call)
        if isinstance(response, WrittenResponse):
            exchange.is_json = response.is_json
            body = response.body
        else:
            if call.held:
                await asyncio.sleep(0)  # a large response is serialised in a turn of its own
            body = serialized(response)
        self._check_size(body)
        if call.held or len(body) > SMALL:
            call.hold(len(body), anyway=self._writes)
        if self._has_rows:
            exchange.record.rows = self._count_rows(request, response)
        exchange.record.response_bytes = len(body)
        return body

    def _check_size(self, body: bytes) -> None:
        if len(body) > self._max_bytes:
            raise response_too_large(len(body), self._max_bytes)

    def _count_rows(self, request: Message, response: Response) -> int | None:
        if isinstance(response, WrittenResponse):
            return response.rows
        if self._response_rows is not None:
            return len(getattr(response, self._response_rows))
        if self._request_rows is not None:
            return len(getattr(request, self._request_rows))
        return None


def _rows_field(roles: Mapping[str, FieldDescriptor]) -> str | None:
    field = roles.get("rows") or roles.get("requests")
    return field.name if field else None


class Dispatcher:
    """Answers every method of the served services; what each transport mounts.

    A call passes authorization, callers, admission, deadlines and processor in this order, and only then has
    its request read: one that is refused costs nothing of what would come.

    Args:
        services: the bound methods.
        limits: sizes of messages.
        timeout: seconds that a client may leave a streamed response untaken.
        authorization: says who calls, and whether they may; None where everybody may.
        callers: counts the calls of each caller; None where they aren't limited.
        admission: counts the calls in flight.
        deadlines: bound each.
        processor: its time is shared among them.
        observers: told of each call when it has ended.
        traces: begins and ends the spans of calls; None where they aren't traced.
        consistency: understands how fresh reads are to be; None where there are no replicas.

    """

    def __init__(
        self,
        services: Services,
        limits: LimitSettings,
        timeout: float,
        *,
        authorization: Authorization | None,
        callers: CallerLimits | None,
        admission: Admission,
        deadlines: Deadlines,
        processor: Processor,
        observers: Sequence[Observer] = (),
        traces: "Traces | None" = None,
        consistency: ReadConsistency | None = None,
    ) -> None:
        self._traces = traces
        self._observers = tuple(observers)
        self._authorization = authorization
        self._callers = callers
        self._admission = admission
        self._deadlines = deadlines
        self._processor = processor
        self.memory = ResponseMemory(limits.response_memory)
        """What responses may hold."""
        steps = Steps(limits, authorization, callers, self._observers)
        self._answers: dict[str, Answer] = {
            method.path: explaining(
                consistent(
                    _told(handler, _endpoint(method, _handler(handler, steps), limits, timeout, self.memory)),
                    method,
                    consistency,
                    only_reads=_only_reads(method, handler),
                ),
                authorization,
                is_explained=_only_reads(method, handler),
            )
            for methods in services.values()
            for method, handler in methods
        }
        self._builtin: dict[str, BuiltinMethod] = {}
        self.other_refusals: Counter[tuple[int, str]] = Counter()
        """How often what is no method of the schema was refused, by code and reason."""
        self._uncounted: set[str] = set()
        self.methods: dict[str, MethodDescriptor] = {
            method.path: method.descriptor for methods in services.values() for method, _ in methods
        }
        """What each method takes and gives, by its path, `/package.Service/Method`."""
        self.open_paths: set[str] = set()
        """The paths of those that everybody may call, whoever they are."""
        self.reads = frozenset(
            method.path for methods in services.values() for method, _ in methods if method.reads
        )
        """The paths of those that are known to change nothing."""
        self.converse = frozenset(
            method.path for methods in services.values() for method, _ in methods if method.converses
        )
        """The paths of those whose requests and responses have to go both ways at once."""

    @property
    def is_traced(self) -> bool:
        """Whether it is asked of each call which trace it belongs to."""
        return self._traces is not None

    def add(self, methods: BuiltinMethods) -> None:
        """Answer further methods, of the server's own."""
        for path, method in methods.items():
            self._builtin[path] = method
            self._uncounted.add(path.removeprefix("/"))
            if method.is_open:
                self.open_paths.add(path)
            self.methods[path] = method.descriptor

    async def __call__(self, path: str, exchange: Exchange) -> Reply:
        """Answer one RPC; raises nothing but CancelledError, of which WriteCancelled is one.

        Its caller went away, or the server stops: the transport knows which. What a response holds is
        counted until the exchange is released, by whoever sends it.
        """
        answer = self._answers.get(path)
        if answer is None:
            return await self._answer_builtin(path, exchange)
        begun, processor = None, self._processor
        try:
            if not exchange.entered:  # as a plain call has
                self._enter(exchange)
            with self._deadlines.around(exchange) as deadline:
                begun = processor.begin()
                if begun is None:
                    begun = await processor.wait(exchange.caller, deadline.when)
                if exchange.principal is None:
                    await self._identify_late(exchange, deadline)
                if not (exchange.request or exchange.receive_now()):
                    with self._deadlines.of_request(exchange):
                        await exchange.receive()
                return Reply(await answer(exchange))
        except RowgateError as error:
            return Reply(status=_refusal(exchange, error))
        except Exception:
            _logger.exception(_UNEXPECTED, path, extra={"request_id": exchange.record.request_id})
            return Reply(status=_refusal(exchange, Internal("internal error", reason="INTERNAL")))
        except asyncio.CancelledError as cancelled:
            _note_cancelled(exchange, cancelled)
            raise
        finally:
            if begun is not None:
                processor.end(begun)
            self.leave(exchange)
            self._tell(exchange)

    async def _answer_builtin(self, path: str, exchange: Exchange) -> Reply:
        """Answer a method that isn't counted, and that no observer is told of."""
        method = self._builtin.get(path)
        if method is None:
            return Reply(status=_refusal(exchange, unknown_method()))
        try:
            with self._deadlines.of_caller(exchange):
                await self._let_in_to(method, exchange)
                with self._deadlines.of_credential(exchange):
                    if not (exchange.request or exchange.receive_now()):
                        with self._deadlines.of_request(exchange):
                            await exchange.receive()
                    return Reply(await method.answer(exchange))
        except RowgateError as error:
            self.other_refusals[error.code, error.reason] += 1
            return Reply(status=_refusal(exchange, error))
        except Exception:
            _logger.exception(_UNEXPECTED, path, extra={"request_id": exchange.record.request_id})
            return Reply(status=_refusal(exchange, Internal("internal error", reason="INTERNAL")))

    def refuse(self, exchange: Exchange, error: RowgateError) -> Status:
        """Return the status of what is refused before it is a call; observers hear of known methods."""
        status = _refusal(exchange, error)
        if exchange.path in self._answers:
            self._tell(exchange)
        else:
            self.other_refusals[error.code, error.reason] += 1
        return status

    def arrive(self, exchange: Exchange) -> Status | None:
        """Take a place for a call before it is begun, until it ends or `leave`; return why it gets none."""
        if exchange.record.method in self._uncounted:
            return None
        try:
            self._enter(exchange)
        except RowgateError as error:
            self.leave(exchange)
            status = _refusal(exchange, error)
            self._tell(exchange)
            return status
        return None

    def leave(self, exchange: Exchange) -> None:
        """Leave the place of a call that has ended, or was never begun."""
        self._admission.leave(exchange)
        if self._callers is not None:
            self._callers.leave(exchange)

    def _enter(self, exchange: Exchange) -> None:
        if self._traces is not None:
            sent = exchange.traceparent
            traceparent = only(exchange.headers, TRACEPARENT) if sent is None else sent
            exchange.spans = self._traces.begin(exchange.record, traceparent, exchange.arrived)
        authorization = self._authorization
        if authorization is None:
            exchange.principal = ANONYMOUS
        else:
            principal = exchange.principal or authorization.recall(
                exchange.headers, exchange.certificate, exchange.authorization
            )
            if principal is not None:
                _let_in(exchange, principal, authorization)
                if principal is not ANONYMOUS:
                    exchange.owner = exchange.record.principal
        if self._callers is not None and exchange.principal is not None:
            self._callers.enter(exchange)
        self._admission.enter(exchange)
        deadline = self._deadlines.set(exchange)
        if self._processor.is_full:
            self._processor.check_deadline(exchange.caller, deadline)
        exchange.entered = True

    async def _identify_late(self, exchange: Exchange, deadline: Deadline) -> None:
        if self._authorization is not None:
            _let_in(exchange, await _identified(exchange, self._authorization), self._authorization)
            self._deadlines.cut(exchange, deadline)
        if self._callers is not None:
            self._callers.enter(exchange)

    async def _let_in_to(self, method: BuiltinMethod, exchange: Exchange) -> None:
        if self._authorization is None or method.is_open:
            exchange.principal = ANONYMOUS
        else:
            principal = exchange.principal or await _identified(exchange, self._authorization)
            _let_in(exchange, principal, self._authorization)

    def _tell(self, exchange: Exchange) -> None:
        record = exchange.record
        record.duration = monotonic() - exchange.arrived
        if self._traces is not None and exchange.spans:
            self._traces.end(exchange.spans, record)
        for observer in self._observers:
            observer(record)


async def _identified(exchange: Exchange, authorization: Authorization) -> Principal:
    return await authorization.identify(exchange.headers, exchange.certificate, exchange.authorization)


def _let_in(exchange: Exchange, principal: Principal, authorization: Authorization) -> None:
    exchange.record.principal = principal.name  # who is refused is logged, too
    authorization.require_method(exchange.record.method, principal)
    exchange.principal = principal


def _only_reads(method: Method, handler: AnyHandler | TransactionHandler) -> bool:
    """Return whether all that a method's calls do is to read, by statements of the gateway's own."""
    return method.is_explained and not isinstance(handler, AuthoredHandler)


def _handler(handler: AnyHandler | TransactionHandler, steps: Steps) -> AnyHandler:
    return handler.behind(steps) if isinstance(handler, TransactionHandler) else handler


def _told(handler: AnyHandler | TransactionHandler, answer: Answer) -> Answer:
    return with_metadata(answer) if isinstance(handler, TransactionHandler) else answer


def _endpoint(
    method: Method, handler: AnyHandler, limits: LimitSettings, timeout: float, memory: ResponseMemory
) -> Answer:
    streams = Streams.of(method.descriptor)
    if streams is Streams.RESPONSES:
        return stream_answer(method, cast("StreamHandler", handler), limits, timeout, memory)
    if streams is Streams.REQUESTS:
        return requests_answer(method, cast("RequestsHandler", handler), limits, memory)
    if streams is Streams.BOTH:
        return bidi_answer(method, cast("BidiHandler", handler), limits, timeout, memory)
    return Endpoint(method, cast("Handler", handler), limits, memory)


def _note_cancelled(exchange: Exchange, cancelled: asyncio.CancelledError) -> None:
    """Note that a call was cancelled; raises WriteCancelled where it may have written."""
    exchange.release()
    exchange.record.code, exchange.record.reason = code_pb2.CANCELLED, "CANCELLED"
    if exchange.call is not None and exchange.call.unsettled:
        raise WriteCancelled from cancelled


def _refusal(exchange: Exchange, error: RowgateError) -> Status:
    exchange.release()
    if exchange.ends_with_credential and isinstance(error, DeadlineExceeded) and exchange.is_late:
        error = credential_expired()
    elif error.reason == "DEADLINE_EXCEEDED" and exchange.call is not None and exchange.call.unsettled:
        error = write_out_of_time()
    exchange.record.code, exchange.record.reason = error.code, error.reason
    if error.__cause__ is not None:
        exchange.record.cause = cause_of(error)
    return to_status(error)
