"""Traces, as a collector that the test starts receives them: client, gateway, statement."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc.aio
import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as collector_pb
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import format_span_id, format_trace_id

from gateway.app import Gateway
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.observe.traces import parent_of
from gateway.schema.tables.metadata import build_tables
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, descriptors_of, schema_of, serve
from tests.transport.conftest import GET, SERVICE, locked, until_waiting
from tests.transport.wire.http2.peer import peer_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@dataclass
class Collector:
    """A collector of OTLP over gRPC; it keeps what it is sent."""

    port: int = 0
    spans: list[Span] = field(default_factory=list)

    async def export(self, body: bytes, _context: Any) -> bytes:
        """Take spans."""
        request = collector_pb.ExportTraceServiceRequest.FromString(body)
        self.spans += [s for r in request.resource_spans for scope in r.scope_spans for s in scope.spans]
        return bytes(collector_pb.ExportTraceServiceResponse().SerializeToString())

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def named(self, name: str) -> Sequence[Span]:
        """Return the spans of a name."""
        return [one for one in self.spans if one.name == name]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    """Give a collector that listens."""
    collector, server = Collector(), grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(collector.export)
    service, _, method = _EXPORT[1:].rpartition("/")
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {method: handler}),))
    collector.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield collector
    await server.stop(None)


@asynccontextmanager
async def traced(
    databases: Databases, collector: Collector, schema: str = "ledger", **settings: Any
) -> AsyncIterator[RunningGateway]:
    """Serve a schema with traces on; when it has stopped the collector has all of them."""
    dsn = await databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
    given = {"transport": "http", "traces_endpoint": collector.endpoint, **settings}
    running = await serve(schema, dsn, **given)
    try:
        yield running
    finally:
        await running.stop()


async def get(client: Client, number: int, *metadata: tuple[str, str]) -> None:
    """Read an account that isn't there."""
    request = client.message("ledger.v1.GetAccountRequest", {"book": "main", "number": number})
    with pytest.raises(grpc.aio.AioRpcError, match="NOT_FOUND"):
        await client.channel.unary_unary(f"/{GET}")(request.SerializeToString(), metadata=metadata)


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_a_trace_goes_from_the_client_by_the_gateway_to_the_statement(
    databases: Databases, collector: Collector, transport: str
) -> None:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(collector.endpoint)))
    span = provider.get_tracer("client").start_span("client")
    own = span.get_span_context()
    sent = f"00-{format_trace_id(own.trace_id)}-{format_span_id(own.span_id)}-01"
    async with traced(databases, collector, transport=transport, traces_sample_ratio=0) as running:
        await get(running.client, 1, ("traceparent", sent))
        await get(running.client, 2)  # nobody samples it
    await asyncio.to_thread(span.end)
    await asyncio.to_thread(provider.shutdown)
    (client,) = collector.named("client")
    (call,) = collector.named(GET)
    (statement,) = collector.named("get order")
    assert len(collector.spans) == 3
    assert len({one.trace_id for one in collector.spans}) == 1
    assert call.parent_span_id == client.span_id
    assert statement.parent_span_id == call.span_id
    assert (call.kind, statement.kind) == (Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT)
    assert call.start_time_unix_nano <= statement.start_time_unix_nano
    assert statement.end_time_unix_nano <= call.end_time_unix_nano
    attributes = {one.key: one.value.string_value for one in call.attributes}
    assert attributes["rpc.service"] == SERVICE
    assert attributes["rpc.response.status_code"] == "NOT_FOUND"
    assert attributes["error.type"] == "ROW_NOT_FOUND"
    assert not call.status.code  # it is no error of the server's


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_a_row_of_the_audit_names_the_trace_of_its_call(
    databases: Databases, collector: Collector, transport: str
) -> None:
    """Also of calls that share a statement."""
    path, traces = "audited.v1.OrderService/CreateOrder", [f"{n + 1:032x}" for n in range(20)]
    async with traced(databases, collector, "audited", transport=transport) as running:
        call = running.client.channel.unary_unary(f"/{path}")

        async def create(number: int) -> None:
            order = {"user": "u", "number": number}
            request = running.client.message("audited.v1.CreateOrderRequest", {"order": order})
            parent = f"00-{traces[number]}-{SPAN}-01"
            await call(request.SerializeToString(), metadata=(("traceparent", parent),))

        await asyncio.gather(*map(create, range(len(traces))))
        rows = await running.sql(
            "SELECT (key ->> 'number')::integer AS number, trace_id FROM rowgate.audit ORDER BY 1"
        )
    assert [(row["number"], row["trace_id"]) for row in rows] == list(enumerate(traces))
    assert sorted(one.trace_id.hex() for one in collector.named(path)) == traces


async def test_calls_that_share_a_statement_are_linked_with_its_span(
    databases: Databases, collector: Collector
) -> None:
    async with traced(databases, collector, traces_sample_ratio=1) as running:
        async with locked(running.dsn) as connection:
            first = asyncio.create_task(get(running.client, 0))
            await until_waiting(connection, 1)
            others = [asyncio.create_task(get(running.client, number)) for number in range(1, 9)]
            await until_waiting(connection, 2)
        await asyncio.gather(first, *others)
    calls = {one.span_id: one for one in collector.named(GET)}
    statements = [one for one in collector.spans if one.kind == Span.SPAN_KIND_CLIENT]
    assert len(calls) == 9
    assert len(statements) < 9
    for statement in statements:
        assert statement.parent_span_id in calls
        for link in statement.links:
            assert [back.span_id for back in calls[link.span_id].links] == [statement.span_id]
    answered = [statement.parent_span_id for statement in statements]
    answered += [link.span_id for statement in statements for link in statement.links]
    assert sorted(answered) == sorted(calls)


async def test_postgresql_sees_the_trace_of_a_statement_that_is_not_kept_prepared(
    databases: Databases, collector: Collector
) -> None:
    seen = (
        "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    async with traced(databases, collector, "flow", traces_sample_ratio=1) as running:
        async with locked(running.dsn, "event") as connection:
            responses = running.client.stream("flow.v1.EventService/StreamEvents")
            reading = asyncio.create_task(responses.take("events"))
            await until_waiting(connection, 1)
            query = await connection.fetchval(seen)
        await reading
    (call,) = collector.named("flow.v1.EventService/StreamEvents")
    (statement,) = collector.named("stream event")
    assert query.endswith(f"/*traceparent='00-{call.trace_id.hex()}-{call.span_id.hex()}-01'*/")
    assert statement.parent_span_id == call.span_id


async def test_the_log_has_the_trace_of_a_call_whether_or_not_it_is_sampled(
    databases: Databases, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.access")
    async with traced(databases, collector, log_access="all") as running:
        await get(running.client, 1, ("traceparent", f"00-{TRACE}-{SPAN}-00"))
    (line,) = [one for one in caplog.records if one.name == "gateway.access"]
    assert vars(line)["trace_id"] == TRACE
    assert collector.spans == []


@pytest.mark.parametrize("transport", ["http", "grpcio"])
@pytest.mark.parametrize(
    "sent",
    [
        [("traceparent", f"00-{TRACE}-{SPAN}-01-more")],
        [("tracestate", "a=1")],
    ],
)
async def test_what_names_no_one_trace_is_passed_over_and_the_call_goes_on(
    databases: Databases, collector: Collector, transport: str, sent: Sequence[tuple[str, str]]
) -> None:
    async with traced(databases, collector, transport=transport, traces_sample_ratio=0) as running:
        await get(running.client, 1, *sent)
    assert collector.spans == []


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_a_tracestate_changes_nothing(
    databases: Databases, collector: Collector, transport: str
) -> None:
    parent = ("traceparent", f"00-{TRACE}-{SPAN}-01")
    async with traced(databases, collector, transport=transport, traces_sample_ratio=0) as running:
        await get(running.client, 1, parent, ("tracestate", "a=1,b=2"))
        await get(running.client, 2, parent, ("tracestate", "=,no state at all"))
    calls = collector.named(GET)
    assert [(one.trace_id.hex(), one.parent_span_id.hex()) for one in calls] == [(TRACE, SPAN)] * 2


async def test_calls_whose_headers_differ_in_their_traces_alone_are_told_apart(
    databases: Databases, collector: Collector
) -> None:
    """Of a client without a dynamic table no header but the trace is read; one that comes twice is none."""
    traces = [f"{n:032x}" for n in range(1, 9)]
    async with (
        traced(databases, collector, traces_sample_ratio=0) as running,
        peer_of(running.target) as peer,
    ):
        peer.encoder.header_table_size = 0
        for n, trace in enumerate(traces):
            await peer.answer(peer.call(f"/{GET}", b"", ("traceparent", f"00-{trace}-{SPAN}-0{n % 2}")))
            await peer.answer(peer.call(f"/{GET}", b"", *[("traceparent", f"00-{trace}-{SPAN}-01")] * 2))
    assert [one.trace_id.hex() for one in collector.named(GET)] == traces[1::2]


async def test_callers_can_not_have_more_than_so_many_calls_traced(
    databases: Databases, collector: Collector
) -> None:
    async with traced(databases, collector, traces_sample_ratio=0, traces_max_followed=0) as running:
        await get(running.client, 1, ("traceparent", f"00-{TRACE}-{SPAN}-01"))
    assert collector.spans == []


async def test_without_the_sdk_a_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "gateway.observe.traces", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(ConfigError, match=r"traces\.endpoint.*pip install 'rowgate\[otel\]'"):
        await Gateway.start(descriptors_of("ledger"), settings_of(traces_endpoint="http://127.0.0.1:1"))


def test_nothing_of_opentelemetry_is_imported_where_traces_are_off() -> None:
    code = "import sys, gateway.app, gateway.cli.serve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [one for one in loaded.stdout.split() if one.startswith("opentelemetry")] == []


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"00",
        f"ff-{TRACE}-{SPAN}-01".encode(),
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{TRACE.upper()}-{SPAN}-01".encode(),
        f"00-{TRACE}-{SPAN}-01-more".encode(),
        f"00-{TRACE}-{SPAN}-1".encode(),
        f"00-{TRACE}-{SPAN}-01\n".encode(),
    ],
)
def test_what_is_no_traceparent_is_passed_over(header: bytes) -> None:
    assert parent_of(header) is None


def test_a_traceparent_of_a_later_version_is_read() -> None:
    parent = parent_of(f"01-{TRACE}-{SPAN}-03-more".encode())
    assert parent is not None
    assert (parent.trace_id, parent.span_id, parent.sampled) == (TRACE, SPAN, True)
