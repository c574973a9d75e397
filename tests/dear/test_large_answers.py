"""Answers that clients don't take, and rows that are large: what the gateway holds of both is bounded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest

from tests.dear.answering import IN_FLIGHT, LIST, MIB, RESPONSE, SERVICE, STREAM, Answering, answering
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.transport.reasons import reason_of
from tests.transport.wire.http2.peer import Peer, peer_of

GET = f"{SERVICE}/GetScalar"
LARGE = MIB // 2
PAGE = {"filter": "id >= 101 AND id <= 120", "page_size": 1000}
"""20 rows of an eighth of a MiB."""
REFUSED = (8, "TOO_MANY_RESPONSE_BYTES")
COPIES = 3
"""A response is rows, then a message, then bytes; grpc core copies those."""
MEMORY = COPIES * IN_FLIGHT + 24 * MIB


@pytest.fixture(scope="module", params=["http", "grpcio"])
async def each(request: pytest.FixtureRequest, databases: Databases) -> AsyncIterator[Answering]:
    """Serve over each transport, which gives up a client that takes nothing within three seconds."""
    async with answering(databases, request.param, default_deadline=3, stream_send_timeout=1.5) as server:
        await server.fill(101, 120, MIB // 8)
        yield server


@pytest.fixture(scope="module")
async def server(databases: Databases) -> AsyncIterator[Answering]:
    """Serve 100 small rows and 60 of half a MiB."""
    async with answering(databases, "http") as one:
        await one.fill(2, 100, 100)
        await one.fill(101, 160, LARGE)
        await one.sql("UPDATE scalar SET int32_value = id % 7")
        yield one


async def ask(peer: Peer, server: Answering) -> int:
    """Ask for a page of large rows over a connection that never takes any; return what its status is."""
    request = server.client.message("types.v1.ListScalarsRequest", PAGE).SerializeToString()
    number = peer.call(f"/{LIST}", request)
    await peer.until(lambda: bool(peer.outcome(number).headers))
    return number


def refused(peer: Peer, number: int) -> bool:
    """Return whether a call was refused, for the bytes that others hold."""
    outcome = peer.outcome(number)
    return outcome.ended and reason_of(outcome.headers) == REFUSED


async def answered(server: Answering, method: str, **request: Any) -> Any:
    """Return the answer of a call; None where it is refused for the bytes that others hold."""
    try:
        return await server.call(method, request)
    except RpcFailed as failed:
        if failed.reason == REFUSED[1]:
            return None
        raise


async def free_again(server: Answering) -> None:
    """Wait until nobody holds anything."""
    async with asyncio.timeout(60):
        while True:
            asked = (answered(server, LIST, **PAGE) for _ in range(2))
            if all(await asyncio.gather(*asked)):
                return
            await asyncio.sleep(0.05)


async def test_answers_that_nobody_takes_are_bounded_and_small_ones_go_on(each: Answering) -> None:
    before = each.forget()
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(peer_of(each.target)) for _ in range(12)]
        asked = [(peer, await ask(peer, each)) for peer in peers for _ in range(4)]
        assert (await each.call(GET, id=1)).id == 1
        assert 0 < sum(refused(*one) for one in asked) < len(asked)
        assert each.most() - before < MEMORY
    await free_again(each)


async def test_answers_that_are_asked_for_at_once_are_bounded(each: Answering) -> None:
    before = each.forget()
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(peer_of(each.target)) for _ in range(12)]
        asked = await asyncio.gather(*(ask(peer, each) for peer in peers))
        assert 0 < sum(refused(*one) for one in zip(peers, asked, strict=True)) < len(asked)
        assert each.most() - before < MEMORY
    await free_again(each)


async def test_one_connection_leaves_room_for_others(each: Answering) -> None:
    async with peer_of(each.target) as peer:
        numbers = [await ask(peer, each) for _ in range(4)]
        # Five eighths of the limit are 5 MiB.
        assert sum(not refused(peer, number) for number in numbers) <= 2
        assert len((await each.call(LIST, PAGE)).scalars) == 20
    await free_again(each)


async def test_a_client_that_takes_nothing_is_given_up(each: Answering) -> None:
    async with AsyncExitStack() as stack:
        # Each has room for one page, and all for three.
        for peer in [await stack.enter_async_context(peer_of(each.target)) for _ in range(3)]:
            assert not refused(peer, await ask(peer, each))
        with pytest.raises(RpcFailed) as caught:
            await each.call(LIST, PAGE)
        assert caught.value.reason == REFUSED[1]
        assert caught.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        # All are still there.
        await free_again(each)


async def pages(server: Answering, **request: Any) -> list[list[int]]:
    """Return the numbers of each page's rows."""
    found, token = [], ""
    while True:
        page = await server.call(LIST, {"page_size": 1000, "page_token": token, **request})
        assert page.ByteSize() <= RESPONSE
        found.append([row.id for row in page.scalars])
        token = page.next_page_token
        if not token:
            return found


@pytest.mark.parametrize("order", ["id desc", "int32_value, id"])
async def test_a_list_of_large_rows_has_shorter_pages(server: Answering, order: str) -> None:
    before = server.forget()
    found = await pages(server, order_by=order)
    expected = await server.sql(f"SELECT id FROM scalar ORDER BY {order}")  # noqa: S608 - written here
    assert [number for page in found for number in page] == [row["id"] for row in expected]
    # Not one by one, either.
    assert len(found) <= 2 * 60 * LARGE // RESPONSE
    assert server.most() - before < MEMORY


async def refusal(server: Answering, method: str, **request: Any) -> tuple[str, int]:
    """Return why a call is refused, and what it took of memory."""
    before = server.forget()
    with pytest.raises(RpcFailed) as caught:
        await server.call(f"{SERVICE}/{method}", request)
    return caught.value.reason, server.most() - before


async def test_a_batch_of_large_rows_is_refused_before_they_are_read(server: Answering) -> None:
    reason, memory = await refusal(server, "BatchGetScalars", ids=[*range(101, 161)])
    assert reason == "RESPONSE_TOO_LARGE"
    assert memory < MEMORY


async def test_a_batch_whose_answer_is_too_large_changes_nothing(server: Answering) -> None:
    requests = [{"scalar": {"id": i, "int32Value": 7}, "updateMask": "int32Value"} for i in range(101, 161)]
    reason, memory = await refusal(server, "BatchUpdateScalars", requests=requests)
    assert reason == "RESPONSE_TOO_LARGE"
    assert memory < MEMORY
    assert await server.sql("SELECT id FROM scalar WHERE int32_value = 7") == []


async def test_reads_of_large_rows_that_share_a_statement_are_answered(server: Answering) -> None:
    before = server.forget()
    rows = await asyncio.gather(*(answered(server, GET, id=i) for i in range(101, 161)))
    assert sum(row is not None for row in rows) >= IN_FLIGHT // LARGE // 4
    assert {len(row.bytes_value) for row in rows if row is not None} == {LARGE}
    assert server.most() - before < MEMORY


@pytest.mark.parametrize("order", ["id desc", "int32_value, id"])
async def test_a_stream_of_large_rows_among_small_ones_takes_little_memory(
    server: Answering, order: str
) -> None:
    before = server.forget()
    found = [row.id async for chunk in server.stream(STREAM, order_by=order) for row in chunk.scalars]
    expected = await server.sql(f"SELECT id FROM scalar ORDER BY {order}")  # noqa: S608 - written here
    assert found == [row["id"] for row in expected]
    assert server.most() - before < MEMORY
