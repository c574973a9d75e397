"""Drift that comes while a schema is served: others alter a table, and its statements fail."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import asyncpg
from sqlalchemy import MetaData

from gateway.background_task import BackgroundTask
from gateway.db.connections.column_types import are_alike
from gateway.introspect.drift.differences import Difference, Kind
from gateway.introspect.drift.find_drift import ModelRefusedError, drift
from gateway.introspect.startup.own_tables import own_tables_of
from gateway.introspect.tables.table_records import Name
from gateway.observe.call_record import CallRecord
from gateway.schema.model import Schema

_logger = logging.getLogger(__name__)
_INTERVAL = 300.0
"""Seconds between two looks, where nothing asks for one."""
_INTERVAL_OF_DRIFT = 10.0
_REST = 5.0
"""Seconds between two looks at least: an error that tells of drift may come with each call."""
_LOOK_SECONDS = 30.0
_CLOSE_SECONDS = 5
_TELLING = "SCHEMA_MISMATCH"
# With any of these statements fail. A check that is gone, say, lets in what it shouldn't: it is only logged.
_FAILING = frozenset(
    {
        Kind.SCHEMA,
        Kind.EXTENSION,
        Kind.ENUM,
        Kind.LABEL,
        Kind.TABLE,
        Kind.COLUMN,
        Kind.TYPE,
        Kind.KEY,
        Kind.DISTRIBUTION,
    }
)
_UNABLE = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, EOFError, ModelRefusedError)

Look = Callable[[], Awaitable[Sequence[Difference]]]
"""Returns what differs between schema and database."""


class DriftWatch:
    """Compares schema and database now and then, and soon after an error that tells of drift.

    Each difference is logged when it comes. `stop` before `start`, and twice, is safe.

    Args:
        look: compares.
        tables: the tables that each service uses, by its full name.

    """

    def __init__(self, look: Look, tables: Mapping[str, frozenset[Name]]) -> None:
        self._look = look
        self._tables = tables
        self._known: tuple[Difference, ...] = ()
        self._unable = ""
        self._asked = asyncio.Event()
        self._task = BackgroundTask("drift watch")

    def start(self, tell: Callable[[frozenset[str]], None]) -> None:
        """Begin; `tell` is told which services' statements fail, at each change."""
        self._task.start(self._run(tell))

    async def stop(self) -> None:
        """End, and wait for the end."""
        await self._task.stop()

    def observe(self, record: CallRecord) -> None:
        """Look soon after the first call that failed by drift."""
        if record.reason == _TELLING and not self._known:
            self._asked.set()

    def look_soon(self) -> None:
        """Look, however long ago the last look was."""
        self._asked.set()

    async def _run(self, tell: Callable[[frozenset[str]], None]) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERVAL_OF_DRIFT if self._known else _INTERVAL):
                    await self._asked.wait()
            self._asked.clear()
            found = await self._compare()
            if found is not None and found != self._known:
                self._log(found)
                self._known = found
                tell(self._failing(found))
            await asyncio.sleep(_REST)

    async def _compare(self) -> tuple[Difference, ...] | None:
        """Return what forbids serving; None where that can't be told now."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                found = tuple(one for one in await self._look() if one.forbids_serving)
        except _UNABLE as error:
            why = f"{type(error).__name__}: {error}"
            if why != self._unable:
                _logger.warning("the schema can't be compared with the database", extra={"why": why})
            self._unable = why
            return None
        self._unable = ""
        return found

    def _log(self, found: Sequence[Difference]) -> None:
        for one in found:
            if one not in self._known:
                facts = {"difference": str(one), "services": sorted(self._using([one]))}
                _logger.error("the database has drifted from the schema", extra=facts)
        if not found:
            _logger.warning("the database fits the schema again")

    def _failing(self, found: Sequence[Difference]) -> frozenset[str]:
        return self._using(one for one in found if one.kind in _FAILING and not _is_another_width(one))

    def _using(self, found: Iterable[Difference]) -> frozenset[str]:
        """Return the services that use what differs: all, where it is no table's."""
        return frozenset(
            service
            for one in found
            for service, tables in self._tables.items()
            if one.table is None or one.kind in (Kind.ENUM, Kind.LABEL) or one.table in tables
        )


def _is_another_width(one: Difference) -> bool:
    """Return whether statements read and write the column all the same, as while older gateways still run."""
    return one.kind is Kind.TYPE and are_alike(one.wanted or "", one.found or "")


def tables_of_services(schema: Schema) -> Mapping[str, frozenset[Name]]:
    """Return the tables that each service uses, by its full name; the gateway's own are among them."""
    found: dict[str, set[Name]] = {}
    for service in schema.services.values():
        names = found.setdefault(service.full_name, set())
        for one in service.standard_methods:
            names.update(Name(held.schema, held.table) for held in (one.resource, *one.related.values()))
        for method in service.methods:
            names.update(own_tables_of(method))
    return {service: frozenset(names) for service, names in found.items()}


def comparing(connect: Callable[[], Awaitable[Any]], metadata: MetaData) -> Look:
    """Return what compares the schema's tables with the database, over a connection of its own."""

    async def look() -> Sequence[Difference]:
        connection = await connect()
        try:
            return await drift(connection, metadata)
        finally:
            await connection.close(timeout=_CLOSE_SECONDS)

    return look
