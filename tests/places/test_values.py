"""Places are stored and told to the last bit, by every way of writing them."""

import struct
from collections.abc import AsyncIterator, Iterator
from random import Random
from typing import Any

import pytest

from gateway.db.bulk import copy_new_rows
from gateway.db.bulk.copy_new_rows import BulkLoader
from gateway.schema.types.points import place
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway, serve
from tests.places.conftest import CORNERS
from tests.places.harbours import SERVICE, at
from tests.rpc.bulk_ways import WAYS, taking

_RANDOM = Random(7)  # noqa: S311 - places, no secrets
PLACES = [
    *CORNERS,
    *((_RANDOM.uniform(-90, 90), _RANDOM.uniform(-180, 180)) for _ in range(5)),
    (5e-324, -5e-324),
    (89.99999999999999, -179.99999999999997),
]
"""Among them the least and the last numbers that there are."""


@pytest.fixture(scope="module")
async def gateway(geographic: str) -> AsyncIterator[RunningGateway]:
    served = await serve("places", geographic, transport="grpcio")
    yield served
    await served.stop()


@pytest.fixture
async def empty(gateway: RunningGateway) -> RunningGateway:
    await gateway.sql("TRUNCATE harbour, ship")
    return gateway


@pytest.fixture(params=WAYS)
def _way(request: pytest.FixtureRequest) -> Iterator[None]:
    with taking(request.param):
        yield


def _harbours(gateway: RunningGateway) -> list[Any]:
    """Return a harbour at each place: as a message, as ProtoJSON knows no difference of zeros."""
    made = []
    for number, (latitude, longitude) in enumerate(PLACES):
        one = gateway.client.message("places.v1.Harbour", id=number, name=f"h{number}")
        one.position.latitude, one.position.longitude = latitude, longitude
        one.approach.add(latitude=longitude / 2, longitude=latitude * 2)
        one.approach.add(latitude=latitude, longitude=longitude)
        made.append(one)
    made.append(gateway.client.message("places.v1.Harbour", id=len(made)))
    return made


def _bits(latitude: float, longitude: float) -> bytes:
    return struct.pack("<dd", latitude, longitude)


async def _are_stored(gateway: RunningGateway) -> None:
    rows = await gateway.sql(
        "SELECT id, ST_Y(position::geometry) AS y, ST_X(position::geometry) AS x,"
        " ST_SRID(position::geometry),"
        " ARRAY(SELECT ST_Y(p::geometry) FROM unnest(approach) WITH ORDINALITY a (p, n) ORDER BY n) AS ys"
        " FROM harbour ORDER BY id"
    )
    assert len(rows) == len(PLACES) + 1
    assert (rows[-1]["y"], rows[-1]["ys"]) == (None, [])
    for row, (latitude, longitude) in zip(rows[:-1], PLACES, strict=True):
        assert _bits(row["y"], row["x"]) == _bits(latitude, longitude)
        assert _bits(*row["ys"]) == _bits(longitude / 2, latitude)
        assert row["st_srid"] == 4326


async def _are_told(gateway: RunningGateway) -> None:
    wanted = [one.SerializeToString() for one in _harbours(gateway)]
    page = await gateway.call(f"{SERVICE}/ListHarbours", order_by="id")
    streamed = [
        row async for chunk in gateway.client.stream(f"{SERVICE}/StreamHarbours") for row in chunk.harbours
    ]
    batch = await gateway.call(f"{SERVICE}/BatchGetHarbours", ids=list(range(len(wanted))))
    for rows in (page.harbours, streamed, batch.harbours):
        for row in rows:
            row.ClearField("version")
            row.ClearField("etag")
        assert [row.SerializeToString() for row in rows] == wanted


@pytest.mark.usefixtures("_way")
async def test_bulk_upserts_store_them(empty: RunningGateway) -> None:
    harbours = _harbours(empty)
    request = empty.client.message("places.v1.BulkUpsertHarboursRequest")
    request.harbours.extend(harbours)
    done = await empty.call(f"{SERVICE}/BulkUpsertHarbours", request)
    assert done.inserted_count == len(harbours)
    await _are_stored(empty)
    await _are_told(empty)
    again = await empty.call(f"{SERVICE}/BulkUpsertHarbours", request)
    assert again.unchanged_count == len(harbours)
    # A zero of the other sign is another place to the bit.
    request.harbours[5].position.latitude = 0.0
    assert (await empty.call(f"{SERVICE}/BulkUpsertHarbours", request)).updated_count == 1


@pytest.mark.usefixtures("_way")
async def test_new_places_are_loaded_as_bytes(empty: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    await empty.sql("TRUNCATE buoy")
    loaded, load = [], BulkLoader.load

    async def noting(loader: BulkLoader, *given: Any) -> bool:
        loaded.append(await load(loader, *given))
        return loaded[-1]

    monkeypatch.setattr(BulkLoader, "load", noting)
    request = empty.client.message("places.v1.BulkUpsertBuoysRequest")
    for number, (latitude, longitude) in enumerate(PLACES):
        one = request.buoys.add(id=number)
        one.position.latitude, one.position.longitude = latitude, longitude
    for counted in ("inserted_count", "unchanged_count"):
        done = await empty.call("places.v1.BuoyService/BulkUpsertBuoys", request)
        assert getattr(done, counted) == len(PLACES)
    assert any(loaded) is (copy_new_rows.FEWEST == 1)
    rows = await empty.sql("SELECT position::text AS p FROM buoy ORDER BY id")
    assert [row["p"] for row in rows] == [place(*one) for one in PLACES]
    (found,) = await empty.sql("SELECT count(*) AS n FROM buoy WHERE ST_IsValid(position::geometry)")
    assert found["n"] == len(PLACES)


async def test_ingest_stores_them(empty: RunningGateway) -> None:
    talk = empty.client.converse(f"{SERVICE}/IngestHarbours")
    await talk.ask(start={"stream_id": "one"})
    request = empty.client.message("places.v1.IngestHarboursRequest", sequence=1)
    request.harbours.extend(_harbours(empty))
    assert (await talk.ask(request)).inserted_count == len(PLACES) + 1
    await _are_stored(empty)


async def test_single_rows_and_batches_store_them(empty: RunningGateway) -> None:
    *some, last = _harbours(empty)
    request = empty.client.message("places.v1.BatchCreateHarboursRequest")
    for one in some[1:]:
        request.requests.add().harbour.CopyFrom(one)
    await empty.call(f"{SERVICE}/BatchCreateHarbours", request)
    first = empty.client.message("places.v1.CreateHarbourRequest")
    first.harbour.CopyFrom(some[0])
    first.harbour.position.longitude = 1
    made = await empty.call(f"{SERVICE}/CreateHarbour", first)
    assert made.position.longitude == 1
    update = empty.client.message("places.v1.UpdateHarbourRequest", update_mask="position")
    update.harbour.CopyFrom(some[0])
    changed = await empty.call(f"{SERVICE}/UpdateHarbour", update)
    assert changed.position == some[0].position
    create = empty.client.message("places.v1.CreateHarbourRequest")
    create.harbour.CopyFrom(last)
    assert not (await empty.call(f"{SERVICE}/CreateHarbour", create)).HasField("position")
    await _are_stored(empty)
    got = await empty.call(f"{SERVICE}/GetHarbour", id=5)
    assert _bits(got.position.latitude, got.position.longitude) == _bits(*PLACES[5])


@pytest.mark.parametrize(
    ("latitude", "longitude"), [(90.00000000000001, 0), (0, -180.00000000000003), ("NaN", 0), (0, "Infinity")]
)
async def test_what_is_nowhere_is_refused(empty: RunningGateway, latitude: Any, longitude: Any) -> None:
    wrong = {"id": 1, "position": at(latitude, longitude)}
    for method, request, path in (
        ("CreateHarbour", {"harbour": wrong}, "harbour.position"),
        ("UpdateHarbour", {"harbour": wrong}, "harbour.position"),
        (
            "BatchCreateHarbours",
            {"requests": [{"harbour": {"id": 2}}, {"harbour": wrong}]},
            "requests[1].harbour.position",
        ),
        ("BulkUpsertHarbours", {"harbours": [{"id": 2}, wrong]}, "harbours[1].position"),
        (
            "CreateHarbour",
            {"harbour": {"id": 3, "approach": [at(1, 1), wrong["position"]]}},
            "harbour.approach",
        ),
    ):
        with pytest.raises(RpcFailed) as failed:
            await empty.call(f"{SERVICE}/{method}", request)
        assert (failed.value.code.name, failed.value.fields) == ("INVALID_ARGUMENT", [path])
    assert await empty.sql("SELECT FROM harbour") == []


async def test_what_others_store_that_is_no_place_is_told(empty: RunningGateway) -> None:
    await empty.sql("INSERT INTO harbour VALUES (1, '', 'POINT EMPTY', true, '{}', NULL, NULL, 1)")
    with pytest.raises(RpcFailed) as failed:
        await empty.call(f"{SERVICE}/GetHarbour", id=1)
    assert (failed.value.code.name, failed.value.fields) == ("DATA_LOSS", ["position"])
    assert (await empty.call(f"{SERVICE}/GetHarbour", id=1, read_mask="name")).id == 0
