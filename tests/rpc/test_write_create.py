"""Create and BatchCreate: what is stored, what is refused and how it is told."""

from typing import Any
from uuid import uuid4

import pytest
from google.rpc import error_details_pb2

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

NODES = "adversarial.v1.NodeService"
TAGS = "adversarial.v1.TagService"
WIDES = "adversarial.v1.WideService"
ACCOUNTS = "ledger.v1.AccountService"
ENTRIES = "ledger.v1.EntryService"


async def refused(call: Any) -> RpcFailed:
    """Return how a call fails."""
    with pytest.raises(RpcFailed) as failed:
        await call
    return failed.value


async def test_defaults_and_server_set_fields_are_the_servers(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    sent = {
        "position": 3,
        "version": 9,
        "created_at": "2001-01-01T00:00:00Z",
        "deleted_at": "2001-01-01T00:00:00Z",
        "upper_label": "sent",
        "luck": 1,
    }
    node = await gateway.call(f"{NODES}/CreateNode", node=sent)
    (row,) = await gateway.sql("SELECT *, created_at >= now() - interval '1 minute' AS young FROM node")
    assert str(row["id"]) == node.id
    assert (node.position, node.version, node.label, node.upper_label, node.luck) == (
        3,
        1,
        "unnamed",
        "UNNAMED",
        7,
    )
    assert (row["version"], row["luck"], row["young"], row["deleted_at"]) == (1, 7, True, None)
    assert node.created_at == node.updated_at
    assert not node.HasField("weight")
    assert not node.HasField("deleted_at")


async def test_a_key_that_is_sent_is_kept(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    key = str(uuid4())
    node = await gateway.call(f"{NODES}/CreateNode", node={"id": key, "weight": 0})
    assert (node.id, node.weight, node.HasField("weight")) == (key, 0, True)
    assert await gateway.call(f"{NODES}/GetNode", id=key) == node


async def test_a_taken_key_is_named(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    account = {"book": "b", "number": 7, "iban": "i"}
    await gateway.call(f"{ACCOUNTS}/CreateAccount", account=account)
    failed = await refused(gateway.call(f"{ACCOUNTS}/CreateAccount", account={**account, "iban": "j"}))
    assert (failed.code.name, failed.reason) == ("ALREADY_EXISTS", "UNIQUE_VIOLATION")
    assert failed.fields == ["account.book", "account.number"]
    (info,) = failed.details(error_details_pb2.ResourceInfo)
    assert (info.resource_type, info.resource_name) == ("ledger.v1.Account", "book=b, number=7")


@pytest.mark.parametrize(
    ("change", "reason", "fields"),
    [
        ({"number": 8}, "UNIQUE_VIOLATION", ["account.iban"]),
        ({"number": 8, "iban": "j"}, "UNIQUE_VIOLATION", ["account.title"]),
        ({"number": 8, "iban": "j", "title": "u", "limit": -1}, "CHECK_VIOLATION", ["account.limit"]),
        ({"book": "longer than twelve"}, "TOO_LONG", ["account.book"]),
        ({"book": "a\0b", "title": "\0"}, "NUL_IN_TEXT", ["account.book", "account.title"]),
    ],
)
async def test_a_refusal_names_the_fields(
    gateway_for: GatewayFor, change: dict[str, Any], reason: str, fields: list[str]
) -> None:
    gateway = await gateway_for("ledger")
    account = {"book": "b", "number": 7, "iban": "i", "title": "t"}
    await gateway.call(f"{ACCOUNTS}/CreateAccount", account=account)
    failed = await refused(gateway.call(f"{ACCOUNTS}/CreateAccount", account={**account, **change}))
    assert (failed.reason, failed.fields) == (reason, fields)
    assert len(await gateway.sql('SELECT FROM "Ledger"."order"')) == 1


async def test_a_broken_reference_names_its_fields(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    entry = {"book": "b", "debit": 1, "credit": 2, "amount": 1, "booked_at": "2020-01-01T00:00:00Z"}
    failed = await refused(gateway.call(f"{ENTRIES}/CreateEntry", entry=entry))
    assert failed.code.name == "FAILED_PRECONDITION"
    side = failed.metadata["constraint"].split("_")[1]
    assert failed.fields == ["entry.book", f"entry.{side}"]
    del entry["booked_at"]
    failed = await refused(gateway.call(f"{ENTRIES}/CreateEntry", entry=entry))
    assert (failed.reason, failed.fields) == ("NOT_NULL_VIOLATION", ["entry.booked_at"])


async def test_the_resource_is_required(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    failed = await refused(gateway.call(f"{TAGS}/CreateTag"))
    assert (failed.reason, failed.fields) == ("REQUIRED", ["tag"])
    failed = await refused(gateway.call(f"{TAGS}/BatchCreateTags", requests=[{"tag": {"name": "a"}}, {}]))
    assert (failed.reason, failed.fields) == ("REQUIRED", ["requests[1].tag"])


async def test_a_hundred_columns_come_back(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    wide = gateway.client.message("adversarial.v1.Wide")
    for i, field in enumerate(wide.DESCRIPTOR.fields, 1):
        kind = type(getattr(wide, field.name))
        setattr(wide, field.name, str(i).encode() if kind is bytes else kind(i))
    request = gateway.client.message("adversarial.v1.CreateWideRequest")
    request.wide.CopyFrom(wide)
    answer = await gateway.call(f"{WIDES}/CreateWide", request)
    assert answer.SerializeToString(deterministic=True) == wide.SerializeToString(deterministic=True)
    (row,) = await gateway.sql("SELECT * FROM wide")
    assert list(row.values()) == [value for _, value in wide.ListFields()]


async def test_validating_checks_the_stored_data_too_and_keeps_nothing(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    account = {"book": "b", "number": 7, "title": "t"}
    answer = await gateway.call(f"{ACCOUNTS}/CreateAccount", account=account, validate_only=True)
    assert (answer.title, answer.revision, answer.note) == ("t", 1, "none")
    assert await gateway.sql('SELECT FROM "Ledger"."order"') == []
    await gateway.call(f"{ACCOUNTS}/CreateAccount", account=account)
    failed = await refused(gateway.call(f"{ACCOUNTS}/CreateAccount", account=account, validate_only=True))
    assert failed.fields == ["account.book", "account.number"]


async def tags(gateway: RunningGateway) -> list[str]:
    """Return what the table of one column holds."""
    return [row["name"] for row in await gateway.sql("SELECT name FROM tag ORDER BY name")]


async def test_a_batch_answers_in_request_order(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    names = [f"{(i * 7919) % 1000:03}" for i in range(1000)]
    answer = await gateway.call(f"{TAGS}/BatchCreateTags", requests=[{"tag": {"name": n}} for n in names])
    assert [tag.name for tag in answer.tags] == names
    assert await tags(gateway) == sorted(names)


async def test_a_batch_of_several_shapes_answers_in_request_order(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    nodes = [{"position": i, **({"label": str(i)} if i % 2 else {})} for i in range(50)]
    nodes[3]["id"] = str(uuid4())
    answer = await gateway.call(f"{NODES}/BatchCreateNodes", requests=[{"node": node} for node in nodes])
    assert [(n.position, n.label) for n in answer.nodes] == [
        (i, str(i) if i % 2 else "unnamed") for i in range(50)
    ]
    assert answer.nodes[3].id == nodes[3]["id"]
    assert len({node.id for node in answer.nodes}) == 50


async def test_a_batch_with_one_bad_item_writes_nothing_and_names_it(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    accounts = [{"book": "b", "number": i, "iban": str(i), "title": str(i)} for i in range(20)]
    accounts[13]["limit"] = -1
    requests = [{"account": account} for account in accounts]
    failed = await refused(gateway.call(f"{ACCOUNTS}/BatchCreateAccounts", requests=requests))
    assert (failed.reason, failed.fields) == ("CHECK_VIOLATION", ["requests[13].account.limit"])
    accounts[13] = {**accounts[13], "limit": 0, "number": 12}
    failed = await refused(
        gateway.call(f"{ACCOUNTS}/BatchCreateAccounts", requests=[{"account": one} for one in accounts])
    )
    assert failed.fields == ["requests[13].account.book", "requests[13].account.number"]
    assert await gateway.sql('SELECT FROM "Ledger"."order"') == []


async def test_a_batch_has_a_limit_and_ids_of_its_own(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    requests = [{"tag": {"name": str(i)}} for i in range(1001)]
    failed = await refused(gateway.call(f"{TAGS}/BatchCreateTags", requests=requests))
    assert (failed.code.name, failed.reason) == ("INVALID_ARGUMENT", "BATCH_TOO_LARGE")
    assert (failed.fields, failed.metadata["limit"]) == (["requests"], "1000")
    for extra in ({"request_id": str(uuid4())}, {"validate_only": True}):
        item = {"tag": {"name": "a"}, **extra}
        failed = await refused(gateway.call(f"{TAGS}/BatchCreateTags", requests=[item]))
        assert (failed.reason, failed.fields) == ("NOT_IN_BATCH", [f"requests[0].{next(iter(extra))}"])
    assert (await gateway.call(f"{TAGS}/BatchCreateTags")).tags == []
    assert await tags(gateway) == []


async def test_identities_count_on(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    answer = await gateway.call(
        "ledger.v1.RemarkService/BatchCreateRemarks",
        requests=[{"remark": {"group": group}} for group in ("a", "bb", "ccc")],
    )
    assert [(one.id, one.group_length) for one in answer.remarks] == [(1, 1), (2, 2), (3, 3)]
