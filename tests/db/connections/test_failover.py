"""A standby is promoted while the primary hangs, or lives on: writes go to the promoted one alone."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce import PointReads
from gateway.db.connections.connect import is_final
from gateway.db.connections.plain_connections import connector
from gateway.db.connections.standing import Standing, standing_of
from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings
from gateway.db.driver_errors import causes
from gateway.errors import DeadlineExceeded, RowgateError
from gateway.request.calls.call import Call
from tests.db.coalesce.coalesced_reads import READ
from tests.db.proxy import Proxy, proxied
from tests.db.replicated import Replicated, replicated
from tests.db.servers import make_database, sql, statement, write
from tests.db.standby import WAITS
from tests.harness.client import fresh_name
from tests.harness.databases import Open
from tests.harness.polling import next_poll

WRITE = write("INSERT INTO item VALUES ($1)")
WRITE_TEXT = write("INSERT INTO item VALUES ($1, 'one')")
TIMELINE = statement("SELECT left(pg_walfile_name(pg_current_wal_insert_lsn()), 8)")


@dataclass
class Cluster:
    """A primary and its standby, each behind a proxy.

    Args:
        servers: they.
        primary: the proxy before the first one.
        standby: the proxy before the other one.
        dsn: of both, through the proxies.

    """

    servers: Replicated
    primary: Proxy
    standby: Proxy
    dsn: str

    async def items(self, dsn: str) -> list[int]:
        """Return what a server holds."""
        return [number for (number,) in await sql(dsn, "SELECT id FROM item ORDER BY id")]


@pytest.fixture
async def cluster(data_folder: Path) -> AsyncIterator[Cluster]:
    """Run a cluster of the test's own, with a table."""
    with replicated(data_folder / fresh_name("cluster")) as servers:
        await sql(servers.primary, "CREATE TABLE item (id int)")
        async with proxied(servers.primary) as (first, dsn), proxied(servers.standby) as (second, other):
            hosts = ",".join(urlsplit(one).netloc.partition("@")[2] for one in (dsn, other))
            yield Cluster(servers, first, second, f"postgresql://postgres@{hosts}/postgres")


def soon(seconds: float = 60) -> Call:
    return Call("test", deadline=asyncio.get_running_loop().time() + seconds)


async def test_a_frozen_primary_is_left_when_another_one_is_there(
    cluster: Cluster, open_database: Open
) -> None:
    """A read that waits for the frozen one is made again, and what was pooled is dropped."""
    database = await open_database(cluster.dsn, pool_size=3, release_timeout=60)
    await database.fetch(WRITE, [1], soon())
    cluster.primary.freeze()
    reads = [asyncio.create_task(database.fetch(TIMELINE, [], soon())) for _ in range(5)]
    await asyncio.sleep(0)

    await cluster.servers.promote()

    assert await asyncio.gather(*reads) == [[("00000002",)]] * 5
    await database.fetch(WRITE, [2], soon())
    assert await cluster.items(cluster.servers.standby) == [1, 2]
    assert await cluster.items(cluster.servers.primary) == [1]


async def test_writes_go_to_the_latest_timeline_though_the_earlier_primary_takes_them_too(
    cluster: Cluster, open_database: Open
) -> None:
    database = await open_database(cluster.dsn, pool_size=3)
    await database.fetch(WRITE, [1], soon())

    await cluster.servers.promote()
    async with asyncio.timeout(60):
        while await database.fetch(TIMELINE, [], soon()) != [("00000002",)]:
            await next_poll()
    for number in range(2, 20):
        await database.fetch(WRITE, [number], soon())
    assert await cluster.items(cluster.servers.standby) == list(range(1, 20))

    # The promoted one is away: the other one has been left, however willing it is.
    cluster.standby.freeze()
    await cluster.standby.close()
    with pytest.raises(RowgateError):
        await database.fetch(WRITE, [20], soon(3))
    assert await cluster.items(cluster.servers.primary) == [1]


async def test_calls_wait_for_a_primary_and_only_the_watch_looks_for_it(
    cluster: Cluster, open_database: Open
) -> None:
    database = await open_database(cluster.dsn, pool_size=8)
    await database.fetch(WRITE, [0], soon())
    await cluster.primary.close()
    cluster.primary.freeze()
    before = cluster.standby.links
    waiting = [asyncio.create_task(database.fetch(TIMELINE, [], soon())) for _ in range(50)]
    begun = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() < begun + 1:
        await next_poll()
    assert not any(one.done() for one in waiting)
    assert cluster.standby.links == before, "who waits looks for a primary by itself"

    await cluster.servers.promote()

    assert await asyncio.gather(*waiting) == [[("00000002",)]] * 50


@pytest.mark.parametrize("way", ["shared", "alone"])
async def test_without_a_primary_no_call_is_refused_as_too_many_or_leaves_open_what_it_did(
    cluster: Cluster, open_database: Open, way: str
) -> None:
    """However many wait: those without the time hear UNAVAILABLE in time, the others their answer."""
    database = await open_database(cluster.dsn, pool_size=2, acquire_timeout=0.5, max_queue_delay=0.5)
    await sql(cluster.servers.primary, "ALTER TABLE item ADD text text")
    await database.fetch(WRITE_TEXT, [1], soon())
    reads = PointReads(database, CoalesceSettings(max_concurrent_batches=1), gate=database.primary_gate)
    get = partial(reads.fetch, READ, [1]) if way == "shared" else partial(database.fetch, WRITE_TEXT, [1])
    await sql(cluster.servers.primary, "ALTER SYSTEM SET default_transaction_read_only = on")
    await sql(cluster.servers.primary, "SELECT pg_reload_conf()")
    watch = database._pool.watch
    assert watch is not None
    async with asyncio.timeout(60):
        while not watch.knows_of_none:
            await next_poll()

    patient = [asyncio.create_task(get(soon())) for _ in range(20)]
    for _ in range(2):
        refused = await asyncio.gather(*(get(soon(0.8)) for _ in range(20)), return_exceptions=True)
        reasons = Counter(str(getattr(one, "reason", one)) for one in refused)
        # A machine that is busy for 50 ms may keep one from being told in time.
        assert reasons["NO_WRITABLE_DATABASE"] > len(refused) / 2
        assert set(reasons) <= {"NO_WRITABLE_DATABASE", "DEADLINE_EXCEEDED"}
    await cluster.servers.promote()

    await asyncio.gather(*patient)
    assert await sql(cluster.servers.standby, "SELECT count(*) FROM item") == [
        (1 if way == "shared" else 21,)
    ]
    await reads.close()


async def test_a_frozen_host_holds_nobody_up(cluster: Cluster, open_database: Open) -> None:
    cluster.standby.freeze()
    frozen_first = ",".join(reversed(cluster.dsn.partition("@")[2].partition("/")[0].split(",")))
    dsn = f"postgresql://postgres@{frozen_first}/postgres"

    async with asyncio.timeout(8):
        connection = await connector(DatabaseSettings(dsn, connect_timeout=30))()
        await connection.close()
        database = await open_database(dsn, connect_timeout=30)
        await database.fetch(WRITE, [1], soon())
    assert await cluster.items(cluster.servers.primary) == [1]


async def test_a_plain_connection_leads_to_the_latest_timeline(cluster: Cluster) -> None:
    await cluster.servers.promote()

    connection = await connector(DatabaseSettings(cluster.dsn))()

    assert (await standing_of(connection)).timeline == 2
    await connection.close()


async def test_hosts_that_could_not_take_over_are_told_of_before_they_have_to(
    cluster: Cluster, any_server: str, open_database: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """One of another cluster, and one that refuses the login."""
    role = fresh_name("role")
    await sql(cluster.servers.primary, f"CREATE ROLE {role} LOGIN")
    await sql(cluster.servers.primary, f"GRANT SELECT ON item TO {role}")
    async with proxied(any_server) as (_, stranger):
        first, other = (urlsplit(one).netloc.partition("@")[2] for one in (cluster.dsn, stranger))
        both = f"{first.partition(',')[0]},{other}"
        database = await open_database(f"postgresql://postgres@{both}/postgres")
        await until_told(database, caplog, "of different clusters")
        caplog.clear()
        database = await open_database(f"postgresql://{role}@{both}/postgres")
        await until_told(database, caplog, "a host can't be used")
    (line,) = [vars(one) for one in caplog.records if one.message == "a host can't be used"]
    assert line["host"] == other
    assert role in line["why"]


async def until_told(database: Database, caplog: pytest.LogCaptureFixture, event: str) -> None:
    async with asyncio.timeout(60):
        while event not in caplog.text:
            await database.fetch(TIMELINE, [], soon())


async def test_the_standing_of_a_server_takes_no_privilege(any_server: str) -> None:
    dsn = await make_database(any_server)
    role = fresh_name("nobody")
    await sql(dsn, f"CREATE ROLE {role} LOGIN")
    connection = await asyncpg.connect(dsn, user=role)
    try:
        standing = await standing_of(connection)
        await connection.execute("SET default_transaction_read_only = on")
        refusing = await standing_of(connection)
        await connection.execute("SELECT pg_logical_emit_message(true, 'rowgate', '')")
    finally:
        await connection.close()
    [(system,)] = await sql(dsn, "SELECT system_identifier FROM pg_control_system()")
    assert standing == Standing(recovers=False, read_only=False, system=system, timeline=1, synchronous=False)
    assert refusing.read_only


async def test_an_ask_that_loses_its_connection_may_be_repeated(cluster: Cluster) -> None:
    """Whether the driver was told of the end, or asked again after it."""
    connection = await asyncpg.connect(cluster.dsn)
    cluster.primary.freeze()
    asking = asyncio.ensure_future(standing_of(connection))
    await asyncio.sleep(0)
    await cluster.primary.close()
    for ask in (asking, standing_of(connection)):
        with pytest.raises(asyncpg.ConnectionDoesNotExistError) as lost:
            await ask
        assert not is_final(lost.value)
        assert len([*islice(causes(lost.value), 9)]) < 9, "an error is its own cause"


async def test_a_single_write_that_waits_for_a_standby_is_not_cancelled(
    cluster: Cluster, open_database: Open
) -> None:
    """Its deadline would show others what the standby doesn't have."""
    database = await open_database(cluster.dsn, pool_size=2)
    await database.fetch(WRITE, [1], soon())
    await sql(cluster.servers.primary, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    await sql(cluster.servers.primary, "SELECT pg_reload_conf()")
    await until_known(database)

    with pytest.raises(DeadlineExceeded):
        await database.fetch(WRITE, [2], soon(0.5))

    assert await sql(cluster.servers.primary, f"SELECT count(*) {WAITS}") == [(1,)]
    assert await cluster.items(cluster.servers.primary) == [1]


async def until_known(database: Database) -> None:
    """Wait until the gateway knows that commits wait for a standby."""
    watch = database._pool.watch
    assert watch is not None
    async with asyncio.timeout(60):
        while not watch.is_synchronous:
            await next_poll()
