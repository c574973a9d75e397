"""Two gateways over one database: work that was begun at one goes on at the other."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of, serve

SERVICE = "adversarial.v1.NodeService"
LIST, STREAM, INGEST = (f"{SERVICE}/{name}Nodes" for name in ("List", "Stream", "Ingest"))
CREATE = f"{SERVICE}/CreateNode"
SECRET = "the same for all gateways"  # noqa: S105 - of the test alone
ROWS = 12
ID = "00000000-0000-4000-8000-0000000000ff"

Pair = tuple[RunningGateway, RunningGateway]


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return a database without rows."""
    return await databases.copy_of("adversarial", build_tables(schema_of("adversarial")).metadata)


@pytest.fixture
async def pair(dsn: str, transport: str) -> AsyncIterator[Pair]:
    """Serve it twice, with one key of tokens."""
    limits = {"caller_rate": 1, "caller_burst": 50, "stream_chunk_bytes": 1024}
    settings: dict[str, Any] = {"transport": transport, "secret": SECRET, **limits}
    first, second = [await serve("adversarial", dsn, **settings) for _ in range(2)]
    yield first, second
    await first.stop()
    await second.stop()


def node(number: int) -> dict[str, Any]:
    """Return a node of its own."""
    return {"id": str(UUID(int=number)), "position": number, "color": "COLOR_RED", "label": "x" * 500}


async def filled(gateway: RunningGateway) -> list[str]:
    """Store some nodes; return their ids in order."""
    nodes = [node(number) for number in range(1, ROWS + 1)]
    await gateway.call(f"{SERVICE}/BulkUpsertNodes", nodes=nodes)
    return [one["id"] for one in nodes]


async def test_pages_go_on_at_the_other(pair: Pair) -> None:
    ids, seen, token = await filled(pair[0]), [], ""
    for turn in range(ROWS // 3):
        page = await pair[turn % 2].call(LIST, page_size=3, page_token=token)
        seen += [one.id for one in page.nodes]
        token = page.next_page_token
    assert (seen, token) == (ids, "")


async def test_with_another_key_of_tokens_they_do_not(pair: Pair, dsn: str, transport: str) -> None:
    await filled(pair[0])
    page = await pair[0].call(LIST, page_size=3)
    other = await serve("adversarial", dsn, transport=transport, secret="another key of tokens")  # noqa: S106 - as above
    with pytest.raises(RpcFailed) as refused:
        await other.call(LIST, page_size=3, page_token=page.next_page_token)
    await other.stop()
    assert refused.value.reason == "INVALID_PAGE_TOKEN"


async def test_a_stream_goes_on_at_the_other(pair: Pair) -> None:
    ids = await filled(pair[0])
    begun = pair[0].client.stream(STREAM, order_by="id")
    chunk = await anext(begun)
    begun.call.cancel()
    first = [one.id for one in chunk.nodes]
    assert len(first) < ROWS
    resumed = pair[1].client.stream(STREAM, order_by="id", resume_token=chunk.resume_token)
    rest, _, error = await resumed.take("nodes")
    assert (first + rest, error) == (ids, None)


async def test_a_request_that_is_repeated_at_the_other_is_answered_and_not_done_again(pair: Pair) -> None:
    request = {"node": node(1), "request_id": ID}
    created, repeated = [await gateway.call(CREATE, request) for gateway in pair]
    assert created.id == node(1)["id"]
    assert repeated.SerializeToString() == created.SerializeToString()
    assert len(await pair[0].sql("SELECT FROM node")) == 1


async def test_a_request_that_comes_to_both_at_once_is_done_once(pair: Pair) -> None:
    request = {"node": {**node(1), "id": ""}, "request_id": ID}
    answers = await asyncio.gather(*(gateway.call(CREATE, request) for gateway in pair * 4))
    (row,) = await pair[0].sql("SELECT id FROM node")
    assert {one.id for one in answers} == {str(row["id"])}


async def test_what_is_ingested_at_one_goes_on_at_the_other(pair: Pair) -> None:
    first, second = (gateway.client.converse(INGEST) for gateway in pair)
    start = {"stream_id": "s", "on_conflict": "ON_CONFLICT_FAIL"}
    assert (await first.ask(start=start)).watermark == 0
    for sequence in (1, 2):
        await first.ask(sequence=sequence, nodes=[node(2 * sequence + one) for one in range(2)])
    first.call.cancel()
    assert (await second.ask(start=start)).watermark == 2
    told = await second.ask(sequence=3, nodes=[node(10), node(11)])
    assert (told.watermark, await second.end()) == (3, [])
    assert len(await pair[1].sql("SELECT FROM node")) == 6


async def test_each_has_limits_of_its_own(pair: Pair) -> None:
    """A caller's bucket holds 50 calls: the second gateway takes as many beside those of the first one."""
    for gateway in pair:
        outcomes = await asyncio.gather(*(refusal(gateway) for _ in range(50)))
        assert set(outcomes) == {"ROW_NOT_FOUND"}
    outcomes = await asyncio.gather(*(refusal(pair[0]) for _ in range(200)))
    assert "RATE_LIMITED" in outcomes


async def refusal(gateway: RunningGateway) -> str:
    """Return why a call was refused."""
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{SERVICE}/GetNode", id=ID)
    return refused.value.reason
