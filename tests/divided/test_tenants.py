"""A schema for each tenant: whoever calls reads and writes its own tenant's alone, and hears of no other."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import pytest
from google.protobuf.json_format import MessageToDict

from gateway.schema.tables.metadata import build_tables
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.polling import next_poll

ORDERS, LINES = "divided.v1.OrderService", "divided.v1.LineService"
CALLERS = tuple(Caller(name, (), {"tenant": tenant}) for name, tenant in (("ann", "acme"), ("eve", "evil")))
SETTINGS = {
    "auth_tenant_column": "tenant",
    "auth_tenant_claim": "tenant",
    "auth_tenant_exempt": "divided.v1.Page,divided.v1.Event,divided.v1.Note",
}
_BEFORE = """
    TRUNCATE shop."order" CASCADE;
    INSERT INTO shop."order" (tenant, id, article)
    SELECT tenant, n, 'a' || n FROM unnest(ARRAY['acme', 'evil']) AS tenant, generate_series(1, 4) AS n;
    INSERT INTO shop.line SELECT tenant, id, 1, 5 FROM shop."order";
    ALTER TABLE shop."order" ALTER id RESTART WITH 100;
"""
_OWN = """SELECT tenant, id::text AS id, article FROM ONLY tenant_acme."order" ORDER BY id"""
_OTHERS = 'SELECT * FROM ONLY tenant_evil."order" ORDER BY id'
_AUDITED = """
    SELECT table_name, principal_id, key ->> 'tenant', key ->> 'id' FROM rowgate.audit
    ORDER BY id DESC LIMIT 1
"""
_SCANS = "SELECT sum(seq_scan + coalesce(idx_scan, 0)) FROM pg_stat_user_tables WHERE schemaname = $1"


class Shop(NamedTuple):
    """A gateway over two tenants' orders.

    Args:
        gateway: serves them.
        clients: by callers' names.
        sql: a connection past it.
        settings: by which it knows its callers.
        keys: theirs.

    """

    gateway: RunningGateway
    clients: Mapping[str, Client]
    sql: asyncpg.Connection
    settings: Mapping[str, Any]
    keys: Mapping[str, str]


@pytest.fixture(scope="module")
async def served(databases: Databases, data_folder: Path, transport: str) -> AsyncIterator[Shop]:
    dsn = await databases.copy_of("divided", build_tables(schema_of("divided")).metadata)
    path = data_folder / "tenants.json"
    keys = write_keys(path, CALLERS)
    settings = {"auth_providers": "api_key", "auth_api_keys": path, **SETTINGS}
    gateway = await serve("divided", dsn, transport=transport, **settings)
    sql = await asyncpg.connect(dsn)
    async with clients_of(gateway, "divided", keys) as clients:
        yield Shop(gateway, clients, sql, settings, keys)
    await sql.close()
    await gateway.stop()


@pytest.fixture
async def shop(served: Shop) -> Shop:
    """Return the gateway over four orders of each tenant."""
    await served.sql.execute(_BEFORE)
    return served


async def told(client: Client, method: str, /, **fields: Any) -> Any:
    """Return what a caller hears: the response, or code, reason and wrong fields."""
    try:
        if method.startswith("Stream"):
            chunks = [MessageToDict(one) async for one in client.stream(f"{ORDERS}/{method}", fields)]
            return [row for chunk in chunks for row in chunk.get("orders", ())]
        return MessageToDict(await client.call(f"{ORDERS}/{method}", fields))
    except RpcFailed as error:
        return error.code.name, error.reason, error.fields, error.message


async def _own(shop: Shop) -> list[dict[str, Any]]:
    return [dict(row) for row in await shop.sql.fetch(_OWN)]


async def test_reads_are_of_the_own_schema(shop: Shop) -> None:
    ann = shop.clients["ann"]
    rows = await _own(shop)
    assert (await told(ann, "ListOrders"))["orders"] == rows
    assert (await told(ann, "ListOrders", filter='tenant = "evil" OR id > 2'))["orders"] == rows[2:]
    assert await told(ann, "StreamOrders") == rows
    assert (await told(ann, "CountOrders"))["count"] == "4"
    assert await told(ann, "GetOrder", tenant="acme", id=1) == rows[0]
    lines = await told(ann, "GetOrder", tenant="acme", id=1, read_mask="lines")
    assert lines == {"lines": [{"tenant": "acme", "orderId": "1", "number": 1, "amount": 5}]}
    first = await ann.call(f"{ORDERS}/ListOrders", page_size=3, order_by="id desc")
    second = await ann.call(
        f"{ORDERS}/ListOrders", page_size=3, order_by="id desc", page_token=first.next_page_token
    )
    assert [one.id for one in (*first.orders, *second.orders)] == [4, 3, 2, 1]


# Whatever method names the tenant: another's is told as one that there isn't.
OF_ANOTHER: Mapping[str, Any] = {
    "GetOrder": lambda tenant: {"tenant": tenant, "id": 1},
    "CreateOrder": lambda tenant: {"order": {"tenant": tenant, "article": "new"}},
    "UpdateOrder": lambda tenant: {"order": {"tenant": tenant, "id": 1, "article": "new"}},
    "DeleteOrder": lambda tenant: {"tenant": tenant, "id": 1},
    "BatchGetOrders": lambda tenant: {"keys": [{"tenant": "acme", "id": 1}, {"tenant": tenant, "id": 1}]},
    "BatchCreateOrders": lambda tenant: {"requests": [{"order": {"tenant": tenant, "article": "new"}}]},
    "BatchUpdateOrders": lambda tenant: {
        "requests": [{"order": {"tenant": tenant, "id": 1, "article": "new"}}]
    },
    "BatchDeleteOrders": lambda tenant: {"requests": [{"tenant": tenant, "id": 1}]},
    "BulkUpsertOrders": lambda tenant: {
        "orders": [
            {"tenant": "acme", "id": 1, "article": "new"},
            {"tenant": tenant, "id": 1, "article": "b"},
        ],
        "partialFailure": True,
    },
    "CountOrders": lambda tenant: {"filter": f'tenant = "{tenant}"'},
    "ListOrders": lambda tenant: {"filter": f'tenant = "{tenant}"'},
    "StreamOrders": lambda tenant: {"filter": f'tenant = "{tenant}"'},
}


@pytest.mark.parametrize("method", OF_ANOTHER)
async def test_another_tenant_is_told_as_one_that_is_not_there(shop: Shop, method: str) -> None:
    others = await shop.sql.fetch(_OTHERS)
    heard = {}
    for tenant in ("evil", "nobody"):
        answer = await told(shop.clients["ann"], method, **OF_ANOTHER[method](tenant))
        heard[tenant] = str(answer).replace(tenant, "TENANT").replace("updatedCount", "unchangedCount")
    assert heard["evil"] == heard["nobody"]
    assert await shop.sql.fetch(_OTHERS) == others


async def test_writes_go_to_the_own_schema(shop: Shop) -> None:
    """What says no tenant is its caller's."""
    others = await shop.sql.fetch(_OTHERS)
    for name, schema in (("ann", "tenant_acme"), ("eve", "tenant_evil")):
        made = await shop.clients[name].call(f"{ORDERS}/CreateOrder", order={"article": name})
        stored = await shop.sql.fetchval(f'SELECT article FROM ONLY {schema}."order" WHERE id = $1', made.id)  # noqa: S608 - ours
        assert stored == name
        audited = await shop.sql.fetchrow(_AUDITED)
        tenant = schema.removeprefix("tenant_")
        assert tuple(audited) == ("shop.order", name, tenant, str(made.id))
    ann = shop.clients["ann"]
    rows = [{"tenant": "acme", "id": n, "article": f"n{n}"} for n in range(3, 7)]
    answer = await told(ann, "BulkUpsertOrders", orders=rows, outcomes=True)
    assert (answer["insertedCount"], answer["updatedCount"]) == ("2", "2")
    assert await told(ann, "DeleteOrder", tenant="acme", id=1) == {}
    assert await shop.sql.fetchval("SELECT count(*) FROM ONLY tenant_acme.line WHERE order_id = 1") == 0
    refused = await told(ann, "DeleteOrder", tenant="evil", id=1)
    assert refused[1] == "ROW_NOT_FOUND"
    assert [row for row in await shop.sql.fetch(_OTHERS) if row["id"] < 100] == others


async def test_rows_are_written_with_those_that_they_hold(shop: Shop) -> None:
    """Each table of the one's schema has its part."""
    ann, others = shop.clients["ann"], await shop.sql.fetch("SELECT * FROM ONLY tenant_evil.line")
    made = await told(ann, "CreateOrder", order={"article": "b", "lines": [{"number": 1}, {"number": 2}]})
    assert [line["tenant"] for line in made["lines"]] == ["acme", "acme"]
    changed = {"tenant": "acme", "id": made["id"], "lines": [{"number": 2, "amount": 7}]}
    await told(ann, "UpdateOrder", order=changed, updateMask="lines")
    lines = await shop.sql.fetch(
        "SELECT number, amount FROM ONLY tenant_acme.line WHERE order_id = $1", int(made["id"])
    )
    assert [tuple(line) for line in lines] == [(2, 7)]
    found = await told(ann, "ListOrders", filter="lines.amount = 7")
    assert [order["id"] for order in found["orders"]] == [made["id"]]
    for order in ({**changed, "tenant": "evil", "id": 1}, {**changed, "tenant": "nobody", "id": 1}):
        assert (await told(ann, "UpdateOrder", order=order, updateMask="lines"))[1] == "ROW_NOT_FOUND"
    assert await shop.sql.fetch("SELECT * FROM ONLY tenant_evil.line") == others


async def test_tables_of_others_are_not_looked_at(shop: Shop, transport: str) -> None:
    """PostgreSQL leaves out what the caller's tenant rules out, by plans that are kept as well."""
    for own_scans in ("SELECT pg_stat_force_next_flush()", "SELECT"):
        await shop.sql.execute(own_scans)
    before = await shop.sql.fetchval(_SCANS, "tenant_evil")
    gateway = await serve("divided", shop.gateway.dsn, transport=transport, **shop.settings)
    async with clients_of(gateway, "divided", shop.keys) as clients:
        for number in range(1, 9):
            await told(clients["ann"], "ListOrders", read_mask="id,lines")
            await told(clients["ann"], "GetOrder", tenant="acme", id=number % 4 + 1)
            await told(
                clients["ann"], "UpdateOrder", order={"tenant": "acme", "id": 2, "article": str(number)}
            )
            await told(clients["ann"], "CountOrders", filter="id > 1")
            await told(clients["ann"], "StreamOrders")
    await gateway.stop()
    while await shop.sql.fetchval(_SCANS, "tenant_acme") < 8 * 5:
        await next_poll()
    assert await shop.sql.fetchval(_SCANS, "tenant_evil") == before
