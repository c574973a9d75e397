"""Lists by the distance from a place: the nearest first, page by page, by an index."""

import json
from typing import Any

import pytest

from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.places.conftest import BUSY, CORNERS
from tests.places.harbours import SERVICE, by_hand, listed

LIST = f"{SERVICE}/ListHarbours"


def _there(latitude: float, longitude: float) -> str:
    return f"(position <-> ST_SetSRID(ST_MakePoint({longitude}, {latitude}), 4326)::geography)"


@pytest.mark.parametrize(("latitude", "longitude"), [*CORNERS[1:4], (40.6, -73.8)])
async def test_the_nearest_come_first(harbours: RunningGateway, latitude: float, longitude: float) -> None:
    distance, there = f"distance(position, {latitude}, {longitude})", _there(latitude, longitude)
    for order, sql in (
        (distance, f"{there}, id"),
        (f"{distance} desc", f"{there} DESC, id DESC"),
        (f"{distance},name desc", f"{there}, name DESC, id DESC"),
        (f"name, {distance}", f"name, {there}, id"),
    ):
        expected = await by_hand(harbours, "true", sql)
        assert await listed(harbours, order_by=order) == expected, order


async def test_those_at_one_place_come_by_their_keys(harbours: RunningGateway) -> None:
    order, (latitude, longitude) = "distance(position, 40.651, -74.051)", BUSY
    expected = await by_hand(harbours, "true", f"{_there(40.651, -74.051)}, id LIMIT 30")
    found, token = [], ""
    while len(found) < len(expected):
        page = await harbours.call(LIST, order_by=order, page_size=3, page_token=token)
        found += [one.id for one in page.harbours]
        token = page.next_page_token
    assert found == expected
    here = f"ST_X(position::geometry) = {longitude} AND ST_Y(position::geometry) = {latitude}"
    assert set(await by_hand(harbours, here)) <= set(expected)


async def test_a_filter_stands_beside(harbours: RunningGateway) -> None:
    asked = {"filter": "open = true AND distance(position, 40.6, -73.8) < 300km"}
    there = "ST_SetSRID(ST_MakePoint(-73.8, 40.6), 4326)::geography"
    expected = await by_hand(
        harbours, f"open AND ST_Distance(position, {there}) < 300000", f"{_there(41, -74)}, id"
    )
    assert await listed(harbours, order_by="distance(position, 41, -74)", **asked) == expected
    assert len(expected) > 100


async def test_a_stream_goes_on_where_it_was(harbours: RunningGateway) -> None:
    expected = await by_hand(harbours, "true", f"{_there(10, 180)}, id")
    asked: dict[str, Any] = {"order_by": "distance(position, 10, 180)"}
    stream = harbours.client.stream(f"{SERVICE}/StreamHarbours", asked)
    first = await anext(stream)
    stream.call.cancel()
    ids, _, error = await harbours.client.stream(
        f"{SERVICE}/StreamHarbours", {**asked, "resume_token": first.resume_token}
    ).take("harbours")
    assert error is None
    assert [one.id for one in first.harbours] + ids == expected


async def test_a_token_is_of_its_place_alone(harbours: RunningGateway) -> None:
    page = await harbours.call(LIST, order_by="distance(position, 1, 2)", page_size=5)
    with pytest.raises(RpcFailed) as failed:
        await harbours.call(LIST, order_by="distance(position, 1, 3)", page_token=page.next_page_token)
    assert failed.value.reason == "PAGE_TOKEN_MISMATCH"


async def test_an_index_has_them_in_order(harbours: RunningGateway) -> None:
    stub = harbours.client.channel.unary_unary(f"/{LIST}")
    request = harbours.client.message(
        "places.v1.ListHarboursRequest", order_by="distance(position, 1, 2)", page_size=5
    )
    call = stub(request.SerializeToString(), metadata=(("rowgate-explain", "plan"),), timeout=30)
    trailers = dict(await call.trailing_metadata())
    assert "harbour_position_idx" in json.dumps(json.loads(trailers["rowgate-explain-bin"]))


@pytest.mark.parametrize(
    ("order", "told"),
    [
        ("position", '"position" is of kind place, which has no order'),
        ("distance(position, 91, 1)", "has a latitude outside -90 to 90"),
        ("distance(position, nan, 1)", "has a latitude outside -90 to 90"),
        ("distance(position, x, 1)", '"distance(position, x, 1)" is not a number'),
        ("distance(position, 1)", '"distance(position, 1)" is no term'),
        ("distance(berth, 1, 1)", 'takes a LatLng that is stored as geography; "berth" is none'),
        ("distance(nowhere, 1, 1)", 'Harbour has no field "nowhere"'),
        ("distance(position, 1, 1), distance(position, 2, 2)", 'it names "position" twice'),
    ],
)
async def test_what_is_wrong_is_told(harbours: RunningGateway, order: str, told: str) -> None:
    with pytest.raises(RpcFailed) as failed:
        await harbours.call(LIST, order_by=order)
    assert (failed.value.code.name, failed.value.reason) == ("INVALID_ARGUMENT", "INVALID_ORDER_BY")
    assert told in failed.value.message
