"""Update and BatchUpdate: masks, etags, and what they leave alone."""

from typing import Any

import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

ACCOUNTS = "ledger.v1.AccountService"
NODES = "adversarial.v1.NodeService"
TAGS = "adversarial.v1.TagService"
KEY = {"book": "b", "number": 7}
FULL = {**KEY, "owner": "ada", "title": "t", "iban": "i", "limit": 5, "note": "n"}


async def refused(call: Any) -> RpcFailed:
    """Return how a call fails."""
    with pytest.raises(RpcFailed) as failed:
        await call
    return failed.value


async def ledger(gateway_for: GatewayFor) -> RunningGateway:
    """Serve the ledger with one account."""
    gateway = await gateway_for("ledger")
    await gateway.call(f"{ACCOUNTS}/CreateAccount", account=FULL)
    return gateway


def shown(account: Any) -> dict[str, Any]:
    """Return an account's own fields, without those that are unset or zero."""
    names = {field.name: value for field, value in account.ListFields()}
    return {name: names[name] for name in FULL if name in names}


@pytest.mark.parametrize(
    ("sent", "mask", "left"),
    [
        ({"owner": "eve"}, None, {**FULL, "owner": "eve"}),
        ({"owner": "", "limit": 0}, None, FULL),
        ({"note": ""}, None, {**FULL, "note": ""}),
        ({"owner": "eve", "title": "x"}, "owner", {**FULL, "owner": "eve"}),
        ({}, "owner,iban", {k: v for k, v in FULL.items() if k not in {"owner", "iban"}}),
        ({}, "note", {k: v for k, v in FULL.items() if k != "note"}),
        ({"title": "x"}, "*", {**KEY, "title": "x"}),
        ({"owner": "eve"}, "book,owner,revision,opened_at,etag", {**FULL, "owner": "eve"}),
    ],
)
async def test_the_mask_decides_what_changes(
    gateway_for: GatewayFor, sent: dict[str, Any], mask: str | None, left: dict[str, Any]
) -> None:
    gateway = await ledger(gateway_for)
    request = gateway.client.message("ledger.v1.UpdateAccountRequest", account={**KEY, **sent})
    request.update_mask.paths.extend(mask.split(",") if mask else [])
    account = await gateway.call(f"{ACCOUNTS}/UpdateAccount", request)
    assert shown(account) == left
    assert account == await gateway.call(f"{ACCOUNTS}/GetAccount", KEY)


async def test_a_change_counts_the_version_and_sets_the_time(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    account = await gateway.call(f"{ACCOUNTS}/UpdateAccount", account={**KEY, "owner": "eve"})
    (row,) = await gateway.sql('SELECT revision, opened_at, changed_at FROM "Ledger"."order"')
    assert (account.revision, account.etag, row["revision"]) == (2, '"v2"', 2)
    assert row["changed_at"] > row["opened_at"]
    assert account.changed_at.ToMicroseconds() > account.opened_at.ToMicroseconds()


@pytest.mark.parametrize("request_", [{}, {"update_mask": "book"}, {"update_mask": "revision,etag"}])
async def test_nothing_to_change_answers_the_row_as_it_stands(
    gateway_for: GatewayFor, request_: dict[str, Any]
) -> None:
    gateway = await ledger(gateway_for)
    before = await gateway.call(f"{ACCOUNTS}/GetAccount", KEY)
    assert await gateway.call(f"{ACCOUNTS}/UpdateAccount", account=KEY, **request_) == before
    failed = await refused(gateway.call(f"{ACCOUNTS}/UpdateAccount", account=KEY, etag='"v9"', **request_))
    assert failed.reason == "ETAG_MISMATCH"


async def test_a_table_of_its_key_alone(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    tag = {"tag": {"name": "a"}}
    assert (await refused(gateway.call(f"{TAGS}/UpdateTag", tag))).reason == "ROW_NOT_FOUND"
    assert (await gateway.call(f"{TAGS}/UpdateTag", tag, allow_missing=True)).name == "a"
    assert (await gateway.call(f"{TAGS}/UpdateTag", tag, allow_missing=True)).name == "a"
    assert (await gateway.call(f"{TAGS}/UpdateTag", tag, update_mask="*")).name == "a"
    assert len(await gateway.sql("SELECT FROM tag")) == 1


@pytest.mark.parametrize("where", ["request", "resource"])
async def test_an_etag_must_match(gateway_for: GatewayFor, where: str) -> None:
    gateway = await ledger(gateway_for)

    def request(etag: str) -> dict[str, Any]:
        if where == "request":
            return {"account": {**KEY, "owner": "eve"}, "etag": etag}
        return {"account": {**KEY, "owner": "eve", "etag": etag}}

    failed = await refused(gateway.call(f"{ACCOUNTS}/UpdateAccount", request('"v2"')))
    assert (failed.code.name, failed.reason) == ("ABORTED", "ETAG_MISMATCH")
    assert (await gateway.call(f"{ACCOUNTS}/UpdateAccount", request('"v1"'))).revision == 2
    assert (
        await refused(gateway.call(f"{ACCOUNTS}/UpdateAccount", request('"v1"')))
    ).reason == "ETAG_MISMATCH"
    failed = await refused(gateway.call(f"{ACCOUNTS}/UpdateAccount", request("v1")))
    path = "etag" if where == "request" else "account.etag"
    assert (failed.reason, failed.fields) == ("INVALID_ETAG", [path])


async def test_a_version_is_expected_where_no_etag_is(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    node = await gateway.call(f"{NODES}/CreateNode", node={"position": 1})
    request = {"node": {"id": node.id, "position": 2, "version": 2}}
    assert (await refused(gateway.call(f"{NODES}/UpdateNode", request))).reason == "ETAG_MISMATCH"
    request["node"]["version"] = 1
    assert (await gateway.call(f"{NODES}/UpdateNode", request)).version == 2
    request["node"]["version"] = 0
    assert (await gateway.call(f"{NODES}/UpdateNode", request)).version == 3


async def test_a_missing_row(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    other = {**KEY, "number": 8}
    failed = await refused(gateway.call(f"{ACCOUNTS}/UpdateAccount", account={**other, "owner": "x"}))
    assert (failed.code.name, failed.reason) == ("NOT_FOUND", "ROW_NOT_FOUND")
    failed = await refused(
        gateway.call(f"{ACCOUNTS}/UpdateAccount", account=other, etag='"v1"', allow_missing=True)
    )
    assert failed.reason == "ETAG_MISMATCH"
    created = await gateway.call(
        f"{ACCOUNTS}/UpdateAccount",
        account={**other, "owner": "x", "title": "u", "limit": 3},
        update_mask="owner",
        allow_missing=True,
    )
    assert (created.owner, created.title, created.limit, created.note, created.revision) == (
        "x",
        "u",
        3,
        "none",
        1,
    )


async def test_a_missing_row_that_another_key_keeps_out_says_which(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    account = {**FULL, "number": 8, "title": "u"}
    failed = await refused(gateway.call(f"{ACCOUNTS}/UpdateAccount", account=account, allow_missing=True))
    assert (failed.reason, failed.fields) == ("UNIQUE_VIOLATION", ["account.iban"])


async def test_a_deleted_row_is_not_changed(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    await gateway.call(f"{ACCOUNTS}/DeleteAccount", KEY)
    for missing in (False, True):
        failed = await refused(
            gateway.call(f"{ACCOUNTS}/UpdateAccount", account={**KEY, "owner": "x"}, allow_missing=missing)
        )
        assert (failed.code.name, failed.reason) == ("FAILED_PRECONDITION", "ROW_DELETED")


@pytest.mark.parametrize("mask", ["ownr", "owner.name", "owner,,title", "*,owner"])
async def test_a_wrong_mask_is_refused(gateway_for: GatewayFor, mask: str) -> None:
    gateway = await ledger(gateway_for)
    request = gateway.client.message("ledger.v1.UpdateAccountRequest", account=KEY)
    request.update_mask.paths.extend(mask.split(","))
    failed = await refused(gateway.call(f"{ACCOUNTS}/UpdateAccount", request))
    assert failed.reason == "INVALID_FIELD_MASK"
    assert set(failed.fields) == {"update_mask"}


async def test_validating_an_update_keeps_nothing(gateway_for: GatewayFor) -> None:
    gateway = await ledger(gateway_for)
    account = {**KEY, "owner": "eve"}
    answer = await gateway.call(f"{ACCOUNTS}/UpdateAccount", account=account, validate_only=True)
    assert (answer.owner, answer.revision) == ("eve", 2)
    assert (await gateway.call(f"{ACCOUNTS}/GetAccount", KEY)).owner == "ada"
    failed = await refused(
        gateway.call(f"{ACCOUNTS}/UpdateAccount", account={**KEY, "limit": -3}, validate_only=True)
    )
    assert (failed.reason, failed.fields) == ("CHECK_VIOLATION", ["account.limit"])


async def accounts(gateway: RunningGateway, count: int) -> None:
    """Create accounts 0 to count."""
    rows = [{"book": "b", "number": i, "iban": str(i), "title": str(i)} for i in range(count)]
    await gateway.call(f"{ACCOUNTS}/BatchCreateAccounts", requests=[{"account": row} for row in rows])


async def test_a_batch_has_a_mask_per_item_and_answers_in_request_order(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await accounts(gateway, 30)
    order = [(i * 7) % 30 for i in range(30)]
    masks = ["owner", "limit", "owner,limit", "*"]
    requests = [
        {
            "account": {
                "book": "b",
                "number": i,
                "owner": "x",
                "limit": 3,
                "title": f"new{i}",
                "iban": f"n{i}",
            },
            "update_mask": masks[i % 4],
        }
        for i in order
    ]
    answer = await gateway.call(f"{ACCOUNTS}/BatchUpdateAccounts", requests=requests)
    assert [one.number for one in answer.accounts] == order
    for one in answer.accounts:
        wanted = {"owner": ("x", 0, str(one.number)), "limit": ("", 3, str(one.number))}
        wanted |= {"owner,limit": ("x", 3, str(one.number)), "*": ("x", 3, f"new{one.number}")}
        assert (one.owner, one.limit, one.title) == wanted[masks[one.number % 4]]
        assert one.revision == 2


@pytest.mark.parametrize(
    ("bad", "reason", "fields"),
    [
        ({"account": {"book": "b", "number": 99}}, "ROW_NOT_FOUND", ["requests[5]"]),
        ({"account": {"book": "b", "number": 5}, "etag": '"v9"'}, "ETAG_MISMATCH", ["requests[5]"]),
        ({"account": {"book": "b", "number": 4}}, "DUPLICATE_IN_BATCH", ["requests[5]"]),
        (
            {"account": {"book": "b", "number": 5, "limit": -1}},
            "CHECK_VIOLATION",
            ["requests[5].account.limit"],
        ),
        (
            {"account": {"book": "b", "number": 5, "iban": "9"}},
            "UNIQUE_VIOLATION",
            ["requests[5].account.iban"],
        ),
        ({"account": {"book": "b"}, "update_mask": "x"}, "INVALID_FIELD_MASK", ["requests[5].update_mask"]),
        ({"account": {"book": "b\0"}}, "NUL_IN_TEXT", ["requests[5].account.book"]),
    ],
)
async def test_a_batch_with_one_bad_item_changes_nothing_and_names_it(
    gateway_for: GatewayFor, bad: dict[str, Any], reason: str, fields: list[str]
) -> None:
    gateway = await gateway_for("ledger")
    await accounts(gateway, 10)
    requests = [{"account": {"book": "b", "number": i, "owner": "x"}} for i in range(10)]
    requests[5] = bad
    failed = await refused(gateway.call(f"{ACCOUNTS}/BatchUpdateAccounts", requests=requests))
    assert (failed.reason, failed.fields) == (reason, fields)
    assert await gateway.sql("""SELECT FROM "Ledger"."order" WHERE "user" = 'x'""") == []


async def test_a_batch_creates_what_may_be_missing(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    await accounts(gateway, 2)
    requests = [
        {"account": {"book": "b", "number": i, "iban": str(i), "title": f"new{i}"}, "allow_missing": True}
        for i in (3, 1, 2, 0)
    ]
    answer = await gateway.call(f"{ACCOUNTS}/BatchUpdateAccounts", requests=requests)
    assert [(one.number, one.title, one.revision) for one in answer.accounts] == [
        (3, "new3", 1),
        (1, "new1", 2),
        (2, "new2", 1),
        (0, "new0", 2),
    ]
