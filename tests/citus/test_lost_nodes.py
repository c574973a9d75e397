"""Nodes and answers that are lost during writes: nothing acknowledged is lost, and no call is half done."""

import asyncio
from collections.abc import AsyncIterator
from itertools import cycle
from typing import Any, NamedTuple

import asyncpg
import pytest

from gateway.db.database import Transaction
from gateway.errors import OutcomeUnknown
from gateway.migrate import apply, connect_to
from gateway.request.calls.call import Call
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.citus.cluster import Cluster
from tests.citus.events import events
from tests.db.proxy import proxied
from tests.db.servers import write
from tests.divided.events import EVENTS, KINDS
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import opening
from tests.harness.gateway import client_of

pytestmark = pytest.mark.citus
WRITERS, CALLS, CUTS = 4, 24, 6
ADD = write("INSERT INTO event (kind, id, version, updated_at) VALUES ('KIND_BUY', $1, 1, now())")
_END = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
_LATE = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"}
_UNTOLD = {"COMMIT_OUTCOME_UNKNOWN", "DATABASE_CONNECTION_LOST", "SESSION_TERMINATED"}


@pytest.fixture(scope="module")
async def dsn(cluster: Cluster) -> str:
    dsn = await cluster.database()
    await apply(build_tables(read_schema(events(in_shards=True))).metadata, connect_to(dsn))
    return dsn


@pytest.fixture
async def client(dsn: str, transport: str) -> AsyncIterator[Client]:
    async with client_of(events(in_shards=True), dsn, transport=transport) as client:
        yield client


async def _ids(dsn: str) -> set[int]:
    connection = await asyncpg.connect(dsn)
    try:
        return {row[0] for row in await connection.fetch("SELECT id FROM event")}
    finally:
        await connection.close()


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_commit_of_a_node_whose_answer_is_lost_is_told_so(dsn: str, *, delivered: bool) -> None:
    """The coordinator has no id of what a worker wrote: whether that is committed it doesn't know."""
    number = 900 + delivered
    async with proxied(dsn) as (proxy, through), opening() as open_database:
        database = await open_database(through, pool_size=1)

        async def work(transaction: Transaction) -> None:
            await transaction.fetch(ADD, [number])

        proxy.cut_at(b"COMMIT", delivered=delivered)
        with pytest.raises(OutcomeUnknown):
            await database.transact(work, Call("test"))
    assert (number in await _ids(dsn)) is delivered


class Sent(NamedTuple):
    """What a writer sent at once, and whether it was told that it is stored; None where nobody knows.

    Args:
        ids: of the rows.
        stored: what it was told.

    """

    ids: frozenset[int]
    stored: bool | None


async def _send(client: Client, method: str, ids: list[int], **fields: Any) -> Sent:
    try:
        await client.call(f"{EVENTS}/{method}", **fields)
    except RpcFailed as error:
        unknown = error.reason in _UNTOLD or error.code.name in _LATE
        return Sent(frozenset(ids), None if unknown else False)
    return Sent(frozenset(ids), stored=True)


async def _write(client: Client, writer: int) -> list[Sent]:
    sent = []
    for call in range(CALLS):
        first = 1000 + (writer * CALLS + call) * 10
        rows = [{"kind": KINDS[n % 3], "id": first + n} for n in range(6)]
        ids = [row["id"] for row in rows]
        if call % 3 == 0:
            sent.append(await _send(client, "CreateEvent", ids[:1], event=rows[0]))
        elif call % 3 == 1:
            requests = [{"event": row} for row in rows]
            sent.append(await _send(client, "BatchCreateEvents", ids, requests=requests))
        else:
            sent.append(await _send(client, "BulkUpsertEvents", ids, events=rows))
    return sent


async def _lose(cluster: Cluster, dsn: str, writing: "asyncio.Future[Any]") -> int:
    """End one node's sessions after the other's, as its end would, while others write; return how often."""
    _, *workers = await cluster.nodes()
    database, ended = dsn.rpartition("/")[2], 0
    for worker in cycle(workers):
        if writing.done() or ended == CUTS:
            break
        connection = await asyncpg.connect(cluster.on(worker, database))
        ended += await connection.fetchval(_END) > 0
        await connection.close()
        await asyncio.wait([writing], timeout=0.2)
    return ended


async def test_what_was_acknowledged_is_there_and_nothing_by_halves(
    cluster: Cluster, dsn: str, client: Client
) -> None:
    writing = asyncio.gather(*(_write(client, writer) for writer in range(WRITERS)))
    ended = await _lose(cluster, dsn, writing)
    sent = [one for each in await writing for one in each]
    stored = await _ids(dsn)
    assert ended > 1
    assert [one for one in sent if one.stored and not one.ids <= stored] == []
    assert [one for one in sent if one.stored is False and one.ids & stored] == []
    assert [one for one in sent if 0 < len(one.ids & stored) < len(one.ids)] == []
    assert sum(one.stored is True for one in sent) > len(sent) / 2
