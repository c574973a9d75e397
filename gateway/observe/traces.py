"""Traces, by OpenTelemetry's SDK: a span for each call that is sampled, and for each of its statements.

Imported only where traces are on: the SDK is an extra (`rowgate[otel]`). A call that isn't sampled has no
span, and nothing is done for it but to read its `traceparent` (W3C Trace Context).
"""

import asyncio
import re
from random import random
from time import monotonic, time_ns
from typing import NamedTuple

from google.rpc import code_pb2
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)

from gateway.observe.call_record import CallRecord
from gateway.observe.code_names import CODE_NAMES

_TRACEPARENT = re.compile(
    rb"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    rb"-(?P<flags>[0-9a-f]{2})(?P<rest>-.*)?"
)
_OURS = frozenset({code_pb2.UNKNOWN, code_pb2.INTERNAL, code_pb2.UNAVAILABLE, code_pb2.DATA_LOSS})
"""Codes that are errors of the server's: others are the caller's own."""
_SAMPLED = frozenset(b"13579bdf")
"""Last digits of flags whose lowest bit is set."""
_EXPORT_SECONDS = 5.0
_UNNAMED = "unknown_service"
_LINKS = 128
"""Links of one span, as OpenTelemetry bounds them by default."""


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


def parent_of(traceparent: bytes | None) -> Parent | None:
    """Return what a header says; None where it is none, or malformed."""
    match = None if traceparent is None else _TRACEPARENT.fullmatch(traceparent)
    if match is None or (match["version"] == b"00" and match["rest"]):
        return None
    _, trace, span, flags, _ = match.groups()
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
        exporter = OTLPSpanExporter(endpoint, timeout=_EXPORT_SECONDS)
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("rowgate")

    async def stop(self) -> None:
        """Send what is left, in bounded time."""
        await asyncio.to_thread(self._provider.shutdown)

    def begin(self, record: CallRecord, traceparent: bytes | None, arrived: float) -> tuple[Span, ...]:
        """Begin a call's span, and note its trace; return it, or nothing for a call that isn't sampled.

        Args:
            record: of the call.
            traceparent: the header that its caller sent.
            arrived: when it came, by time.monotonic.

        """
        parent = parent_of(traceparent)
        if parent is not None:
            record.trace_id = parent.trace_id
        if not self._samples(parent):
            return ()
        service, _, method = record.method.rpartition("/")
        attributes = {"rpc.system.name": "grpc", "rpc.service": service, "rpc.method": method}
        span = self._tracer.start_span(
            record.method,
            Context() if parent is None else _remote(parent),
            SpanKind.SERVER,
            {**attributes, "client.address": record.peer, "rowgate.request_id": record.request_id},
            start_time=time_ns() - int((monotonic() - arrived) * 1e9),
        )
        record.trace_id = self.trace_id((span,))
        return (span,)

    def end(self, spans: tuple[Span, ...], record: CallRecord) -> None:
        """End a call's span, with what became of it."""
        for span in spans:
            span.set_attribute("rpc.response.status_code", CODE_NAMES[record.code])
            if record.reason:
                span.set_attribute("error.type", record.reason)
            if record.principal:
                span.set_attribute("user.id", record.principal)
            if record.code in _OURS:
                span.set_status(Status(StatusCode.ERROR, record.reason))
            span.end()

    def begin_statement(self, name: str, spans: tuple[Span, ...]) -> Span:
        """Begin the span of a statement, below that of the first of the calls that it answers.

        The others and it are linked, both ways.
        """
        first, *others = spans
        span = self._tracer.start_span(
            name,
            set_span_in_context(first, Context()),
            SpanKind.CLIENT,
            {"db.system.name": "postgresql", "db.query.summary": name},
            [Link(one.get_span_context()) for one in others[:_LINKS]],
        )
        for one in others:
            one.add_link(span.get_span_context())
        return span

    def end_statement(self, span: Span, error: BaseException | None) -> None:
        """End it."""
        if error is not None:
            span.set_attribute("error.type", getattr(error, "sqlstate", None) or type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
        span.end()

    @staticmethod
    def trace_id(spans: tuple[Span, ...]) -> str:
        """Return the id of the trace that spans belong to, the first of several."""
        return f"{spans[0].get_span_context().trace_id:032x}"

    @staticmethod
    def comment(spans: tuple[Span, ...]) -> str:
        """Return a call's traceparent as an SQL comment, as sqlcommenter writes it; empty without a span."""
        if not spans:
            return ""
        context = spans[0].get_span_context()
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


def _remote(parent: Parent) -> Context:
    trace, span = int(parent.trace_id, 16), int(parent.span_id, 16)
    context = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(context), Context())
