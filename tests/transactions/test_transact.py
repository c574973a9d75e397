"""Transact: all steps are done or none, and each sees what those before it did."""

from typing import Any
from uuid import uuid4

import grpc
import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
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

_TRANSFER = f"{TRANSFERS}/CreateTransfer"


async def test_all_steps_are_done_and_answered(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    sent = step(
        _TRANSFER,
        {"transfer": {"cents": 1}},
        bindings=[bound(0, "id", "transfer.source"), bound(1, "id", "transfer.target")],
    )
    opened, other, changed, transfer = await transact(
        gateway.client, open_account("a", 5), open_account("b"), set_cents("a", 4), sent
    )
    assert await accounts(gateway) == {"a": 4, "b": 0}
    assert (opened.cents, other.cents, changed.cents, changed.version) == (5, 0, 4, 2)
    assert (transfer.source, transfer.target, transfer.cents) == ("a", "b", 1)
    assert len(await gateway.sql("SELECT FROM transfer")) == 1


async def test_every_method_may_be_a_step(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    batch = {"requests": [{"account": {"id": name}} for name in "bcd"]}
    updates = {"requests": [{"account": {"id": name, "cents": 7}, "updateMask": "cents"} for name in "bc"]}
    rows = {"accounts": [{"id": "d", "cents": 9}, {"id": "e", "cents": 3}, {"id": "f", "cents": -1}]}
    answered = await transact(
        gateway.client,
        open_account("a", 1),
        get_account("a"),
        step(f"{ACCOUNTS}/BatchCreateAccounts", batch),
        step(f"{ACCOUNTS}/BatchUpdateAccounts", updates),
        step(f"{ACCOUNTS}/BulkUpsertAccounts", {**rows, "partialFailure": True}),
        step(f"{ACCOUNTS}/DeleteAccount", {"id": "a"}),
        step(f"{ACCOUNTS}/BatchDeleteAccounts", {"requests": [{"id": "b"}]}),
        step(f"{ACCOUNTS}/BatchGetAccounts", {"ids": ["c", "d"]}),
        step(f"{ACCOUNTS}/ListAccounts", {"filter": "cents > 4", "orderBy": "id", "pageSize": 1}),
        step(f"{ACCOUNTS}/CountAccounts", {}),
    )
    bulk, *_, got, listed, counted = answered[4:]
    assert (bulk.inserted_count, bulk.updated_count, bulk.failed_count) == (1, 1, 1)
    assert [one.id for one in got.accounts] == ["c", "d"]
    assert [one.id for one in listed.accounts] == ["c"]
    assert listed.next_page_token
    assert counted.count == 3
    assert await accounts(gateway) == {"c": 7, "d": 9, "e": 3}


def upsert(cents: int, **fields: Any) -> dict[str, Any]:
    """Return a step that stages rows, as one of them is bad."""
    rows = [{"id": name, "cents": cents} for name in "ab"]
    bad = {"id": "c", "cents": -1}
    return step(
        f"{ACCOUNTS}/BulkUpsertAccounts", {"accounts": [*rows, bad], "partialFailure": True}, **fields
    )


async def test_bulk_upserts_of_one_table_share_a_transaction(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    answered = await transact(gateway.client, upsert(1), upsert(2), upsert(2), set_cents("a", 3), upsert(4))
    counts = [
        (one.inserted_count, one.updated_count, one.unchanged_count)
        for one in answered
        if hasattr(one, "failures")
    ]
    assert counts == [(2, 0, 0), (0, 2, 0), (0, 0, 2), (0, 2, 0)]
    session = gateway.client.converse(SESSION)
    for asked in (
        {"begin": {}},
        {"step": upsert(5)},
        {"savepoint": "s"},
        {"step": upsert(6)},
        {"rollback_to": "s"},
        {"step": upsert(7)},
        {"end": "SESSION_END_COMMIT"},
    ):
        assert not (await session.ask(**asked)).HasField("error")
    assert await accounts(gateway) == {"a": 7, "b": 7}


async def test_the_first_refused_step_undoes_all(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    await transact(gateway.client, open_account("a", 5))
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, set_cents("a", 9), open_account("b"), set_cents("a", -1))
    error = failed.value
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "CHECK_VIOLATION")
    assert error.fields == ["steps[2].request.account.cents"]
    assert error.metadata["step"] == "2"
    assert error.metadata["step_method"] == f"{ACCOUNTS}.UpdateAccount"
    assert error.message.startswith("steps[2]: ")
    assert await accounts(gateway) == {"a": 5}


async def test_a_batch_that_is_refused_names_its_item(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    batch = {"requests": [{"account": {"id": "b"}}, {"account": {"id": "c", "cents": -1}}]}
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, open_account("a"), step(f"{ACCOUNTS}/BatchCreateAccounts", batch))
    assert failed.value.fields == ["steps[1].request.requests[1].account.cents"]
    assert await accounts(gateway) == {}


async def test_what_is_missing_or_stale_undoes_all(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    (opened,) = await transact(gateway.client, open_account("a", 5))
    await transact(gateway.client, set_cents("a", 6))
    for last, reason in (
        (get_account("nobody"), "ROW_NOT_FOUND"),
        (set_cents("a", 8, opened.etag), "ETAG_MISMATCH"),
        (step(f"{ACCOUNTS}/DeleteAccount", {"id": "nobody"}), "ROW_NOT_FOUND"),
    ):
        with pytest.raises(RpcFailed) as failed:
            await transact(gateway.client, open_account("b"), last)
        assert failed.value.reason == reason
        assert failed.value.metadata["step"] == "1"
    assert await accounts(gateway) == {"a": 6}


_WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"method": "bank.v1.AccountService.GetAcount"}, "method", "UNKNOWN_STEP"),
    ({"method": ""}, "method", "UNKNOWN_STEP"),
    ({"method": f"{ACCOUNTS}.StreamAccounts"}, "method", "UNKNOWN_STEP"),
    ({"method": TRANSACT.replace("/", ".")}, "method", "UNKNOWN_STEP"),
    ({"method": f"{ACCOUNTS}.GetAccount"}, "request", "WRONG_STEP_REQUEST"),
    ({**get_account("a"), "method": f"{ACCOUNTS}.DeleteAccount"}, "request", "WRONG_STEP_REQUEST"),
    (step(f"{ACCOUNTS}/ListAccounts", {"filter": "cants = 1"}), "request.filter", "INVALID_FILTER"),
    (
        step(f"{ACCOUNTS}/CreateAccount", {"account": {"id": "b"}, "requestId": str(uuid4())}),
        "request.request_id",
        "NOT_IN_TRANSACTION",
    ),
    (
        {**open_account("b"), "bindings": [bound(0, "id", "request_id")]},
        "bindings[0].to_path",
        "NOT_IN_TRANSACTION",
    ),
    ({**get_account("a"), "bindings": [bound(1, "id", "id")]}, "bindings[0].from_step", "INVALID_BINDING"),
    ({**get_account("a"), "bindings": [bound(0, "ids", "id")]}, "bindings[0].from_path", "INVALID_BINDING"),
    ({**get_account("a"), "bindings": [bound(0, "id", "")]}, "bindings[0].to_path", "INVALID_BINDING"),
    ({**get_account("a"), "bindings": [bound(0, "id.x", "id")]}, "bindings[0].from_path", "INVALID_BINDING"),
    ({**get_account("a"), "bindings": [bound(0, "id[0]", "id")]}, "bindings[0].from_path", "INVALID_BINDING"),
    ({**get_account("a"), "bindings": [bound(0, "cents", "id")]}, "bindings[0].to_path", "INVALID_BINDING"),
    ({**get_account("a"), "expect": {"row_count": 1}}, "expect", "INVALID_EXPECTATION"),
    ({**step(f"{ACCOUNTS}/CountAccounts", {}), "expect": {}}, "expect", "INVALID_EXPECTATION"),
]


@pytest.mark.parametrize(("wrong", "field", "reason"), _WRONG)
async def test_a_wrong_step_is_refused_before_anything_is_done(
    gateway_for: GatewayFor, wrong: dict[str, Any], field: str, reason: str
) -> None:
    gateway = await gateway_for("bank")
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, open_account("a"), wrong)
    error = failed.value
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, reason)
    assert error.fields == [f"steps[1].{field}"]
    assert await accounts(gateway) == {}


async def test_a_request_has_some_steps_but_not_many(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    for steps in ([], [get_account("a")] * 101):
        with pytest.raises(RpcFailed) as failed:
            await transact(gateway.client, *steps)
        assert (failed.value.reason, failed.value.fields) == ("WRONG_NUMBER_OF_STEPS", ["steps"])


async def test_bindings_take_elements_lists_and_what_is_unset(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    await transact(gateway.client, open_account("a", 5), open_account("b", 6))
    rich = step(f"{ACCOUNTS}/ListAccounts", {"orderBy": "cents desc"})
    batch = step(f"{ACCOUNTS}/BatchGetAccounts", {"ids": ["x", "y"]})
    again = step(f"{ACCOUNTS}/BatchGetAccounts", {}, bindings=[bound(2, "missing", "ids")])
    first = step(
        _TRANSFER,
        {"transfer": {"source": "a", "purpose": "kept"}},
        bindings=[
            bound(0, "accounts[0].id", "transfer.source"),
            bound(0, "accounts[1].remark", "transfer.purpose"),
        ],
    )
    asked = {
        **batch,
        "bindings": [bound(0, "accounts[0].id", "ids[0]"), bound(0, "accounts[1].id", "ids[1]")],
    }
    *_, transfer, got, _ = await transact(gateway.client, rich, first, asked, again)
    assert (transfer.source, transfer.HasField("purpose")) == ("b", False)
    assert [one.id for one in got.accounts] == ["b", "a"]


async def test_no_step_is_made_a_dry_run_by_a_binding(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    counted = step(f"{ACCOUNTS}/CountAccounts", {})
    dry = {**open_account("b"), "bindings": [bound(1, "estimated", "validate_only")]}
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, open_account("a"), counted, dry)
    assert (failed.value.reason, failed.value.fields) == (
        "NOT_IN_TRANSACTION",
        ["steps[2].bindings[0].to_path"],
    )
    assert await accounts(gateway) == {}


async def test_a_binding_without_a_value_undoes_all(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    nobody = step(f"{ACCOUNTS}/ListAccounts", {"filter": "cents > 100"})
    for source, target in (("accounts[0].id", "id"),):
        with pytest.raises(RpcFailed) as failed:
            await transact(
                gateway.client,
                open_account("a"),
                nobody,
                {**get_account("a"), "bindings": [bound(1, source, target)]},
            )
        error = failed.value
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "BINDING_NOT_FOUND")
        assert error.fields == ["steps[2].bindings[0]"]
    with pytest.raises(RpcFailed) as failed:
        await transact(
            gateway.client,
            open_account("a"),
            {**get_account("a"), "bindings": [bound(0, "remark", "id")]},
        )
    assert failed.value.reason == "BINDING_NOT_FOUND"
    assert await accounts(gateway) == {}


@pytest.mark.parametrize(
    ("expected", "fits"),
    [
        ({"row_count": 1}, True),
        ({"row_count": 0}, False),
        ({"exists": True}, True),
        ({"exists": False}, False),
    ],
)
@pytest.mark.parametrize("method", ["ListAccounts", "CountAccounts", "BatchGetAccounts"])
async def test_what_a_step_expects_holds_or_nothing_is_done(
    gateway_for: GatewayFor, method: str, expected: dict[str, Any], *, fits: bool
) -> None:
    gateway = await gateway_for("bank")
    await transact(gateway.client, open_account("a", 5))
    asked = {"ids": ["a"]} if method == "BatchGetAccounts" else {"filter": "cents > 4"}
    steps = [set_cents("a", 6), step(f"{ACCOUNTS}/{method}", asked, expect=expected)]
    if fits:
        await transact(gateway.client, *steps)
    else:
        with pytest.raises(RpcFailed) as failed:
            await transact(gateway.client, *steps)
        error = failed.value
        assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "EXPECTATION_FAILED")
        assert error.fields == ["steps[1].expect"]
        assert error.subjects == [f"{ACCOUNTS}.{method}"]
        assert error.metadata["rows"] == "1"
    assert await accounts(gateway) == {"a": 6 if fits else 5}


async def test_numbers_of_changes_can_be_expected(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    raised = f"{TRANSACT.partition('/')[0]}/RaiseTransfers"
    transfer = step(_TRANSFER, {"transfer": {"source": "a", "cents": 1}})
    await transact(
        gateway.client,
        open_account("a", 5),
        step(raised, {"cents": 2}, expect={"row_count": 0}),
        transfer,
        step(raised, {"cents": 2}, expect={"exists": True}),
        upsert(5, expect={"row_count": 1}),
        upsert(6, expect={"row_count": 2}),
    )
    for step_, rows in (
        (step(raised, {"cents": 2}, expect={"row_count": 2}), "1"),
        (step(raised, {"cents": 2}, expect={"exists": False}), "1"),
        (upsert(6, expect={"exists": True}), "0"),
    ):
        with pytest.raises(RpcFailed) as failed:
            await transact(gateway.client, open_account("z"), step_)
        assert (failed.value.reason, failed.value.metadata["rows"]) == ("EXPECTATION_FAILED", rows)
    assert await accounts(gateway) == {"a": 6, "b": 6}


async def test_a_repeated_request_id_is_carried_out_once(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    request = {"steps": [open_account("a", 5)], "requestId": str(uuid4())}
    first = await gateway.call(TRANSACT, request)
    await transact(gateway.client, set_cents("a", 9))
    assert await gateway.call(TRANSACT, request) == first
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(TRANSACT, {**request, "steps": [open_account("b")]})
    assert failed.value.reason == "REQUEST_ID_REUSED"
    assert await accounts(gateway) == {"a": 9}


async def test_a_dry_run_checks_all_and_keeps_nothing(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    opened, got = await transact(gateway.client, open_account("a", 5), get_account("a"), validateOnly=True)
    assert (opened.cents, got.cents) == (5, 5)
    with pytest.raises(RpcFailed):
        await transact(gateway.client, open_account("a", -5), validateOnly=True)
    assert await accounts(gateway) == {}


async def test_what_is_read_only_reads_one_snapshot_and_refuses_writes(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    await transact(gateway.client, open_account("a", 5))
    got, counted = await transact(
        gateway.client,
        get_account("a"),
        step(f"{ACCOUNTS}/CountAccounts", {}),
        readOnly=True,
        isolation="ISOLATION_LEVEL_REPEATABLE_READ",
    )
    assert (got.cents, counted.count) == (5, 1)
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, get_account("a"), set_cents("a", 1), readOnly=True)
    assert (failed.value.reason, failed.value.fields) == ("STEP_WRITES", ["steps[1].method"])
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, get_account("a"), readOnly=True, requestId=str(uuid4()))
    assert (failed.value.reason, failed.value.fields) == ("NOTHING_TO_REPEAT", ["request_id"])


async def test_a_response_that_is_too_large_leaves_nothing(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank", max_response_bytes=2**20)
    await gateway.sql(
        "INSERT INTO account SELECT 'x' || n, repeat('o', 1000), 0, '', 1 FROM generate_series(1, 900) n"
    )
    pages = [step(f"{ACCOUNTS}/ListAccounts", {"pageSize": 900})] * 3
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, open_account("a"), *pages)
    error = failed.value
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "RESPONSE_TOO_LARGE")
    assert error.metadata["step"] == "2"
    assert "a" not in await accounts(gateway)


async def test_methods_of_sql_may_be_steps(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank")
    bank = TRANSACT.partition("/")[0]
    *_, raised, summed = await transact(
        gateway.client,
        open_account("a", 5),
        step(_TRANSFER, {"transfer": {"source": "a", "cents": 1}}),
        step(f"{bank}/RaiseTransfers", {"cents": 2}),
        step(f"{bank}/SumUp", {"words": "all"}),
    )
    assert (raised.affected_rows, summed.cents, summed.words) == (1, 5, "all")
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, step(f"{bank}/RaiseTransfers", {"cents": 2}), get_account("nobody"))
    assert failed.value.metadata["step"] == "1"
    assert [row["cents"] for row in await gateway.sql("SELECT cents FROM transfer")] == [3]


async def test_rows_that_are_too_large_for_a_step_undo_all(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("bank", max_response_bytes=2**20)
    rows = "SELECT 'x' || n, repeat('o', 2000), 0, '', 1 FROM generate_series(1, 900) n"
    await gateway.sql(f"INSERT INTO account {rows}")
    with pytest.raises(RpcFailed) as failed:
        await transact(gateway.client, open_account("a"), step(f"{ACCOUNTS}/ListAccounts", {"pageSize": 900}))
    error = failed.value
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "RESPONSE_TOO_LARGE")
    assert error.metadata["step"] == "1"
    assert "a" not in await accounts(gateway)
