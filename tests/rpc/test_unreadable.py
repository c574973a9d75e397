"""Values that a message can't hold: left out of their rows, named there, and never erased unawares."""

import asyncio
from itertools import combinations_with_replacement
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from tests.harness.client import RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, serve, start_gateway
from tests.harness.http import ask

SPANS = "unreadable.v1.SpanService"
BARES = "unreadable.v1.BareService"
# What PostgreSQL stores and no message of the field's type holds: by field, a value and its reason.
UNTOLD = {
    "day": ("date '12000-01-01'", "OUT_OF_RANGE"),
    "at": ("timestamptz 'infinity'", "OUT_OF_RANGE"),
    "lasts": ("interval '1 month'", "INEXACT"),
    "place": ("point '(0, 91)'", "OUT_OF_RANGE"),
    "counts": ("ARRAY[1, NULL]", "INEXACT"),
}
_TOLD = {
    "day": "date '2020-02-02'",
    "at": "timestamptz '2020-02-02 02:02Z'",
    "lasts": "interval '2 s'",
    "place": "point '(1, 2)'",
    "counts": "ARRAY[1, 2]",
}


@pytest.fixture(scope="module")
async def served(databases: Databases, transport: str) -> Any:
    gateway = await start_gateway("unreadable", databases, transport=transport)
    yield gateway
    await gateway.stop()


@pytest.fixture
async def gateway(served: RunningGateway) -> RunningGateway:
    """Return the gateway over a row without each of the fields, and one with all: 0."""
    await served.sql("TRUNCATE span, bare")
    for key, untold in enumerate(["", *UNTOLD]):
        await _store(served, key, [untold])
    return served


async def _store(gateway: RunningGateway, key: int, untold: Any) -> None:
    values = [UNTOLD[name][0] if name in untold else _TOLD[name] for name in UNTOLD]
    columns = f"(id, note, version, {', '.join(UNTOLD)})"
    await gateway.sql(f"INSERT INTO span {columns} VALUES ({key}, 'n', 3, {', '.join(values)})")  # noqa: S608 - ours


async def _stored(gateway: RunningGateway) -> Any:
    return await gateway.sql("SELECT xmin::text, span::text FROM span ORDER BY id")


async def _update(gateway: RunningGateway, row: Any, **fields: Any) -> Any:
    """Send back a row as it was read."""
    kind = row.DESCRIPTOR.name
    request = gateway.client.message(f"unreadable.v1.Update{kind}Request", fields)
    getattr(request, kind.lower()).CopyFrom(row)
    return await gateway.call(f"unreadable.v1.{kind}Service/Update{kind}", request)


async def _upsert(gateway: RunningGateway, rows: Any, **fields: Any) -> Any:
    request = gateway.client.message("unreadable.v1.BulkUpsertSpansRequest", fields)
    request.spans.extend(rows)
    return await gateway.call(f"{SPANS}/BulkUpsertSpans", request)


def _named(row: Any) -> list[str]:
    return [one.field for one in row.unreadable]


@pytest.mark.parametrize("way", ["list", "batch", "stream", "get"])
async def test_a_value_is_left_out_and_named_alone(gateway: RunningGateway, way: str) -> None:
    keys = list(range(len(UNTOLD) + 1))
    match way:
        case "list":
            rows = (await gateway.call(f"{SPANS}/ListSpans")).spans
        case "batch":
            rows = (await gateway.call(f"{SPANS}/BatchGetSpans", ids=keys)).spans
        case "stream":
            stream = gateway.client.stream(f"{SPANS}/StreamSpans")
            rows = [row async for chunk in stream for row in chunk.spans]
        case _:
            rows = await asyncio.gather(*(gateway.call(f"{SPANS}/GetSpan", id=key) for key in keys))
    assert [row.id for row in rows] == keys
    whole = rows[0]
    assert (_named(whole), whole.etag) == ([], '"v3"')
    for row, (name, (_, reason)) in zip(rows[1:], UNTOLD.items(), strict=True):
        assert [(one.field, one.reason) for one in row.unreadable] == [(name, reason)]
        assert all(one.description for one in row.unreadable)
        others = type(row).FromString(row.SerializeToString())
        for field in (name, "unreadable", "etag"):
            assert field == "unreadable" or getattr(row, field) != getattr(whole, field)
            others.ClearField(field)
        expected = type(row).FromString(whole.SerializeToString())
        for field in (name, "etag"):
            expected.ClearField(field)
        expected.id = row.id
        assert others == expected


async def test_a_read_mask_tells_of_what_it_names(gateway: RunningGateway) -> None:
    row = await gateway.call(f"{SPANS}/GetSpan", id=1, read_mask="day")
    assert (_named(row), row.HasField("day"), row.etag) == (["day"], False, "")
    assert _named(await gateway.call(f"{SPANS}/GetSpan", id=1, read_mask="at,unreadable")) == []
    page = await gateway.call(f"{SPANS}/ListSpans", read_mask="day")
    assert [_named(one) for one in page.spans] == [[], ["day"], [], [], [], []]


async def test_every_mask_of_two_fields_at_most(gateway: RunningGateway) -> None:
    """Rows are what is left of whole ones, by each method, as messages and as JSON."""
    rest = await serve("unreadable", gateway.dsn, transport="http")
    names = [field.name for field in (await gateway.call(f"{SPANS}/GetSpan", id=0)).DESCRIPTOR.fields]
    whole = [MessageToDict(row) for row in (await gateway.call(f"{SPANS}/ListSpans")).spans]
    try:
        for mask in {*combinations_with_replacement(names, 2)}:
            due = [_cut(row, {*mask}) for row in whole]
            asked = ",".join(dict.fromkeys(mask))
            page = (await ask(rest.target, "GET", f"/v1/spans?readMask={asked}")).json
            json_one = (await ask(rest.target, "GET", f"/v1/spans/1?readMask={asked}")).json
            listed = (await gateway.call(f"{SPANS}/ListSpans", read_mask=asked)).spans
            ids = list(range(len(whole)))
            batch = (await gateway.call(f"{SPANS}/BatchGetSpans", ids=ids, read_mask=asked)).spans
            streamed = [
                chunk async for chunk in gateway.client.stream(f"{SPANS}/StreamSpans", read_mask=asked)
            ]
            one = await gateway.call(f"{SPANS}/GetSpan", id=1, read_mask=asked)
            for rows in (listed, batch, [row for chunk in streamed for row in chunk.spans]):
                assert [_without_etag(MessageToDict(row)) for row in rows] == due, mask
            assert [_without_etag(row) for row in page["spans"]] == due, mask
            assert _without_etag(json_one) == _without_etag(MessageToDict(one)) == due[1], mask
    finally:
        await rest.stop()


def _cut(row: dict[str, Any], mask: set[str]) -> dict[str, Any]:
    """Return what a mask leaves of a whole row."""
    cut = {name: value for name, value in row.items() if name in mask - {"unreadable", "etag"}}
    told = [one for one in row.get("unreadable", ()) if one["field"] in mask]
    return {**cut, "unreadable": told} if told else cut


def _without_etag(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row but for its etag, which tells of what it was read without."""
    return {name: value for name, value in row.items() if name != "etag"}


async def test_json_tells_it_too(gateway: RunningGateway) -> None:
    """The routes of REST, and JSON of Connect."""
    rest = await serve("unreadable", gateway.dsn, transport="http")
    try:
        page = (await ask(rest.target, "GET", "/v1/spans")).json["spans"]
        one = (await ask(rest.target, "GET", "/v1/spans/1")).json
        body = b'{"id": "2"}'
        kind = {"content-type": "application/json"}
        connect = (await ask(rest.target, "POST", f"/{SPANS}/GetSpan", body=body, headers=kind)).json
    finally:
        await rest.stop()
    named = [[value["field"] for value in row.get("unreadable", ())] for row in page]
    assert named == [[], *([name] for name in UNTOLD)]
    assert one == page[1]
    assert connect == page[2]
    assert "day" not in page[1]


async def test_a_row_is_changed_beside_it(gateway: RunningGateway) -> None:
    """An update without a mask writes what is set; so a row may be read, changed and sent back."""
    for key, name in enumerate(UNTOLD, 1):
        row = await gateway.call(f"{SPANS}/GetSpan", id=key)
        row.note = "changed"
        answer = await _update(gateway, row)
        assert (answer.note, answer.version, _named(answer)) == ("changed", 4, [name])
        row.etag = ""
        await _update(gateway, row, update_mask="note")
    kept = await gateway.sql(
        "SELECT id FROM span WHERE note = 'changed' AND (id = 1 AND day = '12000-01-01' OR id = 2 AND"
        " at = 'infinity' OR id = 3 AND lasts = '1 month' OR id = 4 AND place ~= '(0,91)' OR id = 5 AND"
        " counts = ARRAY[1, NULL])"
    )
    assert len(kept) == len(UNTOLD)


@pytest.mark.parametrize("keeps", ["the row", "the etag"])
@pytest.mark.parametrize("mask", ["*", "its own", "*, may create"])
async def test_an_update_never_erases_it(gateway: RunningGateway, keeps: str, mask: str) -> None:
    before = await _stored(gateway)
    for key, name in enumerate(UNTOLD, 1):
        row = await gateway.call(f"{SPANS}/GetSpan", id=key)
        if keeps == "the etag":
            row.ClearField("unreadable")
        fields = {"update_mask": name if mask == "its own" else "*", "allow_missing": "create" in mask}
        with pytest.raises(RpcFailed) as refused:
            await _update(gateway, row, **fields)
        assert (refused.value.reason, refused.value.fields) == ("VALUE_UNREADABLE", [f"span.{name}"])
    assert await _stored(gateway) == before


async def test_what_is_sent_takes_its_place(gateway: RunningGateway) -> None:
    """Also NULL, from whoever says nothing of what was left out."""
    row = await gateway.call(f"{SPANS}/GetSpan", id=2)
    row.at.FromJsonString("2021-01-01T00:00:00Z")
    answer = await _update(gateway, row, update_mask="*")
    assert (_named(answer), answer.at, answer.etag) == ([], row.at, '"v4"')
    erased = await gateway.call(f"{SPANS}/UpdateSpan", span={"id": 3}, update_mask="lasts")
    assert (_named(erased), erased.HasField("lasts")) == ([], False)


async def test_rows_are_not_written_whole_without_it(gateway: RunningGateway) -> None:
    """By Create, whose new row would lack it, and by BulkUpsert, which says which row."""
    before = await _stored(gateway)
    rows = list((await gateway.call(f"{SPANS}/ListSpans")).spans)
    request = gateway.client.message("unreadable.v1.CreateSpanRequest", {"span": {}})
    request.span.CopyFrom(rows[1])
    request.span.id = 99
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{SPANS}/CreateSpan", request)
    assert (refused.value.reason, refused.value.fields) == ("VALUE_UNREADABLE", ["span.day"])
    answer = await _upsert(gateway, rows, partial_failure=True)
    assert (answer.failed_count, answer.unchanged_count) == (len(UNTOLD), 1)
    for row in rows:
        row.ClearField("unreadable")
    with pytest.raises(RpcFailed) as refused:
        await _upsert(gateway, rows)
    assert refused.value.fields == [f"spans[{key}].{name}" for key, name in enumerate(UNTOLD, 1)]
    assert await _stored(gateway) == before


async def test_a_row_without_its_key_is_still_refused(gateway: RunningGateway) -> None:
    """With a key that reads as unset it would be another row."""
    await gateway.sql("INSERT INTO bare VALUES ('infinity', now()), ('2020-01-01', '-infinity')")
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{BARES}/ListBares")
    assert (refused.value.reason, refused.value.fields) == ("UNREPRESENTABLE_VALUE", ["day"])
    (row,) = (await gateway.call(f"{BARES}/ListBares", filter='day < "9999-01-01"')).bares
    assert ([one.field for one in row.left_out], row.HasField("at")) == (["at"], False)
    with pytest.raises(RpcFailed) as refused:
        await _update(gateway, row, update_mask="*")
    assert refused.value.fields == ["bare.at"]
