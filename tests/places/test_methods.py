"""What other methods make of places: relations, aggregates, writes by filter, transactions' counts."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from google.protobuf import json_format

from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway, serve
from tests.places.harbours import SERVICE, at

SHIPS = "places.v1.ShipService"


@pytest.fixture
async def gateway(geographic: str) -> AsyncIterator[RunningGateway]:
    served = await serve("places", geographic, transport="http")
    await served.sql("TRUNCATE harbour, ship")
    places = [at(0, n) if n else None for n in range(6)]
    harbours = [
        {"id": n, "name": "ab"[n % 2], **({"position": place} if place else {})}
        for n, place in enumerate(places)
    ]
    await served.call(f"{SERVICE}/BulkUpsertHarbours", harbours=harbours)
    await served.call(f"{SHIPS}/BulkUpsertShips", ships=[{"id": n, "harbour_id": n % 6} for n in range(12)])
    yield served
    await served.stop()


def _place(message: Any) -> Any:
    return json_format.MessageToDict(message).get("longitude", 0)


async def test_relations_have_places(gateway: RunningGateway) -> None:
    page = await gateway.call(f"{SHIPS}/ListShips", read_mask="id,harbour", page_size=6)
    assert [_place(one.harbour.position) for one in page.ships] == list(range(6))
    assert not page.ships[0].harbour.HasField("position")
    asked = {"path": "harbour", "filter": "distance(position, 0, 0) <= 300km"}
    page = await gateway.call(f"{SHIPS}/ListShips", read_mask="id,harbour.id", relations=[asked], page_size=6)
    assert [one.harbour.id for one in page.ships if one.HasField("harbour")] == [1, 2]


_SHIPS_AT = "SELECT s.id FROM ship s JOIN harbour h ON h.id = s.harbour_id WHERE"


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ("distance(harbour.position, 0, 0) <= 300km", "ST_X(h.position::geometry) <= 2"),
        ("harbour.position.within(-1, 2, 1, 4)", "ST_X(h.position::geometry) BETWEEN 2 AND 4"),
        ("NOT within(harbour.position, -1, 2, 1, 4)", "ST_X(h.position::geometry) NOT BETWEEN 2 AND 4"),
    ],
)
async def test_filters_reach_places_by_relations(gateway: RunningGateway, asked: str, where: str) -> None:
    page = await gateway.call(f"{SHIPS}/ListShips", filter=asked)
    by_hand = await gateway.sql(f"{_SHIPS_AT} {where} ORDER BY s.id")
    assert [one.id for one in page.ships] == [row["id"] for row in by_hand]
    assert 0 < len(by_hand) < 12


@pytest.mark.parametrize("name", ["harbour.position", "harbour"])
async def test_no_order_is_by_the_distance_of_another_row(gateway: RunningGateway, name: str) -> None:
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{SHIPS}/ListShips", order_by=f"distance({name}, 1, 1)")
    assert failed.value.reason == "INVALID_ORDER_BY"


async def test_the_nearest_have_relations(gateway: RunningGateway) -> None:
    page = await gateway.call(
        f"{SERVICE}/ListHarbours",
        order_by="distance(position, 3.1, 3.2)",
        read_mask="name,ships.*.id",
        filter="position:*",
        page_size=3,
    )
    assert [[ship.id for ship in one.ships] for one in page.harbours] == [[3, 9], [4, 10], [2, 8]]
    assert not page.harbours[0].id
    rest = await gateway.call(
        f"{SERVICE}/ListHarbours",
        order_by="distance(position, 3.1, 3.2)",
        filter="position:*",
        page_token=page.next_page_token,
    )
    assert [one.id for one in rest.harbours] == [5, 1]


async def test_a_relation_has_no_order_by_distance(gateway: RunningGateway) -> None:
    asked = {"path": "ships", "orderBy": "distance(harbour_id, 1, 1)"}
    with pytest.raises(RpcFailed) as failed:
        await gateway.call(f"{SERVICE}/ListHarbours", read_mask="ships", relations=[asked])
    assert failed.value.reason == "INVALID_ORDER_BY"


async def test_aggregates_have_places(gateway: RunningGateway) -> None:
    groups = (
        await gateway.call(f"{SERVICE}/AggregateHarbours", filter="distance(position, 0, 5) < 1000km")
    ).groups
    found = {
        one.name: (one.harbours, _place(one.first), [_place(some) for some in one.some]) for one in groups
    }
    assert found == {"a": (2, 2, [2, 4]), "b": (3, 1, [1, 3, 5])}


async def test_writes_find_places(gateway: RunningGateway) -> None:
    await gateway.call(
        f"{SERVICE}/UpdateHarboursByFilter",
        filter="within(position, -1, 2, 1, 3)",
        harbour={"position": at(1, -0.5)},
        max_rows=5,
    )
    stored = await gateway.sql("SELECT id, ST_X(position::geometry) AS x FROM harbour ORDER BY id")
    assert [row["x"] for row in stored] == [None, 1, -0.5, -0.5, 4, 5]
    deleted = await gateway.call(
        f"{SERVICE}/DeleteHarboursByFilter", filter="distance(position, 0, 9) < 700km AND id > 9", max_rows=5
    )
    assert deleted.count == 0
