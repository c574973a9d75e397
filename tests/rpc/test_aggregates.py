"""Aggregate: what is computed of groups is what SQL by hand computes, over all types."""

import math
import re
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest
from google.protobuf import json_format
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.schema.aggregation import aggregate_methods
from gateway.schema.model import Resource
from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.harness.http import ask
from tests.rpc.readside import Stored, read_all
from tests.rpc.statistics import AGGREGATES, FILTERS, HAVINGS, KEYS, ZONES, rows, stored, told

AGGREGATE = "statistics.v1.ReadingService/AggregateReadings"
ROWS = 120


@pytest.fixture(scope="module")
async def readings(module_gateway_for: GatewayFor) -> Stored:
    gateway = await module_gateway_for("statistics")
    await _insert(gateway.dsn)
    return Stored(gateway)


async def _insert(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        made = rows(ROWS, 1)
        names = list(made[0])
        places = ", ".join(f"${i}" for i in range(1, len(names) + 1))
        await connection.executemany(
            f"INSERT INTO reading ({', '.join(names)}) VALUES ({places})",  # noqa: S608 - written here
            [list(row.values()) for row in made],
        )
    finally:
        await connection.close()


def _groups(gateway: Any) -> Resource:
    method = next(
        one for one in aggregate_methods(gateway.schema) if one.descriptor.name == "AggregateReadings"
    )
    return method.aggregation.grouped_by(KEYS)


def test_each_field_of_the_statistics_has_sql(readings: Stored) -> None:
    assert {field.name for field in _groups(readings.gateway).fields} == {*KEYS, *AGGREGATES}


REQUESTS = st.fixed_dictionaries(
    {
        "keys": st.lists(st.sampled_from(sorted(KEYS)), max_size=3, unique=True),
        "computed": st.lists(st.sampled_from(sorted(AGGREGATES)), min_size=1, max_size=6, unique=True),
        "filter": st.sampled_from(FILTERS),
        "having": st.sampled_from(HAVINGS),
        "zone": st.sampled_from(ZONES),
        "descending": st.booleans(),
        "page_size": st.integers(1, 30),
        "show_deleted": st.booleans(),
    }
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(asked=REQUESTS, data=st.data())
async def test_answers_are_those_of_sql(readings: Stored, asked: dict[str, Any], data: st.DataObject) -> None:
    fields = _groups(readings.gateway).by_name
    sortable = [name for name in (*asked["keys"], *asked["computed"]) if fields[name].type.orderable]
    order = data.draw(st.lists(st.sampled_from(sortable), max_size=2, unique=True)) if sortable else []
    found = await read_all(
        readings,
        AGGREGATE,
        "groups",
        asked["page_size"],
        filter=asked["filter"][0],
        group_by=_mask(asked["keys"]),
        having=asked["having"][0],
        order_by=", ".join(name + " desc" * asked["descending"] for name in order),
        read_mask=_mask(asked["computed"]),
        show_deleted=asked["show_deleted"],
        time_zone=asked["zone"],
    )
    shown = [*asked["keys"], *asked["computed"]]
    answered = [[told(fields[name], group) for name in shown] for group in found]
    by_hand = [
        [stored(row[name], fields[name]) for name in shown]
        for row in await readings.sql(_sql(asked, order), *_zones(asked))
    ]
    assert len(answered) == len(by_hand)
    for mine, theirs in zip(answered, by_hand, strict=True):
        for name, one, other in zip(shown, mine, theirs, strict=True):
            assert _same(one, other), (name, one, other)


def _mask(names: Sequence[str]) -> str:
    """Return a field mask in JSON."""
    return ",".join(name[0] + re.sub("_(.)", lambda found: found[1].upper(), name[1:]) for name in names)


def _zones(asked: dict[str, Any]) -> list[str]:
    return [asked["zone"] or "UTC"] if any("$1" in KEYS[name] for name in asked["keys"]) else []


def _sql(asked: dict[str, Any], order: list[str]) -> str:
    computed = dict.fromkeys((*asked["computed"], *asked["having"][2]))
    columns = [f"{KEYS[name]} AS k_{name}" for name in asked["keys"]]
    columns += [f"{AGGREGATES[name]} AS {name}" for name in computed]
    live = "true" if asked["show_deleted"] else "deleted_at IS NULL"
    by = f"GROUP BY {', '.join(map(str, range(1, len(asked['keys']) + 1)))}" if asked["keys"] else ""
    groups = f"SELECT {', '.join(columns)} FROM reading WHERE {asked['filter'][1]} AND {live} {by}"  # noqa: S608 - written here
    shown = ", ".join([*(f"k_{name} AS {name}" for name in asked["keys"]), *computed])
    # As the gateway has it: the keys come last, in the order of the message.
    terms = [*order, *(name for name in KEYS if name in asked["keys"] and name not in order)]
    direction = " DESC" if asked["descending"] and order else ""
    sorted_by = ", ".join(f"{name}{direction}" for name in terms)
    last = f"ORDER BY {sorted_by}" if terms else ""
    return f"SELECT * FROM (SELECT {shown} FROM ({groups}) g) h WHERE {asked['having'][1]} {last}"  # noqa: S608 - as above


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-12) or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and one == other


async def test_without_keys_there_is_one_group_also_of_no_rows(readings: Stored) -> None:
    answer = await readings.call(AGGREGATE, filter='station = "nowhere"')
    (group,) = answer.groups
    assert json_format.MessageToDict(group) == {}
    assert answer.next_page_token == ""


async def test_sums_past_int64_are_whole(readings: Stored) -> None:
    answer = await readings.call(AGGREGATE, read_mask=_mask(["sum_big", "sum_huge"]))
    (row,) = await readings.sql("SELECT sum(big), sum(huge) AS huge FROM reading WHERE deleted_at IS NULL")
    assert int(answer.groups[0].sum_big.value) == row["sum"] > 2**63
    assert int(answer.groups[0].sum_huge) == row["huge"] > 2**64


async def test_a_mask_computes_what_it_names_alone(readings: Stored) -> None:
    answer = await readings.call(AGGREGATE, group_by="station", read_mask="readings")
    names = {field.name for group in answer.groups for field, _ in group.ListFields()}
    assert names == {"station", "readings"}


async def test_rows_of_keys_alone_are_the_different_values(readings: Stored) -> None:
    found = await read_all(readings, "statistics.v1.ReadingService/ListSensors", "sensors", 2)
    told_of = [(one.station, one.sensor if one.HasField("sensor") else None) for one in found]
    by_hand = await readings.sql(
        "SELECT DISTINCT station, sensor FROM reading WHERE deleted_at IS NULL ORDER BY 1, 2"
    )
    assert told_of == [(row["station"], row["sensor"]) for row in by_hand]


REFUSED = [
    ({"group_by": _mask(["statoin"])}, "INVALID_GROUP_BY", "group_by", 'did you mean "station"?'),
    ({"group_by": "readings"}, "INVALID_GROUP_BY", "group_by", "makes no groups"),
    ({"having": "reading > 1"}, "INVALID_FILTER", "having", 'did you mean "readings"?'),
    ({"having": 'station = "north"'}, "INVALID_FILTER", "having", 'names "station", by which it isn\'t'),
    ({"order_by": "station"}, "INVALID_ORDER_BY", "order_by", 'names "station", by which it isn\'t grouped'),
    ({"order_by": "station, sensor"}, "INVALID_ORDER_BY", "order_by", 'names "station", "sensor", by which'),
    (
        {"read_mask": "station"},
        "INVALID_FIELD_MASK",
        "read_mask",
        'names "station", by which it isn\'t grouped',
    ),
    ({"read_mask": _mask(["summ"])}, "INVALID_FIELD_MASK", "read_mask", "no field"),
    ({"time_zone": "Europe/Berne"}, "INVALID_TIME_ZONE", "time_zone", "IANA"),
    ({"page_size": -1}, "NEGATIVE_PAGE_SIZE", "page_size", "negative"),
    ({"page_token": "x"}, "INVALID_PAGE_TOKEN", "page_token", "no token"),
]


@pytest.mark.parametrize(("request_", "reason", "field", "said"), REFUSED)
async def test_a_wrong_request_is_told_what_would_be_right(
    readings: Stored, request_: dict[str, Any], reason: str, field: str, said: str
) -> None:
    with pytest.raises(RpcFailed) as caught:
        await readings.call(AGGREGATE, request_)
    assert (caught.value.code.name, caught.value.reason) == ("INVALID_ARGUMENT", reason)
    assert caught.value.fields == [field]
    assert said in caught.value.message


async def test_a_token_serves_its_own_groups_alone(readings: Stored) -> None:
    asked = {"group_by": "station", "having": "readings > 1", "page_size": 1}
    token = (await readings.call(AGGREGATE, asked)).next_page_token
    assert token
    others = [{"group_by": _mask(["kind"])}, {"having": "readings > 2"}, {"time_zone": "Europe/Zurich"}]
    for other in others:
        with pytest.raises(RpcFailed, match="other arguments"):
            await readings.call(AGGREGATE, {**asked, **other, "page_token": token})


async def test_json_tells_what_messages_do(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("statistics", transport="http")
    await _insert(gateway.dsn)
    for keys in ("sensor,hour", "kind,measured", ""):
        asked = {"groupBy": keys, "pageSize": 100, "filter": "NOT single > 1"}
        answer = await ask(gateway.target, "POST", f"/{AGGREGATE}", asked)
        message = await gateway.call(AGGREGATE, asked)
        assert message.groups
        assert answer.json["groups"] == json_format.MessageToDict(message)["groups"]


PAST = [
    ("sum_price", "DATA_LOSS", "UNREPRESENTABLE_VALUE"),
    ("sum_lasted", "OUT_OF_RANGE", "DATETIME_OUT_OF_RANGE"),
    ("sum_measured", "OUT_OF_RANGE", "NUMBER_OUT_OF_RANGE"),
    ("avg_exact", "OUT_OF_RANGE", "NUMBER_OUT_OF_RANGE"),
]


async def test_a_result_past_its_field_is_an_error(gateway_for: GatewayFor) -> None:
    """And never a number that is cut to fit."""
    gateway = await gateway_for("statistics")
    await gateway.sql(
        "INSERT INTO reading (id, station, whole, taken_at, price, lasted, measured, exactly)"
        " SELECT n, '', 0, now(), 9223372036854775807, interval '9223372036854 s', 1.7e308, 1e400"
        " FROM generate_series(1, 2000000, 1000) n"
    )
    for name, code, reason in PAST:
        with pytest.raises(RpcFailed) as caught:
            await gateway.call(AGGREGATE, read_mask=_mask([name]))
        assert (name, caught.value.code.name, caught.value.reason) == (name, code, reason)


@pytest.mark.parametrize(("filter_", "sql"), FILTERS)
async def test_there_is_a_reading_or_none(readings: Stored, filter_: str, sql: str) -> None:
    exists = "statistics.v1.ReadingService/ExistsReadings"
    for deleted in (False, True):
        answer = await readings.call(exists, filter=filter_, show_deleted=deleted, station="north")
        live = "true" if deleted else "deleted_at IS NULL"
        query = f"SELECT EXISTS (SELECT FROM reading WHERE {sql} AND {live} AND station = 'north')"  # noqa: S608 - written here
        (row,) = await readings.sql(query)
        assert answer.exists == row["exists"]
