"""PostgreSQL's own policies hold in each step: the caller's role carries it out, and nothing of it stays."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.harness.client import Client, Conversation, RpcFailed
from tests.harness.databases import Databases
from tests.rpc.walls import ACME, EVIL, ITEMS, MEMBER, Walled, walled_database, walled_items
from tests.transactions.bank import bound

SERVICE = "walled.v1.ItemTransactions"
QUERIES = "walled.v1.ItemQueries"
CLAIMS = {"ann": '{"tenant": "acme"}', "eve": '{"tenant": "evil"}', "non": "{}"}
COMMIT = {"end": "SESSION_END_COMMIT"}


@pytest.fixture(params=["PostgreSQL 18", "PostgreSQL 15"])
async def walled(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path, transport: str
) -> AsyncIterator[Walled]:
    """Serve the items by a role that has no right to them, over as few connections as a session needs."""
    if request.param == "PostgreSQL 15":
        databases = Databases(request.getfixturevalue("debian_15"))
    dsn = await walled_database(databases)
    async with walled_items(dsn, tmp_path, transport, schema="walled_queries", pool_size=4) as served:
        yield served


def step(method: str, request: dict[str, Any] | None = None, /, **fields: Any) -> dict[str, Any]:
    """Return a step that calls `package.Service/Method`."""
    name = "google.protobuf.Empty" if request is None else f"walled.v1.{method.rpartition('/')[2]}Request"
    packed = {"@type": f"type.googleapis.com/{name}", **(request or {})}
    return {"method": method.replace("/", "."), "request": packed, **fields}


def listing() -> dict[str, Any]:
    """Return a step that lists all items."""
    return step(f"{ITEMS}/ListItems", {"pageSize": 100})


def creation(number: int, tenant: str) -> dict[str, Any]:
    """Return a step that makes an item."""
    return step(f"{ITEMS}/CreateItem", {"item": {"id": number, "tenant": tenant}})


async def transacted(walled: Walled, name: str, *steps: dict[str, Any], **fields: Any) -> list[Any]:
    """Carry out a caller's steps; return the responses' messages."""
    client = walled.clients[name]
    answer = await client.call(f"{SERVICE}/Transact", {"steps": list(steps), **fields})
    return [client.unpacked(one) for one in answer.responses]


async def refused(walled: Walled, name: str, *steps: dict[str, Any]) -> tuple[str, str, str]:
    """Return what a caller's steps are refused with, and which step it was."""
    before = await walled.stored()
    with pytest.raises(RpcFailed) as failed:
        await transacted(walled, name, *steps)
    assert await walled.stored() == before
    return failed.value.code.name, failed.value.reason, failed.value.metadata["step"]


async def by_hand(walled: Walled, name: str) -> list[int]:
    """Return the items that PostgreSQL has for a caller, asked past the gateway."""
    connection = await asyncpg.connect(walled.dsn)
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL ROLE {MEMBER}")
            await connection.fetch("SELECT set_config('request.jwt.claims', $1, true)", CLAIMS[name])
            return [row["id"] for row in await connection.fetch("SELECT id FROM item ORDER BY id")]
    finally:
        await connection.close()


@pytest.mark.parametrize(("name", "tenant"), [("ann", "acme"), ("eve", "evil")])
async def test_each_step_has_the_callers_rows(walled: Walled, name: str, tenant: str) -> None:
    created, listed, found, overwritten, counted = await transacted(
        walled,
        name,
        creation(50, tenant),
        listing(),
        step(f"{QUERIES}/FindItems"),
        step(f"{QUERIES}/Overwrite", {"text": "new"}),
        step(f"{ITEMS}/CountItems", {}),
    )
    mine = await by_hand(walled, name)
    assert created.id == 50
    assert [one.id for one in listed.items] == [one.id for one in found.items] == mine
    assert overwritten.affected_rows == counted.count == len(mine) == 6
    assert {number for number, _, text in await walled.stored() if text == "new"} == set(mine)


async def test_who_has_no_rows_has_none_in_a_step(walled: Walled) -> None:
    listed, overwritten = await transacted(
        walled, "non", listing(), step(f"{QUERIES}/Overwrite", {"text": "new"})
    )
    assert not listed.items
    assert overwritten.affected_rows == 0


async def test_what_a_policy_refuses_undoes_all(walled: Walled) -> None:
    mine = creation(50, "acme")
    for other, code, reason in (
        (creation(51, "evil"), "PERMISSION_DENIED", "ROW_NOT_ALLOWED"),
        (step(f"{ITEMS}/GetItem", {"id": 1}), "NOT_FOUND", "ROW_NOT_FOUND"),
        (step(f"{ITEMS}/DeleteItem", {"id": 1}), "NOT_FOUND", "ROW_NOT_FOUND"),
        (step(f"{ITEMS}/UpdateItem", {"item": {"id": 1, "text": "x"}}), "NOT_FOUND", "ROW_NOT_FOUND"),
    ):
        assert await refused(walled, "ann", mine, other) == (code, reason, "1")
    hidden = step(f"{ITEMS}/GetItem", {}, bindings=[bound(0, "items[0].id", "id")])
    found = step(f"{ITEMS}/ListItems", {"filter": "id = 1"})
    assert (await refused(walled, "ann", found, hidden))[1:] == ("BINDING_NOT_FOUND", "1")


async def test_a_role_that_may_only_read_writes_in_no_step(walled: Walled) -> None:
    (listed,) = await transacted(walled, "aud", listing())
    assert {one.id for one in listed.items} == ACME
    assert await refused(walled, "aud", listing(), creation(50, "acme")) == (
        "PERMISSION_DENIED",
        "INSUFFICIENT_PRIVILEGE",
        "1",
    )


async def test_a_repeated_request_is_answered_by_what_the_gateways_own_role_kept(walled: Walled) -> None:
    request_id = str(uuid4())
    steps = (creation(50, "acme"), listing())
    first = await transacted(walled, "ann", *steps, requestId=request_id)
    assert await transacted(walled, "ann", *steps, requestId=request_id) == first
    with pytest.raises(RpcFailed) as failed:
        await transacted(walled, "eve", *steps, requestId=request_id)
    assert failed.value.reason == "ROW_NOT_ALLOWED"


class Talk:
    """A session of a caller."""

    def __init__(self, client: Client, session: Conversation) -> None:
        self._client = client
        self.session = session

    @classmethod
    async def of(cls, walled: Walled, name: str) -> "Talk":
        """Begin one."""
        client = walled.clients[name]
        session = client.converse(f"{SERVICE}/Session")
        await session.ask(begin={})
        return cls(client, session)

    async def take(self, step: dict[str, Any]) -> Any:
        """Return what a step is answered with: a message, or the status's code."""
        answer = await self.session.ask(step=step)
        return answer.error.code if answer.HasField("error") else self._client.unpacked(answer.response)

    async def listed(self) -> set[int]:
        """Return the items that the session sees."""
        return {one.id for one in (await self.take(listing())).items}


async def test_a_session_has_the_callers_rows_behind_savepoints_too(walled: Walled) -> None:
    ann = await Talk.of(walled, "ann")
    assert await ann.listed() == ACME
    await ann.session.ask(savepoint="one")
    assert (await ann.take(creation(50, "acme"))).id == 50
    assert await ann.listed() == {*ACME, 50}
    assert await ann.take(creation(51, "evil")) == 7  # PERMISSION_DENIED
    await ann.session.ask(rollback_to="one")
    assert await ann.listed() == ACME
    assert (await ann.take(step(f"{QUERIES}/Overwrite", {"text": "new"}))).affected_rows == len(ACME)
    assert await ann.take(step(f"{ITEMS}/GetItem", {"id": 1})) == 5  # NOT_FOUND
    await ann.session.ask(rollback_to="one")
    assert (await ann.take(creation(52, "acme"))).id == 52
    await ann.session.ask(**COMMIT)
    assert await by_hand(walled, "ann") == sorted({*ACME, 52})
    assert await by_hand(walled, "eve") == sorted(EVIL)


async def test_nothing_of_a_caller_stays_with_the_connection(walled: Walled) -> None:
    for name, rows in (("ann", ACME), ("eve", EVIL), ("non", set[int]()), ("ann", ACME)):
        talk = await Talk.of(walled, name)
        assert await talk.listed() == rows
        await talk.session.ask(end="SESSION_END_ROLLBACK")
        assert await talk.session.end() == []
        assert await walled.listed("eve") == EVIL
