"""Storage: the database with a schema's tables, checked, and what shares its connections."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from gateway.app.replicas import OpenReplicas, open_replicas
from gateway.app.sharing import keeps_rows, sharing_of
from gateway.config import settings as config
from gateway.config.settings import Settings
from gateway.db.coalesce import PointReads, RowWrites
from gateway.db.connections.database_location import database_settings, dsn_of, embedded_folder
from gateway.db.connections.plain_connections import connector
from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings
from gateway.db.embedded import EmbeddedPostgres, Keeper
from gateway.db.internal_tables.cleaning import Cleaner, Retention
from gateway.db.internal_tables.idempotency import RequestIds, Room
from gateway.db.pool.pool import Pool
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.db.replicas.primary_pool import PrimaryPool
from gateway.db.statements.caller_role import CallerRoles, caller_roles
from gateway.db.statements.watch import StatementWatch
from gateway.introspect import (
    DriftWatch,
    comparing,
    has_own_tables,
    is_audited,
    require_audit,
    require_match,
    require_policies_hold,
    require_warnings,
    tables_of_services,
    warn_of_missing_grants,
    warn_of_too_many_connections,
    withheld_columns,
)
from gateway.introspect.sql_methods import with_queries
from gateway.request.calls.call import Call
from gateway.schema.catalog_facts import with_found
from gateway.schema.model import Schema
from gateway.schema.tables.metadata import Tables, build_tables
from gateway.schema.view_writes import refuse_view_writes
from gateway.sql.statement import Statement
from gateway.transport.builtin.probe import Probe

_PROBE = Statement(text="SELECT 1", binds=(), fields=(), writes=False, name="probe", constants={})
_PROBE_SECONDS = 5.0
_OWN = Call("start")
"""The gateway's own call, for what it looks at before others may call."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The database of a schema.

    Args:
        schema: with what is known of its tables from the database.
        tables: its tables.
        database: by the gateway's own role.
        serving: by the callers' roles, where they have some; else the same.
        reads: by key, shared by calls.
        writes: of single rows, shared by calls.
        request_ids: of calls that may be repeated.
        own_tables: whether the gateway's own tables are there.
        caller_roles: those of the database; None where calls run by the gateway's own.
        withheld: the columns that some roles may not set in new rows, by the message's full name.
        drift_watch: compares the tables with the schema; not yet started.
        replicas: of the database; None where there are none.

    """

    schema: Schema
    tables: Tables
    database: Database
    serving: Database
    reads: PointReads
    writes: RowWrites
    request_ids: RequestIds
    own_tables: bool
    caller_roles: CallerRoles | None
    withheld: Mapping[str, frozenset[str]]
    drift_watch: DriftWatch
    replicas: OpenReplicas | None

    def probe(self, acquire_timeout: float) -> Probe:
        """Return what asks whether the database answers; raises what it fails with."""

        async def probe() -> None:
            # Past the wait for a connection: so a busy pool says so, and doesn't look like a dead database.
            deadline = asyncio.get_running_loop().time() + acquire_timeout + _PROBE_SECONDS
            await self.database.fetch(_PROBE, (), Call("probe", deadline=deadline))

        return probe


async def open_storage(
    schema: Schema, settings: Settings, watch: StatementWatch | None, opened: AsyncExitStack
) -> Storage:
    """Return the database, once it holds what the schema needs.

    Raises gateway.errors.Unavailable, gateway.db.connections.dsn.DsnError,
    gateway.db.embedded.EmbeddedPostgresError, gateway.introspect.SchemaMismatchError,
    gateway.introspect.LackedPrivilegeError, gateway.introspect.AuditUnavailableError,
    gateway.introspect.PoliciesBypassedError, gateway.introspect.WarningsUnheardError and
    gateway.config.errors.ConfigError.
    """
    tables, roles = build_tables(schema), caller_roles(settings.auth)
    in_shards = any(one.distribution is not None for one in schema.resources.values())
    where = replace(await _locate_database(settings, opened), in_shards=in_shards)
    connect = connector(where)
    follows_log = settings.database.read_dsn is not None or keeps_rows(schema, settings)
    log = PrimaryLog() if follows_log else None
    make_pool = Pool if log is None else partial(PrimaryPool, log=log)
    database = await Database.open(where, watch, tells_position=follows_log, make_pool=make_pool)
    opened.push_async_callback(database.close)
    await require_warnings(database, _OWN)
    await warn_of_too_many_connections(database, settings, _OWN)
    known = await _compared(schema, tables, settings, database, connect)
    if roles is not None:
        await require_policies_hold(database, roles.allowed, tables.metadata, _OWN)
    retention = _retention(settings.database, tables)
    await require_audit(database, tables.metadata, _OWN, removes=retention.audit is not None)
    serving = database if roles is None else database.by_roles(roles)
    reads, writes = _shared(serving, settings, opened, apart=roles is not None)
    room = Room(settings.database.request_id_max_bytes)
    replicas = await open_replicas(database, where, settings, watch, opened, roles=roles, log=log)
    own_tables = await has_own_tables(connect, tables.metadata)
    if own_tables:
        _start_cleaning(Cleaner(database, retention, room), opened)
    drift_watch = DriftWatch(comparing(connect, tables.metadata), tables_of_services(known))
    opened.push_async_callback(drift_watch.stop)
    return Storage(
        schema=known,
        tables=tables,
        database=database,
        serving=serving,
        reads=reads,
        writes=writes,
        request_ids=RequestIds(settings.database.request_id_answer_bytes, room),
        own_tables=own_tables,
        caller_roles=roles,
        withheld=await withheld_columns(database, roles.allowed if roles is not None else (), tables, _OWN),
        drift_watch=drift_watch,
        replicas=replicas,
    )


async def _compared(
    schema: Schema,
    tables: Tables,
    settings: Settings,
    database: Database,
    connect: Callable[[], Awaitable[Any]],
) -> Schema:
    """Return the schema with what its tables are found to be; raises what says how they differ."""
    roles = caller_roles(settings.auth)
    grants = await warn_of_missing_grants(database, schema, tables, _OWN, by_callers=roles is not None)
    found = await require_match(connect, tables.metadata, settings.schema.migrations, grants=grants)
    known = with_found(schema, found)
    refuse_view_writes(known, found)
    return await with_queries(connect, known, roles.allowed if roles is not None else None)


def _shared(
    serving: Database, settings: Settings, opened: AsyncExitStack, *, apart: bool
) -> tuple[PointReads, RowWrites]:
    """Return what shares statements among calls; with `apart` among those of one principal alone."""
    sharing = sharing_of(settings)
    reads = PointReads(serving, sharing, apart=apart, gate=serving.primary_gate)
    opened.push_async_callback(reads.close, settings.database.close_timeout)
    writes = RowWrites(serving, sharing, apart=apart, gate=serving.primary_gate)
    opened.push_async_callback(writes.close, settings.database.close_timeout)
    return reads, writes


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


def _start_cleaning(cleaner: Cleaner, opened: AsyncExitStack) -> None:
    opened.push_async_callback(cleaner.stop)
    cleaner.start()


def _retention(settings: config.DatabaseSettings, tables: Tables) -> Retention:
    return Retention(
        request_ids=settings.request_id_retention,
        streams=settings.ingest_retention,
        audit=(settings.audit_retention or None) if is_audited(tables.metadata) else None,
    )
