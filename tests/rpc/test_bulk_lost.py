"""Backends that are ended at each stage of a write: what the caller is told, and what is stored then."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import asyncpg
import pytest

from gateway.db.retry import Retry
from gateway.schema.tables.metadata import build_tables
from tests.db.proxy import Proxy, proxied
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.rpc.bulk_ways import taking

SERVICE = "guarded.v1.ThingService"
_CALLS = ("execute", "_do_execute", "copy_to_table")
_TURNS = 50
LOST = {("UNAVAILABLE", "DATABASE_CONNECTION_LOST"), ("UNAVAILABLE", "DATABASE_SHUTTING_DOWN")}
UNKNOWN = {("UNKNOWN", "COMMIT_OUTCOME_UNKNOWN")}


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)


class Killer:
    """Ends the session of one of the driver's calls, before it or in the middle of its rows.

    Args:
        dsn: the database, past the proxy.
        proxy: what stands before it, for all others.

    """

    def __init__(self, dsn: str, proxy: Proxy) -> None:
        self._dsn = dsn
        self._proxy = proxy
        self.at = -1
        """The call that is met, counted from 0."""
        self.within = False
        """Whether it is ended after the first of its rows."""
        self._end: asyncio.Task[None] | None = None

    async def sql(self, text: str) -> Any:
        """Run SQL past the proxy; return its rows."""
        return await fetch(self._dsn, text)

    async def meet(self, connection: Any) -> None:
        """End the session, if it is time, and let the driver hear what the server said last."""
        self.at -= 1
        if self.at != -1:
            return
        self._proxy.last_word.clear()
        await fetch(self._dsn, "SELECT pg_terminate_backend($1, 5000)", connection.get_server_pid())
        await self._proxy.last_word.wait()
        await _turns()
        self._end = asyncio.create_task(self._tell())

    async def _tell(self) -> None:
        """Let the end be seen after the call that met it has begun."""
        await _turns()
        await self._proxy.close()

    async def done(self) -> None:
        """Wait until no connection is about to be cut."""
        if self._end is not None:
            await self._end

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return a call of the driver's that may meet its end."""

        async def met(connection: Any, *args: Any, **options: Any) -> Any:
            if connection.is_closed() or connection.get_settings().application_name != "rowgate":
                return await call(connection, *args, **options)
            if self.within and "source" in options:
                options["source"] = self._broken(connection, options["source"])
            elif not self.within:
                await self.meet(connection)
            return await call(connection, *args, **options)

        return met

    async def _broken(self, connection: Any, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for part in parts:
            yield part
            await self.meet(connection)

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Stand around every call of the driver's."""
        with pytest.MonkeyPatch.context() as patch:
            for name in _CALLS:
                patch.setattr(asyncpg.Connection, name, self.around(getattr(asyncpg.Connection, name)))
            yield


@pytest.fixture(params=[False, True], ids=["told of the end", "not told of the end"])
async def killed(
    request: pytest.FixtureRequest, databases: Databases, transport: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RunningGateway, Killer]]:
    """Serve things through a proxy, which may keep the end of a connection to itself."""
    dsn = await databases.copy_of("guarded", build_tables(schema_of("guarded")).metadata)
    async with proxied(dsn) as (proxy, through):
        gateway = await serve("guarded", through, transport=transport)
        monkeypatch.setattr(Retry, "_may_retry", lambda *_: False)
        proxy.hides_ends = request.param
        try:
            yield gateway, Killer(dsn, proxy)
        finally:
            proxy.hides_ends = False
            await proxy.close()
            await gateway.stop()


async def _each_stage(
    killer: Killer, call: Callable[[], Any], undo: Callable[[], Any]
) -> list[tuple[str, str]]:
    """Return what the callers are told whose session is ended at the first call, the second, and so on."""
    told = []
    for at in count():
        killer.at = at
        await undo()
        with killer.armed():
            try:
                await call()
                told.append(("OK", ""))
            except RpcFailed as failed:
                told.append((failed.code.name, failed.reason))
        await killer.done()
        if killer.at >= 0:
            return told
    raise AssertionError


@pytest.mark.parametrize("way", ["merge", "load"])
async def test_a_bulk_upsert_whose_session_ends_is_unavailable_and_stores_nothing(
    killed: tuple[RunningGateway, Killer], way: str
) -> None:
    gateway, killer = killed
    rows = [{"id": n} for n in range(600)]
    stored: list[int] = []

    async def undo() -> None:
        stored.append(len(await killer.sql("DELETE FROM thing RETURNING id")))

    with taking(way):
        told = await _each_stage(
            killer, lambda: gateway.call(f"{SERVICE}/BulkUpsertThings", things=rows), undo
        )
        killer.within = True
        told += await _each_stage(
            killer, lambda: gateway.call(f"{SERVICE}/BulkUpsertThings", things=rows), undo
        )
    await undo()
    assert set(told) <= {*LOST, ("OK", "")}, told
    assert [600 * (name == "OK") for name, _ in told] == stored[1:]
    assert len(told) > 8


@pytest.mark.parametrize("method", ["CreateThing", "BatchUpdateThings"])
async def test_a_write_whose_session_ends_is_unavailable_or_of_unknown_outcome(
    killed: tuple[RunningGateway, Killer], method: str
) -> None:
    gateway, killer = killed
    thing: dict[str, Any] = {"thing": {"id": 1, "number": 2}}
    request = {"requests": [thing]} if method.startswith("Batch") else thing
    creates = method == "CreateThing"

    async def undo() -> None:
        await killer.sql("DELETE FROM thing")
        if not creates:
            await killer.sql("INSERT INTO thing (id, number) VALUES (1, 1)")

    told = await _each_stage(killer, lambda: gateway.call(f"{SERVICE}/{method}", request), undo)
    assert set(told) <= {*LOST, *UNKNOWN, ("OK", "")}, told
    assert told[-1] == ("OK", "")
    assert len(told) > 1
