"""Traces: spans of the calls that are sampled, and of their statements, which OpenTelemetry's SDK sends.

Imported only where traces are on: the SDK is an extra (`rowgate[otel]`). A call that isn't sampled has no
span, and nothing is done for it but to read its `traceparent` (W3C Trace Context).
"""

import asyncio
import re
from dataclasses import dataclass, field
from random import random
from time import monotonic, time_ns
from typing import NamedTuple

from google.rpc import code_pb2
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from gateway.observe.call_record import CallRecord
from gateway.observe.code_names import CODE_NAMES

_TRACEPARENT = re.compile(
    rb"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    rb"-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?"
)
_VERSION = b"00"
"""The one that ends with its flags; later ones may go on."""
_OURS = frozenset({code_pb2.UNKNOWN, code_pb2.INTERNAL, code_pb2.UNAVAILABLE, code_pb2.DATA_LOSS})
"""Codes that are errors of the server's: others are the caller's own."""
_SAMPLED = frozenset(b"13579bdf")
"""Last digits of flags whose lowest bit is set."""
_EXPORT_SECONDS = 5.0
_UNNAMED = "unknown_service"
_LINKS = 128
"""Links of one span, as OpenTelemetry bounds them by default."""
_SCOPE = InstrumentationScope("rowgate")
_SAMPLED_FLAG = TraceFlags(TraceFlags.SAMPLED)
_UNSET, _FAILED = Status(StatusCode.UNSET), Status(StatusCode.ERROR)
_ids = RandomIdGenerator()


@dataclass(slots=True)
class Span:
    """A span that hasn't ended, in the event loop alone.

    The SDK's are for threads: they take a lock and copy what they hold for each thing that is told of them,
    which for a call and its statement is several times what all else is.

    Args:
        name: the method's, or the statement's.
        kind: whether it answers or asks.
        context: its ids.
        parent: of the one above it; None for the first of a trace.
        begun: nanoseconds since 1970.
        attributes: what is told of it.
        links: the others that it belongs to.

    """

    name: str
    kind: SpanKind
    context: SpanContext
    parent: SpanContext | None
    begun: int
    attributes: dict[str, str]
    links: list[Link] = field(default_factory=list)


class Parent(NamedTuple):
    """What a caller's `traceparent` says.

    Args:
        trace_id: of its trace, as it was sent.
        span_id: of its span.
        sampled: whether it records that.

    """

    trace_id: str
    span_id: str
    sampled: bool

    def context(self) -> SpanContext:
        """Return its ids as the SDK has them."""
        trace, span = int(self.trace_id, 16), int(self.span_id, 16)
        return SpanContext(trace, span, is_remote=True, trace_flags=_SAMPLED_FLAG)


def parent_of(traceparent: bytes) -> Parent | None:
    """Return what a header says; None where it is none, or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None:
        return None
    version, trace, span, flags, rest = match.groups()
    if rest and version == _VERSION:
        return None
    return Parent(trace.decode(), span.decode(), flags[-1] in _SAMPLED)


class Traces:
    """Begins and ends spans, and sends them to a collector in the background. `stop` twice is safe.

    A caller's decision to sample is followed, up to a number of calls a second: whoever may call can't make
    every call a dear one.

    Args:
        endpoint: the collector's, for OTLP over gRPC, such as `http://127.0.0.1:4317`.
        ratio: of the calls whose callers send no traceparent, the part that is sampled.
        most: calls a second that are sampled because their callers say so.

    """

    def __init__(self, endpoint: str, ratio: float, most: int) -> None:
        self._ratio = ratio
        self._most = most
        self._second = 0
        self._followed = 0
        self._resource = _resource()
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=_EXPORT_SECONDS))

    async def stop(self) -> None:
        """Send what is left, in bounded time."""
        await asyncio.to_thread(self._processor.shutdown)

    def begin(self, record: CallRecord, traceparent: bytes, arrived: float) -> tuple[Span, ...]:
        """Begin a call's span, and note its trace; return it, or nothing for a call that isn't sampled.

        Args:
            record: of the call.
            traceparent: the header that its caller sent; empty without one.
            arrived: when it came, by time.monotonic.

        """
        parent = parent_of(traceparent) if traceparent else None
        if parent is not None:
            record.trace_id = parent.trace_id
        if not self._samples(parent):
            return ()
        service, _, method = record.method.rpartition("/")
        attributes = {"rpc.system.name": "grpc", "rpc.service": service, "rpc.method": method}
        attributes |= {"client.address": record.peer, "rowgate.request_id": record.request_id}
        above = None if parent is None else parent.context()
        begun = time_ns() - int((monotonic() - arrived) * 1e9)
        span = Span(record.method, SpanKind.SERVER, _below(above), above, begun, attributes)
        record.trace_id = self.trace_id((span,))
        return (span,)

    def end(self, spans: tuple[Span, ...], record: CallRecord) -> None:
        """End a call's span, with what became of it."""
        for span in spans:
            span.attributes["rpc.response.status_code"] = CODE_NAMES[record.code]
            if record.reason:
                span.attributes["error.type"] = record.reason
            if record.principal:
                span.attributes["user.id"] = record.principal
            self._send(span, Status(StatusCode.ERROR, record.reason) if record.code in _OURS else _UNSET)

    def begin_statement(self, name: str, spans: tuple[Span, ...]) -> Span:
        """Begin the span of a statement, below that of the first of the calls that it answers.

        The others and it are linked, both ways.
        """
        first, *others = spans
        attributes = {"db.system.name": "postgresql", "db.query.summary": name}
        span = Span(name, SpanKind.CLIENT, _below(first.context), first.context, time_ns(), attributes)
        for one in others:
            _link(span, one)
            _link(one, span)
        return span

    def end_statement(self, span: Span, error: BaseException | None) -> None:
        """End it."""
        if error is not None:
            span.attributes["error.type"] = getattr(error, "sqlstate", None) or type(error).__name__
        self._send(span, _UNSET if error is None else _FAILED)

    def _send(self, span: Span, status: Status) -> None:
        """Have a span sent that ends now."""
        self._processor.on_end(
            ReadableSpan(
                span.name,
                span.context,
                span.parent,
                self._resource,
                span.attributes,
                links=span.links,
                kind=span.kind,
                status=status,
                start_time=span.begun,
                end_time=time_ns(),
                instrumentation_scope=_SCOPE,
            )
        )

    @staticmethod
    def trace_id(spans: tuple[Span, ...]) -> str:
        """Return the id of the trace that spans belong to, the first of several."""
        return f"{spans[0].context.trace_id:032x}"

    @staticmethod
    def comment(spans: tuple[Span, ...]) -> str:
        """Return a call's traceparent as an SQL comment, as sqlcommenter writes it; empty without a span."""
        if not spans:
            return ""
        context = spans[0].context
        return f" /*traceparent='00-{context.trace_id:032x}-{context.span_id:016x}-01'*/"

    def _samples(self, parent: Parent | None) -> bool:
        if parent is None:
            return random() < self._ratio  # noqa: S311 - it decides what is looked at
        return parent.sampled and self._follows()

    def _follows(self) -> bool:
        """Return whether there is room for one more that its caller samples."""
        second = int(monotonic())
        if second != self._second:
            self._second, self._followed = second, 0
        self._followed += 1
        return self._followed <= self._most


def _resource() -> Resource:
    """Return what is said of this process: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES may say more."""
    own = Resource.create()
    if str(own.attributes[SERVICE_NAME]).startswith(_UNNAMED):
        return own.merge(Resource({SERVICE_NAME: "rowgate"}))
    return own


def _below(parent: SpanContext | None) -> SpanContext:
    """Return the ids of a span that is below another, or the first of a trace."""
    trace = _ids.generate_trace_id() if parent is None else parent.trace_id
    return SpanContext(trace, _ids.generate_span_id(), is_remote=False, trace_flags=_SAMPLED_FLAG)


def _link(span: Span, other: Span) -> None:
    if len(span.links) < _LINKS:
        span.links.append(Link(other.context))
