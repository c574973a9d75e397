"""Get, BatchGet, Count and read masks; filters inside of messages, maps and lists."""

from typing import Any

import pytest
from google.rpc import error_details_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed
from tests.rpc.readside import Stored, insert, read_all

RICHES = "types.v1.RichService/"
UUID = "123e4567-e89b-12d3-a456-426614174000"

PART: dict[str, Any] = {
    "name": "wheel",
    "weight": 2.5,
    "big": "18446744073709551615",
    "hue": "HUE_RED",
    "at": "2024-02-29T23:59:59Z",
    "parts": [{"name": "spoke", "weight": 0.1}, {"name": "hub"}],
}
RICH: list[dict[str, Any]] = [
    {
        "id": 1,
        "part": PART,
        "labels": {"env": "prod", "tier one": "a*b"},
        "attributes": {"size": 42, "tags": ["x"], "deep": {"on": True}, "name": "Big"},
        "anything": 7,
        "parts": [PART, {"name": "door"}],
        "strings": ["red", "blue"],
        "int32s": [1, 2],
        "identifiers": [UUID],
        "codes": ["abc"],
        "code_wrapper": "abcd",
        "addresses": ["10.0.0.1"],
        "address": "10.0.0.1",
        "price": "12.50",
        "lasts": "90 seconds",
        "day": "2024-02-29",
        "jsonb_text": {"a": {"b": "c"}},
    },
    {
        "id": 2,
        "part": {},
        "labels": {},
        "attributes": {"size": "42"},
        "strings": [],
        "int32s": [],
        "price": "0.01",
    },
    {"id": 3},
]

INSIDE = [
    ('part.name = "wheel"', [1]),
    ("part.name = wh*", [1]),
    ('part.name = ""', [2]),
    ("part.weight > 2", [1]),
    ("part.weight = 0", [2]),
    ("part.big = 18446744073709551615", [1]),
    ("part.hue = HUE_RED", [1]),
    ("part.at >= 2024-01-01T00:00:00Z", [1]),
    ("part:*", [1, 2]),
    ("part:name", [1]),
    ("part.name:*", [1]),
    ("part = null", [3]),
    ("part.parts.name:spoke", [1]),
    ("part.parts.weight:0.1", [1]),
    ("parts.name:door", [1]),
    ("parts.parts.name:hub", [1]),
    ("parts:*", [1]),
    ("labels:env", [1]),
    ("labels.env = prod", [1]),
    ('labels."tier one" = "a\\*b"', [1]),
    ("labels.env:*", [1]),
    ("labels:*", [1]),
    ("NOT labels:*", [2, 3]),
    ("attributes.size = 42", [1]),
    ('attributes.size = "42"', [2]),
    ("attributes.deep.on = true", [1]),
    ("attributes.name = B*", [1]),
    ("attributes:deep", [1]),
    ("anything = 7", [1]),
    ("strings:red", [1]),
    ("strings:(red blue)", [1]),
    ('strings:"b*"', [1]),
    ("strings:*", [1]),
    ("int32s:2", [1]),
    ("lasts = null", [2, 3]),
    (f'identifiers:"{UUID}"', [1]),
    ("codes:abc", [1]),
    ("codes:abcdef", []),
    ("code_wrapper = abcdef", []),
    ("addresses:10.0.0.1", [1]),
    ("address = 10.0.0.1", [1]),
    ("price > 12.499", [1]),
    ("price < 0.011", [2]),
    ("lasts = 90s", [1]),
    ("lasts > 89.5s", [1]),
    ('day = "2024-02-29"', [1]),
    ("jsonb_text.a.b = c", [1]),
]


@pytest.fixture(scope="module")
async def rich(module_gateway_for: GatewayFor) -> Stored:
    gateway = await module_gateway_for("types")
    resource = gateway.schema.resources["types.v1.Rich"]
    await insert(gateway, resource, RICH)
    return Stored(gateway)


@pytest.mark.parametrize(("text", "ids"), INSIDE)
async def test_filters_reach_into_stored_messages(rich: Stored, text: str, ids: list[int]) -> None:
    page = await rich.call(RICHES + "ListRiches", {"filter": text, "read_mask": "id"})
    assert [row.id for row in page.riches] == ids


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("part.nme = x", 'did you mean "name"?'),
        ("part.name.x = y", "is a single value"),
        ("part = x", 'has no "="'),
        ("parts.name = x", 'has no "="'),
        ("strings = red", 'has no "="'),
        ("int32s:red", "expected a whole number"),
        ("part.weight = red", "expected a number"),
        ("place = x", "expected = null"),
        ("price.value = 1", "has no fields"),
    ],
)
async def test_errors_inside_of_messages_are_named(rich: Stored, text: str, says: str) -> None:
    with pytest.raises(RpcFailed) as failed:
        await rich.call(RICHES + "ListRiches", {"filter": text})
    assert failed.value.reason == "INVALID_FILTER"
    assert says in failed.value.message


async def test_a_read_mask_cuts_rows_and_messages(rich: Stored) -> None:
    mask = "strings,part.parts.*.name,labels.env,attributes.deep"
    request = rich.gateway.client.message("types.v1.GetRichRequest", id=1)
    request.read_mask.paths.extend(mask.split(","))
    row = await rich.gateway.client.call(RICHES + "GetRich", request)
    assert {field.name for field, _ in row.ListFields()} == {"strings", "part", "labels", "attributes"}
    assert {field.name for field, _ in row.part.ListFields()} == {"parts"}
    assert [(part.name, part.weight) for part in row.part.parts] == [("spoke", 0), ("hub", 0)]
    assert dict(row.labels) == {"env": "prod"}
    assert list(row.attributes.fields) == ["deep"]
    whole = await rich.call(RICHES + "GetRich", id=1, read_mask="*")
    assert whole == await rich.call(RICHES + "GetRich", id=1)
    assert whole.part.weight == 2.5


async def test_wrong_mask_paths_are_named_together(rich: Stored) -> None:
    request = rich.gateway.client.message("types.v1.GetRichRequest", id=1)
    request.read_mask.paths.extend(["strngs", "part.nme", "parts.0.name", "lasts.seconds", "id"])
    with pytest.raises(RpcFailed) as failed:
        await rich.gateway.client.call(RICHES + "GetRich", request)
    assert failed.value.reason == "INVALID_FIELD_MASK"
    (bad,) = failed.value.details(error_details_pb2.BadRequest)
    said = [violation.description for violation in bad.field_violations]
    assert len(said) == 4
    assert {violation.field for violation in bad.field_violations} == {"read_mask"}
    assert 'did you mean "strings"?' in said[0]


async def test_every_orderable_column_orders_pages(rich: Stored) -> None:
    resource = rich.gateway.schema.resources["types.v1.Rich"]
    orderable = [field.name for field in resource.fields if field.type.orderable]
    assert len(orderable) > 30
    for name in orderable:
        for order_by in (name, f"{name} desc"):
            found = await read_all(
                rich, RICHES + "ListRiches", "riches", 1, order_by=order_by, read_mask="id"
            )
            assert sorted(row.id for row in found) == [1, 2, 3], order_by


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(ids=st.lists(st.integers(-2, 6), max_size=12))
async def test_batch_get_answers_in_the_requests_order(rich: Stored, ids: list[int]) -> None:
    answer = await rich.call(RICHES + "BatchGetRiches", ids=ids)
    there = {row["id"] for row in RICH}
    assert [row.id for row in answer.riches] == [i for i in ids if i in there]
    missing = [i for i in ids if i not in there]
    assert list(answer.missing) == sorted(set(missing), key=missing.index)


async def test_batch_get_takes_composite_keys(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("ledger")
    accounts = [
        {"book": "a", "number": 1, "iban": "1", "Title": "x"},
        {"book": "b", "number": 2, "iban": "2", "Title": "y"},
    ]
    await insert(gateway, gateway.schema.resources["ledger.v1.Account"], accounts)
    keys = [{"book": "b", "number": 2}, {"book": "a", "number": 2}, {"book": "a", "number": 1}]
    answer = await gateway.call("ledger.v1.AccountService/BatchGetAccounts", requests=keys)
    assert [(row.book, row.number) for row in answer.accounts] == [("b", 2), ("a", 1)]
    assert [(key.book, key.number) for key in answer.missing] == [("a", 2)]
    with pytest.raises(RpcFailed) as failed:
        await gateway.call("ledger.v1.AccountService/BatchGetAccounts", requests=[*keys, {"book": "x" * 13}])
    assert failed.value.fields == ["requests[3].book"]
    one = await gateway.call("ledger.v1.AccountService/GetAccount", book="b", number=2, read_mask="etag")
    assert {field.name for field, _ in one.ListFields()} == {"etag"}
    assert one.etag == answer.accounts[0].etag != ""


async def test_batch_get_takes_a_thousand_keys_and_no_more(rich: Stored) -> None:
    answer = await rich.call(RICHES + "BatchGetRiches", ids=list(range(1000)))
    assert len(answer.riches) == 3
    assert len(answer.missing) == 997
    with pytest.raises(RpcFailed) as failed:
        await rich.call(RICHES + "BatchGetRiches", ids=list(range(1001)))
    assert failed.value.reason == "TOO_MANY_KEYS"


async def test_count_is_exact_or_the_planners_estimate(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    resource = gateway.schema.resources["types.v1.Scalar"]
    await insert(gateway, resource, [{"id": i, "int32_value": i % 4} for i in range(2000)])
    method = "types.v1.ScalarService/CountScalars"
    answer = await gateway.call(method)
    assert (answer.count, answer.estimated) == (2000, False)
    assert (await gateway.call(method, filter="int32_value = 1")).count == 500
    await gateway.sql("ANALYZE scalar")
    estimate = await gateway.call(method, mode="COUNT_MODE_ESTIMATED")
    assert (estimate.count, estimate.estimated) == (2000, True)
    some = await gateway.call(method, mode="COUNT_MODE_ESTIMATED", filter="int32_value = 1")
    assert 300 < some.count < 700


async def test_count_knows_its_modes(gateway_for: GatewayFor) -> None:
    """A mode of a newer client is refused, not taken for EXACT."""
    gateway = await gateway_for("types")
    with pytest.raises(RpcFailed) as refused:
        await gateway.call("types.v1.ScalarService/CountScalars", mode=77)
    assert (refused.value.reason, refused.value.fields) == ("UNKNOWN_ENUM_VALUE", ["mode"])


async def test_a_stored_value_that_no_message_holds_is_data_loss(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    resource = gateway.schema.resources["types.v1.Scalar"]
    await insert(gateway, resource, [{"id": 1, "at": "infinity"}])
    with pytest.raises(RpcFailed) as failed:
        await gateway.call("types.v1.ScalarService/GetScalar", id=1)
    assert failed.value.code.name == "DATA_LOSS"
    assert failed.value.reason == "UNREPRESENTABLE_VALUE"
    assert "id=1" in failed.value.message
    assert "at" in failed.value.message
    masked = await gateway.call("types.v1.ScalarService/GetScalar", id=1, read_mask="int32Value")
    assert masked.int32_value == 0
