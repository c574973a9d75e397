"""Steps of callers: who may make them, which rows and columns they have, who is told."""

import logging
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest

from tests.conftest import GatewayFor
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.http import ask
from tests.transactions.bank import (
    ACCOUNTS,
    SESSION,
    TRANSACT,
    TRANSFERS,
    accounts,
    bound,
    get_account,
    open_account,
    set_cents,
    step,
    transact,
)

CALLERS = [Caller("ann", claims={"limit": 10**30}), Caller("bob"), Caller("tim", roles=["teller"])]


class Bank:
    """A bank whose callers are known."""

    def __init__(
        self, gateway: RunningGateway, clients: Mapping[str, Client], keys: Mapping[str, str]
    ) -> None:
        self.gateway = gateway
        self.clients = clients
        self.keys = keys

    async def transact(self, caller: str, *steps: dict[str, Any], **fields: Any) -> list[Any]:
        """Carry out a caller's steps."""
        return await transact(self.clients[caller], *steps, **fields)

    async def refused(self, caller: str, *steps: dict[str, Any], **fields: Any) -> RpcFailed:
        """Return what a caller's steps are refused with."""
        with pytest.raises(RpcFailed) as failed:
            await self.transact(caller, *steps, **fields)
        return failed.value


@pytest.fixture
def settings() -> dict[str, Any]:
    return {}


@pytest.fixture
async def bank(gateway_for: GatewayFor, tmp_path: Path, settings: dict[str, Any]) -> AsyncIterator[Bank]:
    keys = write_keys(tmp_path / "keys.json", CALLERS)
    gateway = await gateway_for(
        "bank", auth_providers="api_key", auth_api_keys=tmp_path / "keys.json", **settings
    )
    async with clients_of(gateway, "bank", keys) as clients:
        for name, owner in (("a", "ann"), ("b", "bob")):
            await transact(clients["tim"], open_account(name, 10, owner=owner, remark="rich"))
        yield Bank(gateway, clients, keys)


async def test_a_step_that_the_caller_may_not_call_undoes_all(bank: Bank) -> None:
    removal = step(f"{ACCOUNTS}/DeleteAccount", {"id": "a"})
    error = await bank.refused("ann", set_cents("a", 1), removal, get_account("a"))
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CALL_NOT_ALLOWED")
    assert (error.metadata["step"], error.metadata["step_method"]) == ("1", f"{ACCOUNTS}.DeleteAccount")
    assert await accounts(bank.gateway) == {"a": 10, "b": 10}


@pytest.mark.parametrize("settings", [{"auth_schema_roles": "teller"}])
async def test_methods_are_told_to_whom_a_direct_call_tells_them(bank: Bank) -> None:
    allowed = await bank.refused("ann", get_account("a"), step(f"{ACCOUNTS}/DeleteAccount", {"id": "a"}))
    for name in ("DeleteAcount", "Nothing"):
        unknown = {"method": f"{ACCOUNTS}.{name}"}
        hidden = await bank.refused("ann", get_account("a"), unknown)
        assert (hidden.code, hidden.reason, hidden.message) == (allowed.code, allowed.reason, allowed.message)
        session = bank.clients["ann"].converse(SESSION)
        await session.ask(begin={})
        assert (await session.ask(step=unknown)).error.code == grpc.StatusCode.PERMISSION_DENIED.value[0]
        session.call.cancel()
        assert (await bank.refused("tim", get_account("a"), unknown)).reason == "UNKNOWN_STEP"
    seen = await bank.refused("tim", {"method": f"{ACCOUNTS}.DeleteAcount"})
    assert "DeleteAccount" in seen.message


@pytest.mark.parametrize("settings", [{"auth_schema_roles": "authenticated"}])
async def test_no_method_is_suggested_that_the_caller_may_not_call(bank: Bank) -> None:
    error = await bank.refused("ann", {"method": f"{ACCOUNTS}.DeleteAcount"})
    assert error.reason == "UNKNOWN_STEP"
    assert f"{ACCOUNTS}.DeleteAccount" not in error.message


@pytest.mark.parametrize("settings", [{"transport": "http"}])
async def test_nothing_of_a_request_is_looked_at_in_json_before_its_step_is_let_in(bank: Bank) -> None:
    async def refusal(caller: str, method: str, packed: str, **fields: Any) -> tuple[int, str]:
        request = {"@type": f"type.googleapis.com/bank.v1.{packed}Request", **fields}
        body = {"steps": [{"method": f"{ACCOUNTS}.{method}", "request": request}]}
        headers = {"authorization": f"Bearer {bank.keys[caller]}"}
        answer = await ask(bank.gateway.target, "POST", "/v1/transact", body, headers)
        return answer.status, answer.body.decode()

    told = [
        await refusal("ann", "DeleteAccount", packed, **fields)
        for packed, fields in (("DeleteAccount", {"id": "a"}), ("DeleteAccount", {"is": "a"}), ("No", {}))
    ]
    assert {status for status, _ in told} == {403}
    assert len(set(told)) == 1
    status, text = await refusal("tim", "DeleteAccount", "DeleteAccount", is_="a")
    assert (status, "steps[0].request.is_" in text) == (400, True)
    status, text = await refusal("ann", "GetAccount", "DeleteAccount", is_="a")
    assert (status, "WRONG_STEP_REQUEST" in text, "is_" in text) == (400, True, False)


async def test_who_may_not_call_the_transaction_may_not_call_its_steps(bank: Bank) -> None:
    with pytest.raises(RpcFailed) as failed:
        await bank.gateway.call(TRANSACT, {"steps": [get_account("a")]})
    assert failed.value.code is grpc.StatusCode.PERMISSION_DENIED


async def test_hidden_rows_stay_hidden_within_the_transaction(bank: Bank) -> None:
    opened, listed, counted = await bank.transact(
        "ann",
        open_account("c", 1, owner="ann"),
        step(f"{ACCOUNTS}/ListAccounts", {"orderBy": "id"}),
        step(f"{ACCOUNTS}/CountAccounts", {}),
    )
    assert [one.id for one in listed.accounts] == ["a", "c"]
    assert (opened.id, counted.count) == ("c", 2)
    for hidden, reason in (
        (get_account("b"), "ROW_NOT_FOUND"),
        (set_cents("b", 0), "ROW_NOT_FOUND"),
        (open_account("d", owner="bob"), "ROW_NOT_ALLOWED"),
    ):
        error = await bank.refused("ann", set_cents("a", 1), hidden)
        assert (error.reason, error.metadata["step"]) == (reason, "1")
    assert await accounts(bank.gateway) == {"a": 10, "b": 10, "c": 1}


async def test_bulk_upserts_under_rules_share_a_transaction(bank: Bank) -> None:
    upserts = [
        step(f"{ACCOUNTS}/BulkUpsertAccounts", {"accounts": [{"id": "a", "owner": "ann", "cents": cents}]})
        for cents in (1, 2)
    ]
    done = await bank.transact("ann", *upserts, upserts[1])
    assert [(one.updated_count, one.unchanged_count) for one in done] == [(1, 0), (1, 0), (0, 1)]


async def test_columns_are_the_callers(bank: Bank) -> None:
    (seen,) = await bank.transact("tim", get_account("a"))
    (hidden,) = await bank.transact("ann", get_account("a"))
    assert (seen.remark, hidden.HasField("remark")) == ("rich", False)
    account = {"id": "a", "remark": "poor"}
    update = step(f"{ACCOUNTS}/UpdateAccount", {"account": account, "updateMask": "remark"})
    error = await bank.refused("ann", get_account("a"), update)
    assert error.code is grpc.StatusCode.PERMISSION_DENIED
    assert error.fields == ["steps[1].request.update_mask"]


async def test_a_binding_carries_no_more_than_the_caller_may_write(bank: Bank) -> None:
    transfer = step(f"{TRANSFERS}/CreateTransfer", {"transfer": {"source": "a", "purpose": "x"}})
    target = {"account": {"id": "a"}, "updateMask": "remark"}
    update = step(
        f"{ACCOUNTS}/UpdateAccount", target, bindings=[bound(0, "transfer.purpose", "account.remark")]
    )
    update["bindings"] = [bound(0, "purpose", "account.remark")]
    error = await bank.refused("ann", transfer, update)
    assert (error.reason, error.fields) == ("INVALID_BINDING", ["steps[1].bindings[0].to_path"])
    _, updated = await bank.transact("tim", transfer, update)
    assert updated.remark == "x"


async def test_to_a_binding_there_are_no_fields_that_the_caller_may_not_read(bank: Bank) -> None:
    transfer = step(f"{TRANSFERS}/CreateTransfer", {"transfer": {"source": "a", "cents": 1}})
    for hidden in ("remark", "remarc"):
        taking = {**transfer, "bindings": [bound(0, hidden, "transfer.purpose")]}
        error = await bank.refused("ann", get_account("a"), taking)
        assert (error.reason, error.fields) == ("INVALID_BINDING", ["steps[1].bindings[0].from_path"])
        assert error.message.count("remark") == (hidden == "remark")
    taking = {**transfer, "bindings": [bound(0, "remark", "transfer.purpose")]}
    _, made = await bank.transact("tim", get_account("a"), taking)
    assert made.purpose == "rich"


async def test_presets_are_the_callers(bank: Bank) -> None:
    sent = {"transfer": {"source": "a", "target": "b", "cents": 1, "madeBy": "somebody"}}
    (made,) = await bank.transact("ann", step(f"{TRANSFERS}/CreateTransfer", sent))
    assert made.made_by == "ann"


async def test_what_is_kept_for_a_request_id_is_its_callers(bank: Bank) -> None:
    request_id = str(uuid4())
    await bank.transact("ann", set_cents("a", 3), requestId=request_id)
    await bank.transact("tim", set_cents("a", 4), requestId=request_id)
    await bank.transact("ann", set_cents("a", 3), requestId=request_id)
    assert (await accounts(bank.gateway))["a"] == 4


async def test_changes_are_audited_as_those_of_each_step(bank: Bank) -> None:
    await bank.gateway.sql("DELETE FROM rowgate.audit")
    request_id = uuid4()
    await bank.transact("ann", set_cents("a", 3), open_account("c", owner="ann"), requestId=str(request_id))
    await bank.refused("ann", set_cents("a", 2), get_account("nobody"))
    kept = await bank.gateway.sql(
        "SELECT action, method, principal_id, key->>'id' AS key, idempotency_key, request_id "
        "FROM rowgate.audit ORDER BY key->>'id'"
    )
    assert [(row["action"], row["method"], row["principal_id"], row["key"]) for row in kept] == [
        ("UPDATE", f"{ACCOUNTS}/UpdateAccount", "ann", "a"),
        ("INSERT", f"{ACCOUNTS}/CreateAccount", "ann", "c"),
    ]
    assert {row["idempotency_key"] for row in kept} == {request_id}
    assert len({row["request_id"] for row in kept}) == 1


@pytest.mark.parametrize("settings", [{"caller_rate": 1, "caller_burst": 6}])
async def test_each_step_counts_as_a_call_of_its_callers(bank: Bank) -> None:
    for _ in range(2):
        await bank.transact("ann", get_account("a"), get_account("a"))
    error = await bank.refused("ann", set_cents("a", 1), get_account("a"))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert (await accounts(bank.gateway))["a"] == 10


@pytest.mark.parametrize("settings", [{"caller_rate": 1, "caller_burst": 6}])
async def test_steps_that_weigh_more_than_a_bucket_take_a_full_one(bank: Bank) -> None:
    steps = [open_account(name, owner="ann") for name in "cdefghij"]
    await bank.transact("ann", *steps)
    error = await bank.refused("ann", get_account("a"))
    assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    await bank.transact("bob", get_account("b"))
    error = await bank.refused("bob", *steps)
    assert (error.reason, error.metadata["weight"]) == ("RATE_LIMITED", "9")
    assert (await accounts(bank.gateway)).keys() == {*"abcdefghij"}


@pytest.mark.parametrize("settings", [{"log_access": "all"}])
async def test_each_step_is_logged_as_a_call(bank: Bank, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await bank.refused("ann", set_cents("a", 1), get_account("nobody"), get_account("a"))
    told = [vars(one) for one in caplog.records if "method" in vars(one) and "code" in vars(one)]
    assert [(one["method"], one["code"]) for one in told] == [
        (f"{ACCOUNTS}/UpdateAccount", "ABORTED"),
        (f"{ACCOUNTS}/GetAccount", "NOT_FOUND"),
        (TRANSACT, "NOT_FOUND"),
    ]
    assert len({one["request_id"] for one in told}) == 1


async def test_a_session_is_its_callers(bank: Bank) -> None:
    client = bank.clients["ann"]
    session = client.converse(SESSION)
    await session.ask(begin={})
    listed = await session.ask(step=step(f"{ACCOUNTS}/ListAccounts", {}))
    assert [one.id for one in client.unpacked(listed.response).accounts] == ["a"]
    refused = await session.ask(step=step(f"{ACCOUNTS}/DeleteAccount", {"id": "a"}))
    assert refused.error.code == grpc.StatusCode.PERMISSION_DENIED.value[0]
    await session.ask(step=set_cents("a", 3))
    await session.ask(end="SESSION_END_COMMIT")
    kept = await bank.gateway.sql("SELECT principal_id, method FROM rowgate.audit ORDER BY id DESC LIMIT 1")
    assert [tuple(row.values()) for row in kept] == [("ann", f"{ACCOUNTS}/UpdateAccount")]
    assert await accounts(bank.gateway) == {"a": 3, "b": 10}


@pytest.mark.parametrize("settings", [{"pool_size": 8}])
async def test_one_caller_has_a_half_of_the_sessions(bank: Bank) -> None:
    sessions = [bank.clients[name].converse(SESSION) for name in ("ann", "ann", "bob")]
    await sessions[0].ask(begin={})
    with pytest.raises(RpcFailed) as failed:
        await sessions[1].ask(begin={})
    assert failed.value.reason == "TOO_MANY_SESSIONS"
    await sessions[2].ask(begin={})
    for session in sessions:
        session.call.cancel()


async def test_what_a_session_goes_back_from_is_not_audited(bank: Bank) -> None:
    await bank.gateway.sql("DELETE FROM rowgate.audit")
    session = bank.clients["ann"].converse(SESSION)
    await session.ask(begin={})
    await session.ask(savepoint="before")
    await session.ask(step=set_cents("a", 3))
    await session.ask(rollback_to="before")
    await session.ask(step=open_account("c", owner="ann"))
    await session.ask(end="SESSION_END_COMMIT")
    kept = await bank.gateway.sql("SELECT action, key->>'id' AS key FROM rowgate.audit")
    assert [tuple(row.values()) for row in kept] == [("INSERT", "c")]
