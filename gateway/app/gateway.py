"""A gateway: a schema that is served, from its start to its end."""

from collections.abc import Sequence
from contextlib import AsyncExitStack

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from sqlalchemy import Table

from gateway.admin.gateway_source import GatewaySource
from gateway.admin.slow_calls import SlowCalls
from gateway.app.callers import Callers, known_callers
from gateway.app.executors import Executors, executors_of
from gateway.app.observers import call_metrics, observers, statement_watch, traces_of
from gateway.app.storage import Storage, open_storage
from gateway.config.address import Address
from gateway.config.rules import require_identity
from gateway.config.setting_sources import DEFAULT
from gateway.config.settings import Settings
from gateway.config.token_secret import token_secret
from gateway.db.connections.database_location import embedded_folder
from gateway.db.replicas.consistency import ReadConsistency
from gateway.handlers.authors import Authors, read_authors
from gateway.handlers.database.statements import Statements
from gateway.introspect import DriftWatch, tell_unserved_rules
from gateway.methods import Engine, handler_of
from gateway.methods.refused_in_shards import refuse_in_shards
from gateway.observe.metrics.calls import CallMetrics
from gateway.policy.permissions import methods_of
from gateway.policy.schema_rules import hops_of
from gateway.request.aggregates import check_aggregations
from gateway.request.pages.page_token import PageTokens
from gateway.request.position_tokens import PositionTokens
from gateway.request.relations.rows import relation_rows
from gateway.schema.model import Schema
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import Tables
from gateway.transport.dispatch import Services
from gateway.transport.http_server import HttpServer
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server, ServerFactory


class Gateway:
    """A schema being served. Parts are closed in the reverse order of their start; `stop` twice is safe."""

    def __init__(
        self,
        schema: Schema,
        server: Server,
        drift_watch: DriftWatch,
        opened: AsyncExitStack,
        source: GatewaySource | None = None,
    ) -> None:
        self.schema = schema
        self.source = source
        """What the admin address tells of; None without one."""
        self._server = server
        self._drift_watch = drift_watch
        self._opened = opened

    @classmethod
    async def start(
        cls,
        descriptors: FileDescriptorSet,
        settings: Settings,
        make_server: ServerFactory = HttpServer,
        *,
        schema: Schema | None = None,
    ) -> "Gateway":
        """Read the schema, connect, bind and listen; a start that fails closes what it opened.

        Args:
            descriptors: the schema's files, and those they import.
            settings: all of them.
            make_server: makes what listens.
            schema: that of the descriptors, where it has been read before.

        Raises gateway.schema.diagnostics.SchemaError, gateway.config.errors.ConfigError,
        gateway.errors.Unavailable, gateway.db.connections.dsn.DsnError,
        gateway.db.embedded.EmbeddedPostgresError, gateway.introspect.SchemaMismatchError,
        gateway.introspect.LackedPrivilegeError, gateway.introspect.PoliciesBypassedError,
        gateway.introspect.AuditUnavailableError, gateway.introspect.WarningsUnheardError,
        gateway.handlers.errors.HandlersError, and OSError where no address can be listened on.

        """
        require_identity(settings, lambda _: DEFAULT)
        async with AsyncExitStack() as opened:
            schema = schema or read_schema(descriptors)
            check_aggregations(schema)
            authors = read_authors(settings.server.handlers, schema)
            callers = await known_callers(schema, settings, opened)
            traces = traces_of(settings, opened)
            storage = await open_storage(callers.schema, settings, statement_watch(settings, traces), opened)
            secret = _secret(settings)
            executors = await executors_of(storage, settings, authors.names, secret, opened)
            callers = callers.with_schema(storage.schema)
            engine = _engine(callers, storage, executors, settings, authors, secret=secret)
            refuse_in_shards(storage.schema, engine)
            services = _bind(storage.schema, engine)
            await tell_unserved_rules(engine.rules, engine.tables, storage.database)
            calls, watch = call_metrics(settings, services), storage.drift_watch
            slow_calls = SlowCalls(settings.log.slow_call)
            opened.push_async_callback(slow_calls.stop)
            api = ServedApi(
                services,
                descriptors,
                settings.server,
                settings.limits,
                observers=list(observers(settings, watch, calls, slow_calls)),
                probe=storage.probe(settings.database.acquire_timeout),
                authorization=callers.authorization,
                traces=traces,
                consistency=_consistency(storage, secret),
            )
            server = make_server(api, settings)
            await server.start()
            watch.start(api.set_failing)
            slow_calls.start(lambda: api.under_way)
            source = None if calls is None else _source(api, server, calls, storage, executors)
            return cls(storage.schema, server, watch, opened.pop_all(), source)

    @property
    def addresses(self) -> Sequence[Address]:
        """Where the server listens, with the ports it was given."""
        return self._server.addresses

    @property
    def port(self) -> int:
        """The first address's port."""
        return self.addresses[0].port or 0

    def look_for_drift(self) -> None:
        """Compare schema and database soon."""
        self._drift_watch.look_soon()

    async def stop(self, grace: float | None = None) -> None:
        """Drain for at most `grace` seconds (`drain_timeout` by default), then close."""
        try:
            await self._server.stop(grace)
        finally:
            await self._opened.aclose()

    def force_stop(self) -> None:
        """Let `stop` wait for no call any more."""
        self._server.force_stop()


def _source(
    api: ServedApi, server: Server, calls: CallMetrics, storage: Storage, executors: Executors
) -> GatewaySource:
    """Return what the admin address tells."""
    shared, replicas = (storage.reads, storage.writes), storage.replicas
    known = None if replicas is None else replicas.replicas
    return GatewaySource(
        api, server, calls, storage.database, shared, known, executors.cache, executors.shared
    )


def _consistency(storage: Storage, secret: bytes) -> ReadConsistency | None:
    """Return what understands how fresh reads are to be; None where all are of the primary."""
    replicas = storage.replicas
    return None if replicas is None else ReadConsistency(PositionTokens(secret), replicas.log)


def _engine(
    callers: Callers,
    storage: Storage,
    executors: Executors,
    settings: Settings,
    authors: Authors,
    *,
    secret: bytes,
) -> Engine:
    """Return what handlers work with; raises SchemaError for rules, presets and relations that are wrong."""
    limits = settings.limits
    rules = callers.row_rules()
    hops = hops_of(callers.schema, rules)
    return Engine(
        database=executors.database,
        reads=executors.reads,
        writes=executors.writes,
        tables=storage.tables.tables,
        request_ids=storage.request_ids,
        chunk_bytes=limits.stream_chunk_bytes,
        response_bytes=limits.max_response_bytes,
        bulk_max_rows=limits.bulk_max_rows,
        max_concurrent_bulk=limits.max_concurrent_bulk,
        page_tokens=PageTokens(secret),
        relations=relation_rows(callers.schema, hops),
        hop=hops,
        rules=rules,
        presets=callers.presets(),
        caller_roles=storage.caller_roles,
        withheld=storage.withheld,
        marking=_marking(callers.schema, storage.tables),
        tenant_columns={storage.tables.tables[name]: one for name, one in callers.tenant_columns().items()},
        own_tables=storage.own_tables,
        identified=callers.identified,
        session_idle=limits.session_idle_timeout,
        session_seconds=limits.session_timeout,
        handler_messages=limits.handler_max_messages,
        methods={one.full_name: one for one in methods_of(callers.schema)},
        authored=authors.makers(
            executors.own,
            Statements(callers.schema, storage.tables.tables, by_callers=storage.caller_roles is not None),
        ),
    )


def _marking(schema: Schema, tables: Tables) -> frozenset[Table]:
    """Return the tables whose deleted rows stay, marked."""
    return frozenset(tables.tables[name] for name, one in schema.resources.items() if one.soft_delete)


def _bind(schema: Schema, engine: Engine) -> Services:
    """Return each service's methods with their handlers, made once."""
    return {
        name: [(method, handler_of(method, engine)) for method in service.methods]
        for name, service in schema.services.items()
    }


def _secret(settings: Settings) -> bytes:
    """Return the page tokens' secret; the embedded database keeps one beside it."""
    embedded = embedded_folder(settings.database) is not None
    return token_secret(settings.tokens, settings.database.data_dir if embedded else None)
