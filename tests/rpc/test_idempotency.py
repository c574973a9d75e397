"""request_id: a write takes effect once, and is answered the same each time (AIP-155)."""

import asyncio
from collections import Counter
from secrets import token_hex
from typing import Any
from uuid import uuid4

import pytest

from gateway.db.database import Database
from gateway.db.internal_tables import idempotency
from gateway.errors import OutcomeUnknown
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

NODES = "adversarial.v1.NodeService"
TAGS = "adversarial.v1.TagService"


async def records(gateway: RunningGateway) -> int:
    """Return how many request ids are remembered."""
    (row,) = await gateway.sql("SELECT count(*) AS n FROM rowgate.idempotency")
    return int(row["n"])


async def raw(gateway: RunningGateway, method: str, request: dict[str, Any]) -> bytes:
    """Return the bytes that a call is answered with."""
    name = method.rpartition("/")[2]
    message = gateway.client.message(f"adversarial.v1.{name}Request", request)
    stub = gateway.client.channel.unary_unary(f"/{method}")
    return await gateway.client.raw(stub, message.SerializeToString(), 30)


async def test_a_repeated_write_answers_the_same_bytes_and_writes_once(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    request = {"node": {"position": 1, "label": "a"}, "request_id": str(uuid4())}
    first = await raw(gateway, f"{NODES}/CreateNode", request)
    (row,) = await gateway.sql("SELECT id::text FROM node")
    await gateway.call(f"{NODES}/UpdateNode", {"node": {"id": row["id"], "label": "changed since"}})
    assert await raw(gateway, f"{NODES}/CreateNode", request) == first
    assert len(await gateway.sql("SELECT FROM node")) == 1


@pytest.mark.parametrize(
    ("method", "request_", "table"),
    [
        ("CreateTag", {"tag": {"name": "new"}}, ["new", "old"]),
        ("UpdateTag", {"tag": {"name": "new"}, "allow_missing": True}, ["new", "old"]),
        ("DeleteTag", {"name": "old"}, []),
        ("BatchCreateTags", {"requests": [{"tag": {"name": "new"}}]}, ["new", "old"]),
        ("BatchUpdateTags", {"requests": [{"tag": {"name": "old"}}]}, ["old"]),
        ("BatchDeleteTags", {"names": ["old"]}, []),
        ("BulkUpsertTags", {"tags": [{"name": "new"}]}, ["new", "old"]),
    ],
)
async def test_every_write_honours_request_ids(
    gateway_for: GatewayFor, method: str, request_: dict[str, Any], table: list[str]
) -> None:
    gateway = await gateway_for("adversarial")
    await gateway.sql("INSERT INTO tag VALUES ('old')")
    request = {**request_, "request_id": str(uuid4())}
    first = await raw(gateway, f"{TAGS}/{method}", request)
    assert await raw(gateway, f"{TAGS}/{method}", request) == first
    assert [row["name"] for row in await gateway.sql("SELECT name FROM tag ORDER BY name")] == table
    assert await records(gateway) == 1


async def test_repetitions_that_arrive_meanwhile_wait_for_the_first_answer(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    request = {"node": {"position": 1}, "request_id": str(uuid4())}
    answers = await asyncio.gather(*(raw(gateway, f"{NODES}/CreateNode", request) for _ in range(40)))
    assert len(Counter(answers)) == 1
    assert len(await gateway.sql("SELECT FROM node")) == 1
    assert await records(gateway) == 1


async def test_an_id_stands_for_one_request(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    request_id = str(uuid4())
    await gateway.call(f"{TAGS}/CreateTag", {"tag": {"name": "a"}, "request_id": request_id})
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{TAGS}/CreateTag", {"tag": {"name": "b"}, "request_id": request_id})
    assert (failed.value.reason, failed.value.fields) == ("REQUEST_ID_REUSED", ["request_id"])
    await gateway.call(f"{TAGS}/DeleteTag", {"name": "a", "request_id": request_id})  # another method
    assert await gateway.sql("SELECT FROM tag") == []


@pytest.mark.parametrize("text", ["1", "not-a-uuid", "{0}", "urn:uuid:{0}", "{0} ", "0" * 32], ids=repr)
async def test_an_id_is_a_uuid(gateway_for: GatewayFor, text: str) -> None:
    gateway = await gateway_for("adversarial")
    request = {"tag": {"name": "a"}, "request_id": text.format("{" + str(uuid4()) + "}")}
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{TAGS}/CreateTag", request)
    assert (failed.value.reason, failed.value.fields) == ("INVALID_UUID", ["request_id"])
    assert await gateway.sql("SELECT FROM tag") == []


async def test_letter_case_makes_no_other_id(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    request_id = str(uuid4())
    await gateway.call(f"{TAGS}/CreateTag", {"tag": {"name": "a"}, "request_id": request_id})
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{TAGS}/CreateTag", {"tag": {"name": "b"}, "request_id": request_id.upper()})
    assert failed.value.reason == "REQUEST_ID_REUSED"


async def test_a_failed_write_leaves_its_id_free(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    await gateway.sql("INSERT INTO tag VALUES ('a')")
    request = {"tag": {"name": "a"}, "request_id": str(uuid4())}
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{TAGS}/CreateTag", request)
    assert (failed.value.reason, await records(gateway)) == ("UNIQUE_VIOLATION", 0)
    await gateway.sql("DELETE FROM tag")
    await gateway.call(f"{TAGS}/CreateTag", request)
    assert await records(gateway) == 1


async def test_validating_alone_uses_no_id_up(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial")
    request = {"tag": {"name": "a"}, "request_id": str(uuid4())}
    answer = await gateway.call(f"{TAGS}/CreateTag", {**request, "validate_only": True})
    assert answer.name == "a"
    assert (await records(gateway), await gateway.sql("SELECT FROM tag")) == (0, [])
    await gateway.call(f"{TAGS}/CreateTag", request)
    assert len(await gateway.sql("SELECT FROM tag")) == 1


async def test_a_large_answer_is_not_kept_but_its_id_is(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("adversarial", request_id_answer_bytes=1000)
    request = {"tags": [{"name": "x" * 40 + str(i)} for i in range(9)], "request_id": str(uuid4())}
    small = {"requests": [{"tag": {"name": "small"}}], "request_id": str(uuid4())}
    large = {"requests": [{"tag": {"name": "y" * 1500}}], "request_id": str(uuid4())}
    for method, sent in (("BulkUpsertTags", request), ("BatchCreateTags", small), ("BatchCreateTags", large)):
        await gateway.call(f"{TAGS}/{method}", sent)
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{TAGS}/BatchCreateTags", large)
    assert (failed.value.code.name, failed.value.reason) == ("ALREADY_EXISTS", "ANSWER_NOT_KEPT")
    await gateway.call(f"{TAGS}/BatchCreateTags", small)
    await gateway.call(f"{TAGS}/BulkUpsertTags", request)
    assert len(await gateway.sql("SELECT FROM tag")) == 11
    (row,) = await gateway.sql("SELECT max(octet_length(response)) AS most FROM rowgate.idempotency")
    assert row["most"] <= 1000


async def test_without_room_answers_are_not_kept_and_then_no_ids(
    gateway_for: GatewayFor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repetition gets its answer, or is told that the write was done; it never writes again."""
    gateway = await gateway_for("adversarial", request_id_max_bytes=1 << 20)

    async def outcome(method: str, **request: Any) -> int | str:
        try:
            return int((await gateway.call(f"{TAGS}/{method}", request)).ByteSize())
        except RpcFailed as failed:
            return f"{failed.code.name} {failed.reason}"

    names = [[token_hex(150) for _ in range(1000)] for _ in range(5)]
    sent = [
        {"requests": [{"tag": {"name": name}} for name in batch], "request_id": str(uuid4())}
        for batch in names
    ]
    with monkeypatch.context() as patched:
        # A look at what is stored, beside a write that isn't committed yet, wouldn't see that one.
        patched.setattr(idempotency, "_LOOKS", 0)
        first = [await outcome("BatchCreateTags", **request) for request in sent]
    assert [await outcome("BatchCreateTags", **request) for request in sent] == [
        *first[:3],
        *["ALREADY_EXISTS ANSWER_NOT_KEPT"] * 2,
    ]
    assert len(await gateway.sql("SELECT FROM tag")) == 5000
    await gateway.sql(
        "INSERT INTO rowgate.idempotency (principal, method, request_id, body_hash)"
        " SELECT '', 'm', gen_random_uuid(), '' FROM generate_series(1, 10000)"
    )
    said: int | str = 0
    async with asyncio.timeout(30):
        while said == 0:
            said = await outcome("DeleteTag", name="x", allow_missing=True, request_id=str(uuid4()))
    assert said == "RESOURCE_EXHAUSTED TOO_MANY_REQUEST_IDS"
    assert await outcome("BatchCreateTags", **sent[0]) == first[0]
    assert await outcome("DeleteTag", name="x", allow_missing=True) == 0


@pytest.mark.parametrize("committed", [True, False])
async def test_an_unknown_outcome_is_settled_by_the_record(
    gateway_for: GatewayFor, monkeypatch: pytest.MonkeyPatch, *, committed: bool
) -> None:
    gateway = await gateway_for("adversarial")
    transact = Database.transact
    lost: list[bool] = []

    async def lose_the_answer(self: Database, *work: Any) -> Any:
        """Fail once as no real connection fails on demand: after COMMIT, or before."""
        if lost:
            return await transact(self, *work)
        lost.append(True)
        if committed:
            await transact(self, *work)
        raise OutcomeUnknown("the answer to COMMIT was lost", reason="COMMIT_OUTCOME_UNKNOWN")

    monkeypatch.setattr(Database, "transact", lose_the_answer)
    node = await gateway.call(f"{NODES}/CreateNode", node={"position": 4}, request_id=str(uuid4()))
    (row,) = await gateway.sql("SELECT id::text FROM node")
    assert (node.id, await records(gateway), lost) == (row["id"], 1, [True])
