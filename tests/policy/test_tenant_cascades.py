"""Rows that go with a deleted one: those of its tenant, where nothing else says who may delete them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, NamedTuple

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed

HOUSES = "households.v1.HouseService"
SETTINGS = {
    "auth_tenant_column": "tenant",
    "auth_tenant_claim": "tenant",
    "auth_tenant_exempt": ["households.v1.Wire", "households.v1.Bulb"],
}
_TABLES = (
    "street",
    "house",
    "room",
    "chair",
    "letter",
    "secret",
    "diary",
    "wire",
    "plug",
    "note",
    "guest",
    "bulb",
    "bike",
)
_EVERYBODYS = """
    TRUNCATE street CASCADE;
    INSERT INTO street (tenant, id) VALUES ('acme', 1), ('evil', 1);
    INSERT INTO house (tenant, id, street, number) VALUES ('acme', 1, 1, 10), ('acme', 2, 1, 20);
    INSERT INTO house (tenant, id, street, number) VALUES ('evil', 1, 1, 30);
    INSERT INTO room (tenant, id, house) VALUES ('acme', 2, 2), ('evil', 1, 1);
    INSERT INTO chair (id, tenant, room) VALUES (102, 'acme', 2), (103, 'evil', 1);
    INSERT INTO letter (id, tenant, house_number) VALUES (102, 'acme', 20), (103, 'evil', 30);
    INSERT INTO secret (id, tenant, house, keeper) VALUES (102, 'acme', 2, 'bob'), (103, 'evil', 1, 'eve');
    INSERT INTO diary (id, tenant, house) VALUES (102, 'acme', 2), (103, 'evil', 1);
    INSERT INTO wire (id, house_number) VALUES (102, 20), (103, 30);
    INSERT INTO plug (id, tenant, wire) VALUES (102, 'acme', 102), (103, 'evil', 103);
    INSERT INTO note (id, tenant, house) VALUES (102, 'acme', 2), (103, 'evil', 1);
    INSERT INTO guest (id, tenant, house_number) VALUES (102, 'acme', 20), (103, 'evil', 30);
    INSERT INTO bike (id, tenant, house) VALUES (102, 'acme', 2), (103, 'evil', 1);
    INSERT INTO bulb (id, house_number) VALUES (102, 20), (103, NULL);
"""
"""What hangs on other houses than the one that is deleted: the tenant's, and another's."""
_OF_HOUSE: Mapping[str, str] = {
    "rooms": "INSERT INTO room (tenant, id, house) VALUES ('acme', 1, 1), ('acme', 3, 1)",
    "chairs": """
        INSERT INTO room (tenant, id, house) VALUES ('acme', 4, 1);
        INSERT INTO chair (id, tenant, room) VALUES (1, 'acme', 4), (2, 'acme', 4)""",
    "diary": "INSERT INTO diary (id, tenant, house) VALUES (1, 'acme', 1)",
    "wire": "INSERT INTO wire (id, house_number) VALUES (1, 10)",
    "letter": "INSERT INTO letter (id, tenant, house_number) VALUES (1, 'acme', 10)",
    "another's letter": "INSERT INTO letter (id, tenant, house_number) VALUES (2, 'evil', 10)",
    "own secret": "INSERT INTO secret (id, tenant, house, keeper) VALUES (1, 'acme', 1, 'ann')",
    "secret": "INSERT INTO secret (id, tenant, house, keeper) VALUES (2, 'acme', 1, 'bob')",
    "plug": """
        INSERT INTO wire (id, house_number) VALUES (2, 10);
        INSERT INTO plug (id, tenant, wire) VALUES (1, 'acme', 2)""",
    "note": "INSERT INTO note (id, tenant, house) VALUES (1, 'acme', 1)",
    "guest": "INSERT INTO guest (id, tenant, house_number) VALUES (1, 'acme', 10)",
    "another's guest": "INSERT INTO guest (id, tenant, house_number) VALUES (2, 'evil', 10)",
    "bike": "INSERT INTO bike (id, tenant, house) VALUES (1, 'acme', 1)",
    "bulb": "INSERT INTO bulb (id, house_number) VALUES (1, 10)",
}
"""What may hang on the house that is deleted."""
_GO_ALONG = frozenset({"rooms", "chairs", "diary", "wire", "bulb"})


class Houses(NamedTuple):
    """The served houses, and a connection past the gateway."""

    clients: Mapping[str, Client]
    sql: asyncpg.Connection

    async def stored(self) -> Mapping[str, Any]:
        """Return all rows."""
        return {name: await self.sql.fetch(f"SELECT * FROM {name} ORDER BY 1, 2") for name in _TABLES}  # noqa: S608


@pytest.fixture(scope="module")
async def houses(
    module_gateway_for: GatewayFor, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Houses]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    keys = write_keys(path, [Caller(name, (), {"tenant": "acme"}) for name in ("ann", "bob")])
    gateway = await module_gateway_for("households", auth_providers="api_key", auth_api_keys=path, **SETTINGS)
    sql = await asyncpg.connect(gateway.dsn)
    async with clients_of(gateway, "households", keys) as clients:
        yield Houses(clients, sql)
    await sql.close()


Way = Callable[[Client], Awaitable[Any]]
_HOUSE = {"tenant": "acme", "id": 1}
_LEFT = {"tenant": "acme", "id": 1, "houses": [{"id": 2, "number": 20}]}
WAYS: Mapping[str, Way] = {
    "Delete": lambda client: client.call(f"{HOUSES}/DeleteHouse", _HOUSE),
    "forced Delete": lambda client: client.call(
        "households.v1.ForcedHouseService/DeleteHouse", _HOUSE, force=True
    ),
    "by filter": lambda client: client.call(
        f"{HOUSES}/DeleteHousesByFilter", filter="number < 15", max_rows=5
    ),
    "REPLACE": lambda client: client.call(f"{HOUSES}/UpdateStreet", street=_LEFT, update_mask="houses"),
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(hanging=st.sets(st.sampled_from(sorted(_OF_HOUSE))), way=st.sampled_from(sorted(WAYS)))
async def test_what_goes_along_is_what_sql_removes_unless_something_is_kept(
    houses: Houses, hanging: set[str], way: str
) -> None:
    before = await _with(houses, hanging)
    kept = hanging - _GO_ALONG - ({"note"} if way == "forced Delete" else set())
    due = before if kept else await _by_hand(houses)
    refusal = ""
    try:
        await WAYS[way](houses.clients["ann"])
    except RpcFailed as refused:
        refusal = refused.reason
    assert refusal == ("ROW_IS_REFERENCED" if kept else "")
    assert await houses.stored() == due


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("hanging", _OF_HOUSE)
async def test_each_reference_by_itself(houses: Houses, hanging: str, way: str) -> None:
    before = await _with(houses, {hanging})
    goes = hanging in _GO_ALONG or (hanging == "note" and way == "forced Delete")
    if goes:
        due = await _by_hand(houses)
        await WAYS[way](houses.clients["ann"])
        assert await houses.stored() == due != before
        return
    with pytest.raises(RpcFailed) as refused:
        await WAYS[way](houses.clients["ann"])
    table = hanging.rpartition(" ")[2]
    assert (refused.value.reason, refused.value.metadata) == ("ROW_IS_REFERENCED", {"table": table})
    assert await houses.stored() == before


async def _with(houses: Houses, hanging: set[str]) -> Mapping[str, Any]:
    """Store the houses and what is to hang on the first; return all rows."""
    await houses.sql.execute(_EVERYBODYS)
    for name in sorted(hanging):
        await houses.sql.execute(_OF_HOUSE[name])
    return await houses.stored()


async def _by_hand(houses: Houses) -> Mapping[str, Any]:
    """Return what PostgreSQL leaves where SQL deletes the house, and put all back."""
    transaction = houses.sql.transaction()
    await transaction.start()
    await houses.sql.execute("DELETE FROM house WHERE tenant = 'acme' AND id = 1")
    left = await houses.stored()
    await transaction.rollback()
    return left
