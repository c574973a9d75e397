"""What a process keeps by itself, and forgets as others tell of changes."""

import asyncio
import signal
from collections.abc import AsyncIterator
from functools import partial

import pytest

from gateway.db.cache.row_cache import RowCache
from gateway.db.cache.shared.access import StoreAccess
from gateway.db.cache.shared.address import store_address
from gateway.db.cache.shared.connection import StoreConnection
from gateway.db.cache.shared.hearing import Hearing
from gateway.db.cache.shared.sealed_rows import RowSeal
from gateway.db.cache.shared.shared_rows import SharedRows
from gateway.db.cache.shared.told_changes import ToldChanges
from gateway.schema.tables.metadata import build_tables
from tests.cache.conftest import SECRET
from tests.cache.shelf import SHELVES, Shelves
from tests.cache.store import Store
from tests.cache.test_cached_reads import CHANGES
from tests.cache.test_shared_rows import SECRET as ROWS_SECRET
from tests.cache.test_shared_rows import at, done, read, rows_in, until_up, way
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import schema_of, serve
from tests.harness.polling import next_poll


@pytest.fixture
async def two(databases: Databases, store: Store, transport: str) -> AsyncIterator[tuple[Shelves, Shelves]]:
    """Serve two shelves twice, by gateways that each keep rows and share them."""
    dsn = await databases.copy_of("shelves", build_tables(schema_of("shelves")).metadata)
    await fetch(dsn, "INSERT INTO shelf SELECT number, 'old' FROM generate_series(1, 2) AS number")
    common = {"secret": SECRET, "cache_url": store.url, "cache_timeout": 10}
    gateways = [await serve("shelves", dsn, transport=transport, **common) for _ in range(2)]
    while listening(store) < 2:
        await next_poll()
    yield Shelves(gateways[0]), Shelves(gateways[1])
    for gateway in gateways:
        await gateway.stop()


def listening(store: Store) -> int:
    """Return how many listen."""
    channels = store.ask("PUBSUB", "CHANNELS")
    return int(store.ask("PUBSUB", "NUMSUB", *channels)[1]) if channels else 0


@pytest.mark.parametrize("change", CHANGES)
async def test_what_one_gateway_changes_others_forget(two: tuple[Shelves, Shelves], change: str) -> None:
    one, other = two
    assert await other.name() == "old"
    await one.caller.call(f"{SHELVES}/{change.partition(' ')[0]}", **CHANGES[change])
    async with asyncio.timeout(10):
        while await other.name() != "new":
            await next_poll()


class Listener:
    """A process that keeps rows, and listens.

    Args:
        store: to which.
        told: reads what is told.

    """

    def __init__(self, store: Store, told: ToldChanges | None = None) -> None:
        self.cache = RowCache(1 << 20)
        self.is_deaf = False
        self.attempts = 0
        """How often it came to the store."""
        self._connect = partial(StoreConnection.open, store_address(store.url), None)
        make_seal = partial(RowSeal, ROWS_SECRET, b"1/5/", prefix="t")
        access = StoreAccess("store", self._connected, make_seal)
        self.hearing = Hearing(access, told or ToldChanges(), self.cache, ("public.shelf", "public.tome"))

    async def _connected(self) -> StoreConnection:
        self.attempts += 1
        if self.is_deaf:
            raise ConnectionRefusedError
        return await self._connect()

    def keep(self, row: int) -> None:
        """Keep a row."""
        self.cache.put(way(row), read(), self.cache.stamp(way(row)))

    def kept(self, *rows: int) -> list[int]:
        """Return which of some rows are kept."""
        return [row for row in rows if self.cache.get(way(row), lambda _: True)]


@pytest.fixture
async def listener(store: Store) -> AsyncIterator[Listener]:
    """Give a process that listens."""
    listener = Listener(store)
    listener.hearing.start()
    while not listening(store):
        await next_poll()
    yield listener
    await listener.hearing.stop()


@pytest.fixture
async def rows(store: Store) -> AsyncIterator[SharedRows]:
    """Give the rows of another process."""
    async with rows_in(store) as rows:
        yield rows


async def until_forgotten(listener: Listener, row: int) -> None:
    """Wait until a row isn't kept any more."""
    async with asyncio.timeout(20):
        while listener.kept(row):
            await next_poll()


async def test_a_row_is_forgotten_by_its_change_and_all_by_their_table_s(
    listener: Listener, rows: SharedRows
) -> None:
    for row in (1, 2):
        listener.keep(row)
    await done(rows.all_changed("public.tome", at(9)))
    await done(rows.changed("public.shelf", (1,), at(9)))
    await until_forgotten(listener, 1)
    assert listener.kept(1, 2) == [2]
    await done(rows.all_changed("public.shelf", None))
    await until_forgotten(listener, 2)
    assert listener.hearing.heard == 3


async def test_a_replica_s_row_of_before_a_change_is_not_kept_after_it(
    listener: Listener, rows: SharedRows
) -> None:
    await done(rows.changed("public.shelf", (1,), at(9)))
    while not listener.hearing.heard:
        await next_poll()
    of_replica = read()._replace(current_at=float("-inf"))
    stamp = listener.cache.stamp(way(1))
    assert not listener.cache.put(way(1), of_replica._replace(position=at(8)), stamp)
    assert listener.cache.put(way(1), of_replica._replace(position=at(9)), stamp)


async def test_what_was_told_while_nobody_listened_is_forgotten(
    store: Store, listener: Listener, rows: SharedRows
) -> None:
    listener.is_deaf = True
    store.ask("CLIENT", "KILL", "TYPE", "pubsub")
    while listening(store):
        await next_poll()
    listener.keep(1)
    await done(rows.changed("public.shelf", (1,), at(9)))
    assert listener.kept(1) == [1]
    listener.is_deaf = False
    await until_forgotten(listener, 1)


async def test_what_is_told_after_a_restart_is_heard(
    store: Store, listener: Listener, rows: SharedRows
) -> None:
    store.end()
    told = rows.changed("public.shelf", (2,), at(9))
    assert told is None or await told is None
    store.start()
    await until_up(rows)
    while not listening(store):
        await next_poll()
    listener.keep(1)
    await done(rows.changed("public.shelf", (1,), at(9)))
    await until_forgotten(listener, 1)


async def test_a_store_that_falls_silent_is_lost_and_one_that_is_quiet_is_not(
    store: Store, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.db.cache.shared.hearing._SILENCE", 0.5)
    listener.is_deaf = True
    store.ask("CLIENT", "KILL", "TYPE", "pubsub")  # after which the shorter time holds
    while listening(store):
        await next_poll()
    listener.is_deaf = False
    async with asyncio.timeout(20):
        while b"cmdstat_ping:calls=3" not in store.ask("INFO", "commandstats"):
            await next_poll()
        attempts, listener.is_deaf = listener.attempts, True
        store.signal(signal.SIGSTOP)
        while listener.attempts == attempts:
            await next_poll()


async def test_nobody_hears_what_he_told(store: Store, rows: SharedRows) -> None:
    told = ToldChanges()
    listener = Listener(store, told)
    listener.hearing.start()
    while not listening(store):
        await next_poll()
    async with rows_in(store, told=told) as own:
        await done(own.changed("public.shelf", (1,), at(9)))
    await done(rows.changed("public.shelf", (2,), at(9)))
    while not listener.hearing.heard:
        await next_poll()
    assert listener.hearing.heard == 1
    await listener.hearing.stop()


async def test_what_others_write_there_is_not_heard(store: Store, rows: SharedRows) -> None:
    told = ToldChanges()
    listener = Listener(store, told)
    listener.hearing.start()
    while not listening(store):
        await next_poll()
    listener.keep(1)
    (channel,) = store.ask("PUBSUB", "CHANNELS")
    for message in (b"", b"\0" * 100):
        store.ask("PUBLISH", channel, message)
    await done(rows.changed("public.tome", (1,), at(9)))
    while not listener.hearing.heard:
        await next_poll()
    assert listener.kept(1) == [1]
    await listener.hearing.stop()
