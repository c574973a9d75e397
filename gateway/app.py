"""The composition root: the one place where the parts are put together."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.admin.gateway_source import GatewaySource
from gateway.auth.authenticator import Authenticator
from gateway.auth.providers import provider_chain
from gateway.config import settings as config
from gateway.config.address import Address
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.rules import require_identity
from gateway.config.setting_sources import DEFAULT
from gateway.config.settings import AuthSettings, Settings
from gateway.config.token_secret import token_secret
from gateway.db.coalesce import PointReads, RowWrites
from gateway.db.connections.database_location import database_settings, dsn_of, embedded_folder
from gateway.db.connections.plain_connections import connector
from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings
from gateway.db.embedded import EmbeddedPostgres, Keeper
from gateway.db.internal_tables.cleaning import Cleaner, Retention
from gateway.db.internal_tables.idempotency import RequestIds, Room
from gateway.db.statements.caller_role import caller_roles
from gateway.db.statements.watch import StatementWatch
from gateway.introspect import (
    DriftWatch,
    comparing,
    has_own_tables,
    is_audited,
    require_audit,
    require_match,
    require_policies_hold,
    tables_of_services,
    warn_of_missing_grants,
)
from gateway.methods import HANDLERS, Engine, handler_of
from gateway.observe.access_log import AccessLog
from gateway.observe.metrics.calls import CallMetrics
from gateway.policy.columns import has_limits
from gateway.policy.permissions import permission_of, permissions_of, without_policy
from gateway.policy.policy_file import read_policy_file
from gateway.policy.presets import Presets, merged, presets_of
from gateway.policy.row_rules import TableRules, row_rules
from gateway.policy.tenants import Tenants, tenant_presets, tenants_of, with_tenants
from gateway.request.bulkheads import share_of
from gateway.request.call import Call
from gateway.request.page_token import PageTokens
from gateway.schema.catalog_facts import with_found
from gateway.schema.model import Schema
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from gateway.schema.view_writes import refuse_view_writes
from gateway.sql.statement import Statement
from gateway.transport.authorization import Authorization
from gateway.transport.builtin.health import PATHS as HEALTH
from gateway.transport.builtin.limits import PATH as LIMITS
from gateway.transport.builtin.probe import Probe
from gateway.transport.builtin.reflection import PATHS as REFLECTION
from gateway.transport.dispatch import Services
from gateway.transport.http_server import HttpServer
from gateway.transport.protocols.rest.openapi.document import PATH as OPENAPI
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server, ServerFactory

if TYPE_CHECKING:
    from gateway.observe.traces import Traces

_logger = logging.getLogger(__name__)
_PROBE = Statement(text="SELECT 1", binds=(), fields=(), writes=False, name="probe", constants={})
_PROBE_SECONDS = 5.0


def bind(schema: Schema, engine: Engine) -> Services:
    """Return each service's methods with their handlers, made once."""
    return {
        name: [(m, handler_of(m, engine)) for m in service.methods if m.kind in HANDLERS]
        for name, service in schema.services.items()
    }


def authorization(schema: Schema, authenticator: Authenticator, auth: AuthSettings) -> Authorization:
    """Return what lets callers in, as the schema says; tells of methods that nobody may call.

    Args:
        schema: says who may call what.
        authenticator: knows who calls.
        auth: a file of what callers have to be beside, and who may ask for the schema.

    Raises SchemaError for what the schema says wrongly, ConfigError for what the file does.

    """
    permissions = permissions_of(
        schema, None if auth.policy is None else read_policy_file(auth.policy, schema)
    )
    if nobodys := without_policy(schema):
        _logger.warning("nobody may call methods of which no policy says who may", extra={"methods": nobodys})
    of_schema = permission_of(auth.schema_roles)
    about_schema = dict.fromkeys((*REFLECTION, OPENAPI, LIMITS), of_schema)
    return Authorization(authenticator, {**permissions, **about_schema}, HEALTH, of_schema)


def _row_rules(schema: Schema, *, identified: bool) -> Mapping[str, TableRules]:
    """Return the rules of rows that hold; raises SchemaError for wrong ones.

    Where callers aren't identified none hold, which is told.
    """
    rules = row_rules(schema)
    if rules and not identified:
        _logger.warning("policies of rows don't hold: callers aren't identified", extra={"tables": [*rules]})
        return {}
    return rules


def _presets(schema: Schema, tenants: Tenants | None, *, identified: bool) -> Mapping[str, Presets]:
    """Return what is written of callers; raises SchemaError for what isn't theirs.

    Where callers aren't identified nothing is, and columns are everybody's, which is told.
    """
    presets = presets_of(schema)
    if identified:
        return merged(presets, tenant_presets(schema, tenants) if tenants is not None else {})
    limited = [name for name, resource in schema.resources.items() if name in presets or has_limits(resource)]
    if limited:
        _logger.warning(
            "access, masks and presets of columns don't hold: callers aren't identified",
            extra={"tables": limited},
        )
    return {}


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
        cls, descriptors: FileDescriptorSet, settings: Settings, make_server: ServerFactory = HttpServer
    ) -> "Gateway":
        """Read the schema, connect, bind and listen; a start that fails closes what it opened.

        Args:
            descriptors: the schema's files, and those they import.
            settings: all of them.
            make_server: makes what listens.

        Raises gateway.schema.diagnostics.SchemaError, gateway.config.errors.ConfigError,
        gateway.errors.Unavailable, gateway.db.connections.dsn.DsnError,
        gateway.db.embedded.EmbeddedPostgresError, gateway.introspect.SchemaMismatchError,
        gateway.introspect.LackedPrivilegeError, gateway.introspect.AuditUnavailableError, and OSError where
        no address can be listened on.

        """
        require_identity(settings, lambda _: DEFAULT)
        schema = read_schema(descriptors)
        async with AsyncExitStack() as opened:
            tenants = tenants_of(settings.auth)
            if tenants is not None:
                schema = with_tenants(schema, tenants)
            identified = await _authorization(schema, settings, opened)
            tables = build_tables(schema)
            traces = _traces(settings)
            if traces is not None:
                opened.push_async_callback(traces.stop)
            where = await _locate_database(settings, opened)
            watch = _statement_watch(settings, traces)
            database = await Database.open(where, watch)
            opened.push_async_callback(database.close)
            connect = connector(where)
            roles, own = caller_roles(settings.auth), Call("start")
            grants = await warn_of_missing_grants(database, schema, tables, own, by_callers=roles is not None)
            folder = settings.schema.migrations
            found = await require_match(connect, tables.metadata, folder, grants=grants)
            schema = with_found(schema, found)
            refuse_view_writes(schema, found)
            # More would wait for connections that statements of one kind can't have.
            most = min(settings.coalesce.max_concurrent_batches, share_of(settings.database.pool_size))
            sharing = settings.coalesce.model_copy(update={"max_concurrent_batches": most})
            serving = database
            if roles is not None:
                await require_policies_hold(database, roles.allowed, tables.metadata, own)
                serving = database.by_roles(roles)
            reads = PointReads(serving, sharing, apart=roles is not None)
            opened.push_async_callback(reads.close, settings.database.close_timeout)
            writes = RowWrites(serving, sharing, apart=roles is not None)
            opened.push_async_callback(writes.close, settings.database.close_timeout)
            room = Room(settings.database.request_id_max_bytes)
            retention = _retention(settings.database, keeps_audit=is_audited(tables.metadata))
            await require_audit(database, tables.metadata, own, removes=retention.audit is not None)
            own_tables = await has_own_tables(connect, tables.metadata)
            if own_tables:
                _start_cleaning(Cleaner(database, retention, room), opened)
            engine = Engine(
                database=serving,
                reads=reads,
                writes=writes,
                tables=tables.tables,
                request_ids=RequestIds(settings.database.request_id_answer_bytes, room),
                chunk_bytes=settings.limits.stream_chunk_bytes,
                response_bytes=settings.limits.max_response_bytes,
                bulk_max_rows=settings.limits.bulk_max_rows,
                max_concurrent_bulk=settings.limits.max_concurrent_bulk,
                page_tokens=PageTokens(_secret(settings)),
                rules=_row_rules(schema, identified=identified is not None),
                presets=_presets(schema, tenants, identified=identified is not None),
                hides_rows=roles is not None,
                own_tables=own_tables,
                identified=identified is not None,
            )
            drift_watch = DriftWatch(comparing(connect, tables.metadata), tables_of_services(schema))
            opened.push_async_callback(drift_watch.stop)
            services = bind(schema, engine)
            calls = _call_metrics(settings, services)
            counting = () if calls is None else (calls,)
            api = ServedApi(
                services,
                descriptors,
                settings.server,
                settings.limits,
                observers=[AccessLog(settings.log.access), drift_watch.observe, *counting],
                probe=_probe(database, settings.database.acquire_timeout),
                authorization=identified,
                traces=traces,
            )
            server = make_server(api, settings)
            await server.start()
            drift_watch.start(api.set_failing)
            source = None if calls is None else GatewaySource(api, server, calls, database, (reads, writes))
            return cls(schema, server, drift_watch, opened.pop_all(), source)

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


async def _authorization(schema: Schema, settings: Settings, opened: AsyncExitStack) -> Authorization | None:
    """Return what lets callers in; None where everybody may call."""
    chain = provider_chain(settings)
    if chain is None:
        permissions_of(schema)  # wrong ones are refused before they are needed
        return None
    opened.push_async_callback(chain.stop)
    await chain.start()
    return authorization(schema, chain, settings.auth)


def _traces(settings: Settings) -> "Traces | None":
    """Return what traces calls; None without a collector. Raises ConfigError where the SDK is missing."""
    traces = settings.traces
    if traces.endpoint is None:
        return None
    try:
        from gateway.observe.traces import Traces  # noqa: PLC0415 - an extra, which few have
    except ImportError as error:
        wrong = f"OpenTelemetry isn't installed: {error}"
        raise ConfigError(
            [ConfigDiagnostic("traces.endpoint", traces.endpoint, wrong, "pip install 'rowgate[otel]'")]
        ) from error
    return Traces(traces.endpoint, traces.sample_ratio, traces.max_followed)


def _statement_watch(settings: Settings, traces: "Traces | None") -> StatementWatch | None:
    """Return what is told of statements; None where nobody wants to know."""
    slow = settings.log.slow_statement
    if traces is None and settings.admin.listen is None and not slow:
        return None
    return StatementWatch(traces, slow)


def _call_metrics(settings: Settings, services: Services) -> CallMetrics | None:
    """Return what counts calls; None where nobody can ask for it."""
    if settings.admin.listen is None:
        return None
    return CallMetrics(method.descriptor for methods in services.values() for method, _ in methods)


def _start_cleaning(cleaner: Cleaner, opened: AsyncExitStack) -> None:
    opened.push_async_callback(cleaner.stop)
    cleaner.start()


async def _locate_database(settings: Settings, opened: AsyncExitStack) -> DatabaseSettings:
    """Return where the database is; the embedded one is started, and kept running."""
    dsn = dsn_of(settings.database)
    folder = embedded_folder(settings.database)
    if folder is not None:
        embedded = EmbeddedPostgres(folder)
        opened.push_async_callback(asyncio.to_thread, embedded.stop)
        dsn = await asyncio.to_thread(embedded.start)
        keeper = Keeper(embedded)
        opened.push_async_callback(keeper.stop)
        keeper.start()
    return replace(database_settings(settings.database, dsn), max_read_bytes=settings.limits.max_read_bytes)


def _retention(settings: config.DatabaseSettings, *, keeps_audit: bool) -> Retention:
    return Retention(
        request_ids=settings.request_id_retention,
        streams=settings.ingest_retention,
        audit=(settings.audit_retention or None) if keeps_audit else None,
    )


def _secret(settings: Settings) -> bytes:
    """Return the page tokens' secret; the embedded database keeps one beside it."""
    embedded = embedded_folder(settings.database) is not None
    return token_secret(settings.tokens, settings.database.data_dir if embedded else None)


def _probe(database: Database, acquire_timeout: float) -> Probe:
    async def probe() -> None:
        # Past the wait for a connection, so that a busy pool says so and doesn't look like a dead database.
        deadline = asyncio.get_running_loop().time() + acquire_timeout + _PROBE_SECONDS
        await database.fetch(_PROBE, (), Call("probe", deadline=deadline))

    return probe
