"""Callers find places of the rows and columns that they may read, and no others."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import fetch
from tests.harness.gateway import serve
from tests.places.harbours import SERVICE

CALLERS = [Caller("ann"), Caller("pia", roles=["pilot"])]


@pytest.fixture
async def clients(geographic: str, tmp_path: Path) -> AsyncIterator[Mapping[str, Client]]:
    await fetch(geographic, "TRUNCATE harbour, ship")
    await fetch(
        geographic,
        "INSERT INTO harbour (id, name, position, anchorage, open, approach, version)"
        " SELECT n, '', p, p, n % 2 = 0, '{}', 1"
        " FROM generate_series(1, 10) n,"
        " LATERAL (SELECT ST_SetSRID(ST_MakePoint(n, n), 4326)::geography AS p) placed",
    )
    await fetch(geographic, "INSERT INTO ship SELECT n, n FROM generate_series(1, 10) n")
    keys = write_keys(tmp_path / "keys.json", CALLERS)
    gateway = await serve(
        "places", geographic, transport="http", auth_providers="api_key", auth_api_keys=tmp_path / "keys.json"
    )
    async with clients_of(gateway, "places", keys) as clients:
        yield clients
    await gateway.stop()


async def _found(client: Client, **asked: str) -> list[int]:
    return [one.id for one in (await client.call(f"{SERVICE}/ListHarbours", asked)).harbours]


async def test_hidden_rows_are_neither_found_nor_in_order(clients: Mapping[str, Client]) -> None:
    for name, mine in (("ann", range(2, 11, 2)), ("pia", range(1, 11))):
        near = [number for number in mine if number < 6]
        assert await _found(clients[name], filter="distance(position, 0, 0) < 800km") == near
        assert await _found(clients[name], filter="within(position, 0, 0, 5, 5)") == near
        assert await _found(clients[name], order_by="distance(position, 9, 9.5)") == sorted(
            mine, key=lambda number: (number - 9) ** 2 + (number - 9.5) ** 2
        )


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": "distance(anchorage, 0, 0) < 800km"},
        {"filter": "anchorage.within(0, 0, 5, 5)"},
        {"order_by": "distance(anchorage, 0, 0)"},
    ],
)
async def test_hidden_columns_are_not_there(clients: Mapping[str, Client], asked: Mapping[str, str]) -> None:
    assert await _found(clients["pia"], **asked)
    with pytest.raises(RpcFailed) as failed:
        await _found(clients["ann"], **asked)
    assert failed.value.code.name == "INVALID_ARGUMENT"
    assert 'has no field "anchorage"' in failed.value.message


async def test_relations_lead_to_no_hidden_places(clients: Mapping[str, Client]) -> None:
    near = {"filter": "distance(harbour.position, 0, 0) < 800km"}
    for name, mine in (("ann", [2, 4]), ("pia", [1, 2, 3, 4, 5])):
        ships = (await clients[name].call("places.v1.ShipService/ListShips", near)).ships
        assert [one.id for one in ships] == mine
    with pytest.raises(RpcFailed) as failed:
        await clients["ann"].call(
            "places.v1.ShipService/ListShips", filter="harbour.anchorage.within(0, 0, 5, 5)"
        )
    assert 'has no field "anchorage"' in failed.value.message


async def test_rules_ask_for_places(clients: Mapping[str, Client]) -> None:
    """Nobody makes harbours at the poles, nor changes the one where both zeros meet."""
    pia = clients["pia"]
    await pia.call(f"{SERVICE}/CreateHarbour", harbour={"id": 20, "position": {"latitude": 80}})
    await pia.call(f"{SERVICE}/CreateHarbour", harbour={"id": 21})
    await pia.call(f"{SERVICE}/CreateHarbour", harbour={"id": 22, "position": {}})
    far = {"id": 23, "position": {"latitude": 80.5, "longitude": 9}}
    for call in (
        pia.call(f"{SERVICE}/CreateHarbour", harbour=far),
        pia.call(f"{SERVICE}/BulkUpsertHarbours", harbours=[far, {"id": 24}]),
        pia.call(f"{SERVICE}/UpdateHarbour", harbour={"id": 22, "name": "x"}),
    ):
        with pytest.raises(RpcFailed) as failed:
            await call
        assert failed.value.reason == "ROW_NOT_ALLOWED"
    await pia.call(f"{SERVICE}/UpdateHarbour", harbour={"id": 20, "name": "x"})
