"""Writes of single rows under load, over gRPC: what many do at once is what each would have done alone."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from google.protobuf.json_format import MessageToDict

from gateway.schema.tables.metadata import build_tables
from gateway.sql.writes.change import Change
from gateway.sql.writes.shared_writes import change_each
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway, schema_of

ACCOUNTS = "ledger.v1.AccountService"
TABLE = '"Ledger"."order"'
NODES = "adversarial.v1.NodeService"
PATIENT = {"coalesce_max_concurrent_batches": 1, "coalesce_max_delay": 60}
"""Settings by which all that arrive while one call is under way share the next statement."""


@asynccontextmanager
async def gathering(gateway: RunningGateway, table: str) -> AsyncIterator[None]:
    """Keep writes of a table from ending, so that those started inside share a statement."""
    locker = await asyncpg.connect(gateway.dsn)
    try:
        async with locker.transaction():
            await locker.execute(f"LOCK TABLE {table} IN SHARE MODE")
            yield
            for _ in range(20):  # those that came before these have all arrived by then
                await gateway.call("ledger.v1.AccountService/CountAccounts")
    finally:
        await locker.close()


def started(gateway: RunningGateway, method: str, requests: Sequence[Any]) -> list["asyncio.Task[Any]"]:
    """Start a call for each request."""
    return [asyncio.create_task(gateway.call(method, request)) for request in requests]


async def fates(calls: Sequence[Any]) -> list[Any]:
    """Return each call's answer, or how it failed."""
    found = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 60)
    return [(e.code.name, e.reason, e.message, e.fields) if isinstance(e, RpcFailed) else e for e in found]


async def transactions(gateway: RunningGateway, table: str) -> int:
    """Return how many transactions wrote the rows of a table."""
    found = await gateway.sql(f"SELECT count(DISTINCT xmin::text) AS n FROM {table}")  # noqa: S608 - as above
    return int(found[0]["n"])


def account(number: int, **values: Any) -> dict[str, Any]:
    """Return a CreateAccount request."""
    row = {"book": "b", "number": number, "title": f"t{number}", "iban": f"i{number}", **values}
    return {"account": row}


def remark(number: int) -> dict[str, Any]:
    """Return a CreateRemark request; the database numbers it."""
    return {"remark": {"group": f"remark {number}"}}


async def test_each_gets_the_row_that_it_created(gateway_for: GatewayFor) -> None:
    """With the number that the database gave it, in one transaction with the others."""
    gateway = await gateway_for("ledger", **PATIENT)
    async with gathering(gateway, '"Ledger"."where"'):
        calls = started(gateway, "ledger.v1.RemarkService/CreateRemark", [remark(n) for n in range(40)])
    rows = await fates(calls)
    assert [row.group for row in rows] == [f"remark {n}" for n in range(40)]
    assert len({row.id for row in rows}) == 40
    stored = await gateway.sql('SELECT id, "group" FROM "Ledger"."where"')
    assert {row["id"]: row["group"] for row in stored} == {row.id: row.group for row in rows}
    assert await transactions(gateway, '"Ledger"."where"') <= 3


async def test_a_taken_key_is_told_to_its_caller_alone(gateway_for: GatewayFor) -> None:
    """With the same words as without sharing, whichever key it is, and without a failed batch."""
    gateway = await gateway_for("ledger", **PATIENT)
    await gateway.call(f"{ACCOUNTS}/CreateAccount", account(0))
    twice = [account(0, iban="other", title="other"), account(100, iban="i0"), account(101, title="t0")]
    alone = await fates([gateway.call(f"{ACCOUNTS}/CreateAccount", request) for request in twice])
    async with gathering(gateway, TABLE):
        new = [account(n) for n in range(1, 20)]
        calls = started(gateway, f"{ACCOUNTS}/CreateAccount", [*new, *twice, account(5, iban="x", title="x")])
    found = await fates(calls)

    assert [row.number for row in found[:19]] == list(range(1, 20))
    assert found[19:22] == alone
    assert [fate[1] for fate in found[19:]] == ["UNIQUE_VIOLATION"] * 4
    assert len(await gateway.sql(f"SELECT FROM {TABLE}")) == 20
    assert await transactions(gateway, TABLE) <= 4


async def test_other_errors_of_a_new_row_are_told_to_its_caller_alone(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger", **PATIENT)
    bad = [account(50 + n, limit=-n) for n in (1, 2, 3)]
    alone = await fates([gateway.call(f"{ACCOUNTS}/CreateAccount", request) for request in bad])
    async with gathering(gateway, TABLE):
        calls = started(
            gateway, f"{ACCOUNTS}/CreateAccount", [*(account(n) for n in range(10)), *bad, account(11)]
        )
    found = await fates(calls)

    assert found[10:13] == alone
    assert [row.number for row in (*found[:10], found[13])] == [*range(10), 11]
    assert {fate[1] for fate in alone} == {"CHECK_VIOLATION"}


async def test_triggers_that_skip_or_change_rows_hurt_nobody_else(gateway_for: GatewayFor) -> None:
    """The keys can't tell the rows apart then, so each is inserted alone, once."""
    gateway = await gateway_for("ledger", **PATIENT)
    await gateway.sql(
        'CREATE FUNCTION "Ledger".odd() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN '
        "IF NEW.number = 7 THEN RETURN NULL; END IF; "
        "IF NEW.number IN (3, 5) THEN NEW.number := NEW.number + 1000; END IF; RETURN NEW; END $$"
    )
    for event in ("INSERT", "UPDATE"):
        trigger = f"CREATE TRIGGER odd_{event} BEFORE {event} ON {TABLE}"
        await gateway.sql(f'{trigger} FOR EACH ROW EXECUTE FUNCTION "Ledger".odd()')
    async with gathering(gateway, TABLE):
        calls = started(gateway, f"{ACCOUNTS}/CreateAccount", [account(n) for n in range(10)])
    found = await fates(calls)

    assert found[7][:2] == ("FAILED_PRECONDITION", "ROW_KEPT_OUT")
    rows = {n: found[n] for n in range(10) if n != 7}
    assert {n: row.number for n, row in rows.items()} == {n: n + 1000 * (n in {3, 5}) for n in rows}
    assert {n: row.title for n, row in rows.items()} == {n: f"t{n}" for n in rows}
    assert len(await gateway.sql(f"SELECT FROM {TABLE}")) == 9

    await gateway.sql(f"ALTER TABLE {TABLE} DISABLE TRIGGER odd_insert")
    await gateway.call(f"{ACCOUNTS}/CreateAccount", account(7))
    async with gathering(gateway, TABLE):
        change = [{"account": {"book": "b", "number": n, "limit": 5}} for n in (0, 1, 2, 7, 8)]
        calls = started(gateway, f"{ACCOUNTS}/UpdateAccount", change)
    found = await fates(calls)
    assert [row.limit for row in (*found[:3], found[4])] == [5] * 4
    assert found[3][:2] == ("FAILED_PRECONDITION", "ROW_KEPT_OUT")


async def test_rows_that_refer_to_each_other_may_come_together(gateway_for: GatewayFor) -> None:
    """A reference to a row of the same batch holds; one to nothing is its caller's error alone."""
    gateway = await gateway_for("adversarial", **PATIENT)
    ids = [f"00000000-0000-0000-0000-0000000000{n:02}" for n in range(12)]
    nodes: list[dict[str, Any]] = [{"node": {"id": ids[0]}}]
    nodes += [{"node": {"id": ids[n], "parent_id": ids[n - 1], "position": n}} for n in range(1, 11)]
    nodes += [{"node": {"id": ids[11], "parent_id": "00000000-0000-0000-0000-0000000000ff"}}]
    locker = await asyncpg.connect(gateway.dsn)
    async with locker.transaction():
        await locker.execute("LOCK TABLE node IN SHARE MODE")
        calls = started(gateway, f"{NODES}/CreateNode", nodes)
        for _ in range(20):
            await gateway.call(f"{NODES}/CountNodes")
    await locker.close()
    found = await fates(calls)
    assert found[11][1] == "FOREIGN_KEY_VIOLATION"
    created = [row for row in found[:11] if not isinstance(row, tuple)]
    assert len(await gateway.sql("SELECT FROM node")) == len(created)


class Client:
    """One of many clients: it knows what it will ask, and owns its rows.

    Args:
        seed: what it will ask.

    """

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - a seed, so that a failure comes again
        self._book = f"b{seed}"
        self._seed = seed

    def requests(self, count: int) -> list[tuple[str, dict[str, Any]]]:
        """Return methods with their requests."""
        return [self._request() for _ in range(count)]

    def _request(self) -> tuple[str, dict[str, Any]]:
        key: dict[str, Any] = {"book": self._book, "number": self._draw.randrange(3)}
        etag = self._draw.choice(["", "", '"v1"', '"v2"', '"v3"'])
        if self._draw.random() < 0.2:
            return "GetAccount", key
        if self._draw.random() < 0.2:
            return self._draw.choice(["DeleteAccount", "UndeleteAccount"]), {**key, "etag": etag}
        row = {**key, **self._values()}
        if self._draw.random() < 0.4:
            return "CreateAccount", {"account": row}
        mask = self._draw.choice(["", "*", "limit", "limit,note", "title", "iban,limit"])
        request = {"account": {**row, "etag": etag}, "update_mask": mask}
        return "UpdateAccount", request | ({"allow_missing": True} if self._draw.random() < 0.2 else {})

    def _values(self) -> dict[str, Any]:
        # Unique among all rows, so they are this client's own in every row that it writes.
        values: dict[str, Any] = {
            name: f"{self._seed}-{self._draw.randrange(4)}" for name in ("title", "iban")
        }
        if self._draw.random() < 0.7:
            values |= {"limit": self._draw.choice([0, 5, 9, -1])}
        return values | ({"note": "n"} if self._draw.random() < 0.5 else {})


async def told(gateway: RunningGateway, method: str, request: dict[str, Any]) -> Any:
    """Return what a call answers, without times; or how it fails."""
    (found,) = await fates([gateway.call(f"{ACCOUNTS}/{method}", request)])
    if isinstance(found, tuple):
        return found
    shown = MessageToDict(found)
    return {name: name.endswith("At") or value for name, value in shown.items()}


@pytest.mark.parametrize("seed", range(3))
async def test_many_clients_at_once_get_what_each_would_get_alone(gateway_for: GatewayFor, seed: int) -> None:
    """Creates, updates, deletes, undeletes and gets, against the same without sharing, one by one."""
    shared = await gateway_for("ledger")
    single = await gateway_for("ledger", coalesce_writes=False, coalesce_reads=False)
    work = [Client(100 * seed + n).requests(25) for n in range(40)]

    async def one_client(asked: list[tuple[str, dict[str, Any]]]) -> list[Any]:
        return [await told(shared, method, request) for method, request in asked]

    found = await asyncio.gather(*map(one_client, work))
    for asked, answers in zip(work, found, strict=True):
        assert answers == [await told(single, method, request) for method, request in asked]
    columns = 'book, number, "user", "Title", iban, "limit", "select", revision, closed_at IS NULL AS live'
    rows = f"SELECT {columns} FROM {TABLE} ORDER BY book, number"  # noqa: S608 - the test's own names
    assert await shared.sql(rows) == await single.sql(rows)


@pytest.mark.parametrize("change", [Change.UPDATE, Change.DELETE])
async def test_each_row_is_looked_up_by_its_key(gateway_for: GatewayFor, change: Change) -> None:
    """Also by a plan that was made, and kept, while the table was empty."""
    gateway = await gateway_for("types")
    schema = schema_of("types")
    resource = schema.resources["types.v1.Scalar"]
    columns = ("int64_value",) if change is Change.UPDATE else ()
    table = build_tables(schema).tables["types.v1.Scalar"]
    many = change_each(resource, table, change, columns, expects=False).statement
    connection = await asyncpg.connect(gateway.dsn)
    try:
        await connection.execute(f"PREPARE many AS {many.text}")
        arguments = ", ".join(["'{1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17}'"] * len(many.binds))
        for _ in range(8):
            await connection.execute(f"EXECUTE many({arguments})")
        plan = await connection.fetch(f"EXPLAIN EXECUTE many({arguments})")
    finally:
        await connection.close()
    text = "\n".join(row[0] for row in plan)
    assert "Index Cond: (id = " in text
    assert "TID Cond" in text
    assert "Seq Scan" not in text
