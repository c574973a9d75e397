"""Reads of replicas: what each method that reads answers, by the consistency that is asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any

import pytest

from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll
from tests.replicas.caller import ACCOUNTS, BANK, Caller
from tests.replicas.conftest import Cluster

pytestmark = pytest.mark.parametrize("transport", ["http", "grpcio"], scope="module")
Read = Callable[[Caller, str], Awaitable[int]]


async def got(caller: Caller, consistency: str) -> int:
    return await caller.cents("a", consistency)


async def listed(caller: Caller, consistency: str) -> int:
    page = await caller.call(f"{ACCOUNTS}/ListAccounts", consistency=consistency, filter='id = "a"')
    return int(page.accounts[0].cents)


async def got_of_batch(caller: Caller, consistency: str) -> int:
    found = await caller.call(f"{ACCOUNTS}/BatchGetAccounts", consistency=consistency, ids=["a"])
    return int(found.accounts[0].cents)


async def counted(caller: Caller, consistency: str) -> int:
    found = await caller.call(f"{ACCOUNTS}/CountAccounts", consistency=consistency, filter="cents > 1")
    return 1 + int(found.count)


async def streamed(caller: Caller, consistency: str) -> int:
    chunks = [one async for one in caller.stream(f"{ACCOUNTS}/StreamAccounts", consistency=consistency)]
    return int(chunks[0].accounts[0].cents)


async def asked_by_sql(caller: Caller, consistency: str) -> int:
    found = await caller.call(f"{BANK}/SumUp", consistency=consistency, words="all")
    return int(found.cents)


READS: dict[str, Read] = {
    one.__name__: one for one in (got, listed, got_of_batch, counted, streamed, asked_by_sql)
}


@pytest.mark.parametrize("name", READS)
async def test_a_replica_is_as_fresh_as_it_is_asked_to_be(
    cluster: Cluster, caller: Caller, name: str
) -> None:
    read = READS[name]
    await caller.open("a", 1)
    async with cluster.paused():
        told = await caller.put("a", 2)
        assert [await read(caller, one) for one in ("", "strong", "any", told)] == [2, 2, 1, 2]
    await cluster.caught_up()
    assert [await read(caller, one) for one in ("any", told)] == [2, 2]


async def test_a_bound_holds_however_long_nothing_is_replayed(cluster: Cluster, caller: Caller) -> None:
    await caller.open("a", 1)
    seen = set()
    async with cluster.paused():
        await caller.put("a", 2)
        written = monotonic()
        while (begun := monotonic()) < written + 1.5:
            cents = await caller.cents("a", "bounded=600ms")
            seen.add(cents)
            assert cents == 2 or begun < written + 0.6
            await next_poll()
    assert seen == {1, 2}


async def test_who_needs_the_freshest_shares_its_statement(cluster: Cluster, caller: Caller) -> None:
    await caller.open("a", 1)
    async with cluster.paused():
        told = await caller.put("a", 2)
        wanted = ["any", told] * 100
        cents = await asyncio.gather(*(caller.cents("a", one) for one in wanted))
        assert set(cents[1::2]) == {2}
        assert set(cents[0::2]) <= {1, 2}


async def test_a_method_may_have_a_consistency_of_its_own(cluster: Cluster, caller: Caller) -> None:
    await caller.open("a", 1)
    async with cluster.paused():
        await caller.put("a", 2)
        usual = await caller.call(f"{BANK}/PeekAt", id="a")
        strong = await caller.call(f"{BANK}/PeekAt", consistency="strong", id="a")
        assert [usual.cents, strong.cents] == [1, 2]


@pytest.mark.parametrize(
    "consistency",
    ["weak", "bounded", "bounded=", "bounded=2", "bounded=0s", "bounded=4000s", "at-least=x", "STRONG"],
)
async def test_what_is_no_consistency_is_refused(caller: Caller, consistency: str) -> None:
    with pytest.raises(RpcFailed) as refused:
        await caller.cents("a", consistency)
    assert refused.value.reason == "INVALID_CONSISTENCY"


async def test_what_writes_takes_any_consistency(bank: RunningGateway, caller: Caller) -> None:
    _, told = await caller.told(
        f"{ACCOUNTS}/CreateAccount", consistency="any", account={"id": "a", "cents": 1}
    )
    assert told.startswith("at-least=")
    rows: list[Any] = await bank.sql("SELECT cents FROM account")
    assert rows == [{"cents": 1}]
