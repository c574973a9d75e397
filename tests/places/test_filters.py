"""Filters find places as PostGIS by itself does, and by an index."""

from random import Random

import asyncpg
import pytest

from gateway.schema.tables.metadata import build_tables
from gateway.sql.reads.select import count_rows
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.places.conftest import CORNERS
from tests.places.harbours import RESOURCE, SERVICE, by_hand, listed, rows_of

_METRES = {"m": 1, "km": 1000, "mi": 1609.344, "nmi": 1852, "": 1}


def _degree(number: float) -> str:
    return f"{number:.17g}" if "e" not in f"{number:.17g}" else f"{number:.20f}"


async def test_a_distance_is_measured_on_the_spheroid(harbours: RunningGateway) -> None:
    random = Random(1)  # noqa: S311 - places, no secrets
    places = [
        *CORNERS,
        (40.6, -73.8),
        *((random.uniform(-90, 90), random.uniform(-180, 180)) for _ in range(5)),
    ]
    found = 0
    for latitude, longitude in places:
        unit, op = random.choice([*_METRES]), random.choice(["<", "<=", ">", ">="])
        metres = random.choice([1, 50_000, 800_000, 9_000_000])
        number = f"{metres / _METRES[unit]:.9f}"
        asked = f"distance(position, {_degree(latitude)}, {_degree(longitude)}) {op} {number}{unit}"
        there = f"ST_SetSRID(ST_MakePoint({longitude}, {latitude}), 4326)::geography"
        length = float(number) * _METRES[unit]
        expected = await by_hand(harbours, f"ST_Distance(position, {there}) {op} {length!r}")
        assert await listed(harbours, filter=asked) == expected, asked
        found += len(expected)
    assert found > 1000


async def test_the_bounds_of_a_distance_are_exact(harbours: RunningGateway) -> None:
    """At just the distance of a stored place `<=` finds it, and `<` doesn't."""
    there = "ST_SetSRID(ST_MakePoint(-73.8, 40.6), 4326)::geography"
    rows = await harbours.sql(
        f"SELECT id, ST_Distance(position, {there}) AS far FROM harbour"  # noqa: S608 - written here
        " WHERE id % 500 = 3 AND position IS NOT NULL"
    )
    for row in rows:
        asked = f"id = {row['id']} AND distance(position, 40.6, -73.8)"
        for op, is_found in (("<", False), ("<=", True), (">", False), (">=", True)):
            assert bool(await listed(harbours, filter=f"{asked} {op} {row['far']:.9f}")) is is_found, (
                op,
                row,
            )
    assert len(rows) > 5


BOXES = (
    (40, -75, 42, -72),
    (-90, -180, 90, 180),
    (0, 0, 90, 45),
    (40, -60, 50, 60),
    (-10, 170, 20, -170),
    (-10, 170, 20, 180),
    (-10, -180, 20, -170),
    (10, 180, 10, -180),
    (10, 180, 10, 180),
    (10, -180, 10, -180),
    (-90, 20, -89, 30),
    (60, 100, 90, 99),
    (0, 0, 0, 0),
    (-35.5, -70.25, 12.125, 140.5),
)


@pytest.mark.parametrize("box", BOXES)
async def test_a_box_holds_what_lies_between_its_edges(
    harbours: RunningGateway, box: tuple[float, float, float, float]
) -> None:
    south, west, north, east = box
    rows = await harbours.sql(
        "SELECT id, ST_Y(position::geometry) AS y, ST_X(position::geometry) AS x FROM harbour"
        " WHERE position IS NOT NULL ORDER BY id"
    )
    width = (east - west) % 360 if (east - west) % 360 or east == west else 360
    expected = [
        row["id"]
        for row in rows
        if south <= row["y"] <= north and (abs(row["y"]) == 90 or (row["x"] - west) % 360 <= width)
    ]
    asked = f"within(position, {south}, {west}, {north}, {east})"
    assert await listed(harbours, filter=asked) == expected
    outside = sorted({row["id"] for row in rows} - set(expected))
    assert await listed(harbours, filter=f"NOT {asked}") == outside


async def test_a_harbour_without_a_place_is_neither_near_nor_far(harbours: RunningGateway) -> None:
    everywhere = "position.within(-90, -180, 90, 180) OR distance(position, 0, 0) >= 0"
    nowhere = await listed(harbours, filter="position = null")
    assert len(nowhere) == 9
    for asked in (everywhere, f"NOT ({everywhere})"):
        assert not set(await listed(harbours, filter=asked)) & set(nowhere)
    assert await listed(harbours, filter="position:*") == await listed(harbours, filter=everywhere)


@pytest.mark.parametrize(
    "text", ["distance(position, 40.6, -73.8) < 5km", "within(position, 40, -75, 41, -73)"]
)
async def test_an_index_serves_it(harbours: RunningGateway, text: str) -> None:
    table = build_tables(harbours.schema).tables[RESOURCE]
    statement = count_rows(harbours.schema.resources[RESOURCE], table, rows_of(text))
    connection = await asyncpg.connect(harbours.dsn)
    try:
        await connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
        await connection.execute(f"PREPARE asked AS {statement.text}")
        nulls = ", ".join(["NULL"] * len(statement.binds))
        plan = str(await connection.fetch(f"EXPLAIN EXECUTE asked ({nulls})"))
    finally:
        await connection.close()
    assert "harbour_position_idx" in plan, plan
    assert 'Index Cond: ("position" && _st_expand(' in plan, plan


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("distance(position, 90.1, 0) < 5km", "column 1: distance(…) has a latitude outside"),
        ("distance(position, NaN, 0) < 5km", "column 1: distance(…) has a latitude outside"),
        (
            "within(position, 1, 2, 3, 181)",
            "column 1: within(…) has a latitude outside -90 to 90, or a longitude",
        ),
        ("within(position, 9, 0, 1, 1)", "column 1: 9.0 is north of 1.0"),
        ('distance(position, "1", 0) < 5km', "column 20: expected a number"),
        ("distance(position, 1, 0) < 5years", 'column 28: "5years" is no distance'),
        ("distance(position, 1, 0) < -5km", 'column 29: "-5km" is no distance'),
        ("distance(position, 1, 0) = 5km", 'column 26: a distance has no "="'),
        ("distance(position, 1, 0)", "column 1: expected distance(field, latitude, longitude) < 50km"),
        ("distance(position) < 5km", "column 1: expected distance(field, latitude, longitude) < 50km"),
        ("distance() < 5km", "column 1: expected distance(field, latitude, longitude) < 50km"),
        ("distance(position, lower(name), 1) < 5km", "column 20: expected distance("),
        ("distance(position, (1 OR 2), 1) < 5km", "expected distance("),
        ("distance(position, 1, 2) < (5km OR 6km)", "column 1: expected distance("),
        (
            "distance(berth, 1, 2) < 5km",
            "column 10: distance takes a LatLng that is stored as geography; berth",
        ),
        ("distance(approach, 1, 2) < 5km", "column 10: distance takes a LatLng"),
        ("within(position, 1, 2, 3, 4) = true", "is a condition: it takes no comparator"),
        ("within(position, 1, 2, 3)", "column 1: expected within(field, south, west, north, east)"),
    ],
)
async def test_what_is_wrong_is_pointed_at(harbours: RunningGateway, text: str, told: str) -> None:
    with pytest.raises(RpcFailed) as failed:
        await harbours.call(f"{SERVICE}/ListHarbours", filter=text)
    assert (failed.value.code.name, failed.value.reason) == ("INVALID_ARGUMENT", "INVALID_FILTER")
    assert told in failed.value.message
