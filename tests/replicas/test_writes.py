"""Writes tell what they are found by: each method, over each protocol."""

from typing import Any

import pytest

from tests.harness.gateway import RunningGateway
from tests.harness.http import ask
from tests.replicas.caller import ACCOUNTS, BANK, HEADER, Caller
from tests.replicas.conftest import Cluster
from tests.transactions.bank import open_account, set_cents

ACCOUNT = {"id": "a", "cents": 2}
WRITES: dict[str, dict[str, Any]] = {
    f"{ACCOUNTS}/CreateAccount": {"account": {"id": "b"}},
    f"{ACCOUNTS}/UpdateAccount": {"account": ACCOUNT},
    f"{ACCOUNTS}/DeleteAccount": {"id": "a"},
    f"{ACCOUNTS}/BatchCreateAccounts": {"requests": [{"account": {"id": "b"}}, {"account": {"id": "c"}}]},
    f"{ACCOUNTS}/BatchUpdateAccounts": {"requests": [{"account": ACCOUNT}]},
    f"{ACCOUNTS}/BatchDeleteAccounts": {"requests": [{"id": "a"}]},
    f"{ACCOUNTS}/BulkUpsertAccounts": {"accounts": [ACCOUNT, {"id": "b"}]},
    f"{BANK}/Transact": {"steps": [set_cents("a", 2), open_account("b")]},
    f"{BANK}/RaiseTransfers": {"cents": 1},
}
REQUEST_ID = "7a4b9c1e-0b0a-4d3f-9d2c-1f5a6b7c8d9e"


async def check_found(gateway: RunningGateway, caller: Caller, told: str) -> None:
    """Check that a read with what was told finds what the primary has, while replicas don't have it."""
    rows = await gateway.sql("SELECT id, cents FROM account ORDER BY id")
    page = await caller.call(f"{ACCOUNTS}/ListAccounts", consistency=told)
    assert [{"id": one.id, "cents": one.cents} for one in page.accounts] == rows


@pytest.mark.parametrize("method", WRITES, ids=lambda method: method.rpartition("/")[2])
async def test_each_write_tells(cluster: Cluster, bank: RunningGateway, caller: Caller, method: str) -> None:
    await caller.open("a", 1)
    await caller.open("z", 1)
    await bank.sql("INSERT INTO transfer (source, cents, made_by, made_at) VALUES ('z', 1, '', now())")
    async with cluster.paused():
        _, told = await caller.told(method, **WRITES[method])
        assert told.startswith("at-least=")
        await check_found(bank, caller, told)


async def test_a_repetition_is_told_too(cluster: Cluster, bank: RunningGateway, caller: Caller) -> None:
    async with cluster.paused():
        request = {"account": ACCOUNT, "request_id": REQUEST_ID}
        for _ in range(2):
            _, told = await caller.told(f"{ACCOUNTS}/CreateAccount", **request)
            assert told.startswith("at-least=")
            await check_found(bank, caller, told)


async def test_a_write_that_is_not_kept_tells_nothing(caller: Caller) -> None:
    _, told = await caller.told(f"{ACCOUNTS}/CreateAccount", account=ACCOUNT, validate_only=True)
    assert told == ""


async def test_streams_that_write_tell_at_their_end(
    cluster: Cluster, bank: RunningGateway, caller: Caller
) -> None:
    async with cluster.paused():
        told = await caller.converse(
            f"{ACCOUNTS}/IngestAccounts",
            {"start": {"streamId": "s"}},
            {"sequence": 1, "accounts": [ACCOUNT]},
        )
        await check_found(bank, caller, told)
        told = await caller.converse(
            f"{BANK}/Session",
            {"begin": {}},
            {"step": open_account("b", 3)},
            {"end": "SESSION_END_COMMIT"},
        )
        await check_found(bank, caller, told)


async def test_reads_tell_nothing(caller: Caller) -> None:
    await caller.open("a", 1)
    _, told = await caller.told(f"{ACCOUNTS}/GetAccount", id="a")
    assert told == ""


@pytest.mark.parametrize("transport", ["http"], scope="module")
async def test_connect_and_rest_have_it_in_headers(cluster: Cluster, bank: RunningGateway) -> None:
    create = {"account": {"id": "a", "cents": 1}}
    await ask(bank.target, "POST", f"/{ACCOUNTS}/CreateAccount", create)
    async with cluster.paused():
        update = {"account": {"id": "a", "cents": 2}}
        by_connect = await ask(bank.target, "POST", f"/{ACCOUNTS}/UpdateAccount", update)
        assert await both(bank, by_connect.headers[f"trailer-{HEADER}"]) == ["2", "2"]
        assert await both(bank, "any") == ["1", "1"]
        by_rest = await ask(bank.target, "PATCH", "/v1/accounts/a", {"cents": 3})
        assert await both(bank, by_rest.headers[HEADER]) == ["3", "3"]


async def both(bank: RunningGateway, told: str) -> list[str]:
    """Return what is on the account, by Connect and by REST."""
    consistency = {HEADER: told}
    answers = (
        await ask(bank.target, "POST", f"/{ACCOUNTS}/GetAccount", {"id": "a"}, consistency),
        await ask(bank.target, "GET", "/v1/accounts/a", headers=consistency),
    )
    return [one.json["cents"] for one in answers]
