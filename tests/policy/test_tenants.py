"""Tenants: one setting keeps the rows of each apart, in every table that has the column."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.policy.schema_rules import row_rules
from gateway.policy.tenants import Tenants, with_tenants
from gateway.schema.diagnostics import SchemaError
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway, schema_of

ITEMS = "walled.v1.ItemService"
CALLERS = (
    Caller("ann", claims={"org": {"tenant": "acme"}}),
    Caller("eve", claims={"org": {"tenant": "evil"}}),
    Caller("odd", claims={"org": {"tenant": 7}}),
    Caller("non", claims={"tenant": "acme"}),
    Caller("nil", claims={"org": {"tenant": ""}}),
)
DENIED = ("PERMISSION_DENIED", "ROW_NOT_ALLOWED")
SETTINGS = {"auth_tenant_column": "tenant", "auth_tenant_claim": "org.tenant"}
TENANTS = Tenants("tenant", "tenant")
MINE = 'tenant = principal.claims.tenant AND principal.claims.tenant != ""'


@dataclass(frozen=True, slots=True)
class Walled:
    """The served items, and how callers call."""

    gateway: RunningGateway
    clients: Any

    async def call(self, name: str, method: str, **fields: Any) -> Any:
        """Call a method of the items on behalf of a caller."""
        return await self.clients[name].call(f"{ITEMS}/{method}", **fields)

    async def refused(self, name: str, method: str, **fields: Any) -> tuple[str, str]:
        """Return the code and reason of the refusal of such a call."""
        with pytest.raises(RpcFailed) as failed:
            await self.call(name, method, **fields)
        return failed.value.code.name, failed.value.reason

    async def tenants(self) -> dict[int, str]:
        """Return the tenant of each stored row."""
        return {row["id"]: row["tenant"] for row in await self.gateway.sql("SELECT id, tenant FROM item")}


@pytest.fixture
async def walled(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> AsyncIterator[Walled]:
    path = tmp_path / "keys.json"
    keys = write_keys(path, CALLERS)
    gateway = await gateway_for("walled", auth_providers="api_key", auth_api_keys=path, **SETTINGS)
    await gateway.sql(
        "INSERT INTO item (id, tenant, text, version) "
        "VALUES (1, 'acme', '', 1), (2, 'evil', '', 1), (3, '', '', 1)"
    )
    async with clients_of(gateway, "walled", keys) as clients:
        yield Walled(gateway, clients)


async def test_rows_of_another_tenant_are_not_there(walled: Walled) -> None:
    mine_by_name: dict[str, set[int]] = {"ann": {1}, "eve": {2}, "odd": set(), "non": set(), "nil": set()}
    for name, mine in mine_by_name.items():
        assert {item.id for item in (await walled.call(name, "ListItems")).items} == mine
        assert (await walled.call(name, "CountItems")).count == len(mine)
        for number in {1, 2, 3} - mine:
            assert await walled.refused(name, "GetItem", id=number) == ("NOT_FOUND", "ROW_NOT_FOUND")
            assert await walled.refused(name, "DeleteItem", id=number) == ("NOT_FOUND", "ROW_NOT_FOUND")


async def test_a_new_row_is_the_callers_tenants(walled: Walled) -> None:
    """Whichever method makes it, and whether it was said or not."""
    assert (await walled.call("ann", "CreateItem", item={"id": 10})).tenant == "acme"
    await walled.call("eve", "BatchCreateItems", requests=[{"item": {"id": 11}}, {"item": {"id": 12}}])
    await walled.call("ann", "BulkUpsertItems", items=[{"id": 13}, {"id": 14, "tenant": "acme"}])
    made = await walled.call("eve", "UpdateItem", item={"id": 15, "text": "new"}, allowMissing=True)
    assert made.tenant == "evil"
    changes = [{"item": {"id": 16, "text": "new"}, "allowMissing": True}]
    await walled.call("ann", "BatchUpdateItems", requests=changes)
    talk = walled.clients["eve"].converse(f"{ITEMS}/IngestItems")
    await talk.ask(start={"stream_id": "one"})
    assert (await talk.ask(sequence=1, items=[{"id": 17}])).inserted_count == 1
    acme, evil = dict.fromkeys((1, 10, 13, 14, 16), "acme"), dict.fromkeys((2, 11, 12, 15, 17), "evil")
    assert await walled.tenants() == acme | evil | {3: ""}


async def test_nobody_writes_for_another_tenant(walled: Walled) -> None:
    before = await walled.tenants()
    foreign = {"id": 20, "tenant": "evil"}
    assert await walled.refused("ann", "CreateItem", item=foreign) == DENIED
    assert await walled.refused("ann", "BulkUpsertItems", items=[foreign]) == DENIED
    assert (
        await walled.refused("ann", "UpdateItem", item={"id": 1, "tenant": "evil"}, updateMask="tenant")
        == DENIED
    )
    for name in ("odd", "non", "nil"):
        assert await walled.refused(name, "CreateItem", item={"id": 20}) == DENIED
    assert await walled.tenants() == before


def test_a_tables_own_rules_hold_too() -> None:
    policy = with_tenants(schema_of("shared"), TENANTS).resources["shared.v1.Note"].policy
    assert policy is not None
    assert policy.update == f"{MINE} AND (owner = principal.id)"
    assert policy.read.startswith(f"{MINE} AND (tenant = ")
    row_rules(with_tenants(schema_of("shared"), TENANTS))


def test_a_table_without_the_column_is_refused_unless_it_is_exempt() -> None:
    schema = schema_of("guarded")
    with pytest.raises(SchemaError, match=r"guarded\.v1.Shelf: has neither the tenant's column, tenant, nor"):
        with_tenants(schema, TENANTS)
    exempt = frozenset(schema.resources)
    assert with_tenants(schema, Tenants("tenant", "tenant", exempt)) == schema
    with pytest.raises(SchemaError, match=r"none\.v1\.Row: is in auth\.tenant_exempt, but no table"):
        with_tenants(schema, Tenants("tenant", "tenant", exempt | {"none.v1.Row"}))


def test_keys_that_tell_of_other_tenants_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        with_tenants(schema_of("shared"), TENANTS)
    (told,) = [record for record in caplog.records if "keys without the tenant's column" in record.message]
    assert getattr(told, "keys") == ["public.note (id)"]  # noqa: B009 - of the record's extra
