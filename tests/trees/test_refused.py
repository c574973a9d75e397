"""Refusals of orders that hold other rows: nothing is written, and the error says where it is wrong."""

from typing import Any

import pytest

from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.trees.by_hand import STORED

ORDERS = "orders.v1.OrderService"
_LINE = {"sku": "x", "quantity": 1}
_OF_FIRST = "SELECT * FROM \"Order\" WHERE code = 'first'"


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: Any) -> RunningGateway:
    gateway: RunningGateway = await module_gateway_for("orders")
    held = {
        "lines": [{"position": i, **_LINE, "serial": f"S{i}", "marks": [{"label": "a"}]} for i in (1, 2)],
        "parcel": {"code": "taken"},
    }
    await gateway.call(f"{ORDERS}/CreateOrder", order={"code": "first", **held})
    second = {"lines": [{"position": 1, **_LINE}], "parcel": {"code": "taken2"}}
    await gateway.call(f"{ORDERS}/CreateOrder", order={"code": "second", **second})
    return gateway


async def _refused(gateway: RunningGateway, method: str, **fields: Any) -> RpcFailed:
    before = await _stored(gateway)
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{ORDERS}/{method}", **fields)
    assert await _stored(gateway) == before
    return refused.value


async def _stored(gateway: RunningGateway) -> Any:
    return [await gateway.sql(query) for query in STORED.values()]


def _lines(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"position": i + 1, **_LINE, **line} for i, line in enumerate(lines)]


_A, _MARKED = {"label": "a"}, {"marks": [{"label": "a"}, {"label": "a"}]}
CREATES = [
    ({"lines": _lines({}, {"quantity": 0})}, "CHECK_VIOLATION", "order.lines[1].quantity"),
    ({"lines": _lines({}, {"sku": ""})}, "RULE_VIOLATION", "order.lines[1].sku"),
    ({"lines": _lines({}, {"serial": "S1"})}, "UNIQUE_VIOLATION", "order.lines[1].serial"),
    ({"lines": _lines({}, _MARKED)}, "UNIQUE_VIOLATION", "order.lines[1].marks[1].label"),
    ({"lines": _lines({"order_id": 77})}, "REFERS_ELSEWHERE", "order.lines[0].order_id"),
    ({"lines": _lines(*[{}] * 41)}, "TOO_MANY_ROWS", "order.lines"),
    ({"customer": {"name": "Ann"}}, "RELATION_NOT_WRITTEN", "order.customer"),
    ({"notes": [{"words": "w"}, {"id": "no"}]}, "INVALID_UUID", "order.notes[1].id"),
    ({"parcel": {"code": "taken"}}, "UNIQUE_VIOLATION", "order.parcel.code"),
    ({"code": None, "events": [{"what": "made"}]}, "REFERENCE_UNSET", "order.events"),
    ({"code": "second", "lines": _lines({})}, "UNIQUE_VIOLATION", "order.code"),
]


@pytest.mark.parametrize(("order", "reason", "path"), CREATES, ids=[path for _, _, path in CREATES])
async def test_a_new_order(gateway: RunningGateway, order: dict[str, Any], reason: str, path: str) -> None:
    whole = {key: value for key, value in {"code": "new", **order}.items() if value is not None}
    error = await _refused(gateway, "CreateOrder", order=whole)
    assert (error.reason, error.fields[-1]) == (reason, path)
    other = {"code": "other", "lines": _lines({})}
    error = await _refused(gateway, "BatchCreateOrders", requests=[{"order": other}, {"order": whole}])
    assert (error.reason, error.fields[-1]) == (reason, f"requests[1].{path}")


UPDATES = [
    ("lines", {"lines": _lines({}, {"quantity": 0})}, "CHECK_VIOLATION", "order.lines[1].quantity"),
    ("lines", {"lines": _lines({}, {}, {"quantity": 0})}, "CHECK_VIOLATION", "order.lines[2].quantity"),
    ("lines", {"lines": [*_lines({}), *_lines({})]}, "DUPLICATE_IN_BATCH", "order.lines[1]"),
    ("lines", {"lines": _lines({"version": 7})}, "ETAG_MISMATCH", "order.lines[0]"),
    ("lines", {"lines": _lines({"sku": ""})}, "RULE_VIOLATION", "order.lines[0].sku"),
    ("lines", {"lines": _lines({}, {}, {"version": 7})}, "ETAG_MISMATCH", "order.lines[2]"),
    ("lines.*.sku", {"lines": [{"position": 1}]}, "RULE_VIOLATION", "order.lines[0].sku"),
    ("lines.*.quantity", {"lines": [{"position": 9, "quantity": 1}]}, "RULE_VIOLATION", "order.lines[0].sku"),
    ("lines.*.quantity", {"lines": [{"quantity": 1}]}, "RULE_VIOLATION", "order.lines[0].position"),
    ("lines", {"lines": _lines({"order_id": 77})}, "REFERS_ELSEWHERE", "order.lines[0].order_id"),
    ("lines.*.marks", {"lines": _lines({}, _MARKED)}, "DUPLICATE_IN_BATCH", "order.lines[1].marks[1]"),
    ("parcel", {"parcel": {"code": "taken2"}}, "UNIQUE_VIOLATION", "order.parcel.code"),
    ("events", {"events": [{"what": "sold"}]}, "INVALID_FIELD_MASK", "update_mask"),
    ("customer.name", {"customer": {"name": "Ann"}}, "INVALID_FIELD_MASK", "update_mask"),
    ("lines.quantity", {"lines": _lines({})}, "INVALID_FIELD_MASK", "update_mask"),
    ("notes.*.order", {"notes": []}, "INVALID_FIELD_MASK", "update_mask"),
    ("lines", {"etag": '"v9"', "lines": []}, "ETAG_MISMATCH", ""),
]


@pytest.mark.parametrize(
    ("mask", "order", "reason", "path"), UPDATES, ids=[f"{mask} {path}" for mask, _, _, path in UPDATES]
)
async def test_an_update(
    gateway: RunningGateway, mask: str, order: dict[str, Any], reason: str, path: str
) -> None:
    [first] = await gateway.sql(_OF_FIRST)
    error = await _refused(gateway, "UpdateOrder", order={"id": first["id"], **order}, update_mask=mask)
    assert (error.reason, error.fields[-1] if error.fields else "") == (reason, path)
    request = {"order": {"id": first["id"], **order}, "update_mask": mask}
    error = await _refused(gateway, "BatchUpdateOrders", requests=[request])
    assert (error.reason, error.fields[-1]) == (reason, f"requests[0].{path}".rstrip("."))
    assert await gateway.sql(_OF_FIRST) == [first]


async def test_one_part_among_many(gateway: RunningGateway) -> None:
    parts = [{"id": f"p{i}", "parts": [{"id": f"p{i}.{n}"} for n in range(3)]} for i in range(300)]
    parts[222] = {"id": "p222", "parts": [{"id": "p222.0"}, {"id": "p7.2"}]}
    error = await _refused(gateway, "CreatePart", part={"id": "whole", "parts": parts})
    assert (error.reason, error.fields) == ("UNIQUE_VIOLATION", ["part.parts[222].parts[1].id"])
    assert await gateway.sql("SELECT 1 FROM part") == []


async def test_parts_are_bounded(gateway: RunningGateway) -> None:
    part: dict[str, Any] = {"id": "5"}
    for i in reversed(range(5)):
        part = {"id": f"{i}", "parts": [part]}
    error = await _refused(gateway, "CreatePart", part=part)
    deep = "part.parts[0].parts[0].parts[0].parts[0].parts"
    assert (error.reason, error.fields) == ("RELATIONS_TOO_DEEP", [deep])
    many = [{"order": {"code": f"n{i}", "notes": [{}] * 1000}} for i in range(11)]
    error = await _refused(gateway, "BatchCreateOrders", requests=many)
    assert (error.reason, error.fields) == ("TOO_MANY_ROWS", ["requests"])


async def test_what_nobody_has_read_is_not_replaced(gateway: RunningGateway) -> None:
    order = await gateway.call(f"{ORDERS}/CreateOrder", order={"code": "long"})
    rows = "SELECT $1, n, 'x', 1, false, false, 1 FROM generate_series(1, 41) n"
    names = "order_id, position, sku, quantity, locked, hidden, version"
    await gateway.sql(f"INSERT INTO line ({names}) {rows}", order.id)
    sent = {"id": order.id, "lines": _lines({})}
    error = await _refused(gateway, "UpdateOrder", order=sent, update_mask="lines")
    assert (error.reason, error.fields) == ("TOO_MANY_ROWS_STORED", ["order.lines"])


async def test_what_is_not_stored_is_at_no_version(gateway: RunningGateway) -> None:
    await gateway.call(f"{ORDERS}/CreatePart", part={"id": "versioned"})
    parts = [{"id": "gone", "parts": [{"id": "gone too", "version": 3}]}]
    sent = {"id": "versioned", "parts": parts}
    error = await _refused(gateway, "UpdatePart", part=sent, update_mask="parts.*.size,parts.*.parts")
    assert (error.reason, error.fields) == ("ETAG_MISMATCH", ["part.parts[0].parts[0]"])
    assert await gateway.sql("SELECT 1 FROM part WHERE id LIKE 'gone%'") == []


@pytest.mark.parametrize("mask", ["lines", "customerName"])
async def test_what_a_created_row_holds_is_at_no_version(gateway: RunningGateway, mask: str) -> None:
    """Whatever the mask says: a row that isn't stored is made of all that was sent."""
    order = {"id": 8_000_000, "code": "absent", "lines": _lines({}, {"version": 1})}
    request = {"order": order, "update_mask": mask, "allow_missing": True}
    error = await _refused(gateway, "UpdateOrder", **request)
    assert (error.reason, error.fields) == ("ETAG_MISMATCH", ["order.lines[1]"])
    error = await _refused(gateway, "BatchUpdateOrders", requests=[request])
    assert (error.reason, error.fields) == ("ETAG_MISMATCH", ["requests[0].order.lines[1]"])
    order["lines"] = _lines({}, {})
    await gateway.call(f"{ORDERS}/UpdateOrder", request)
    order["lines"] = _lines({}, {"version": 1})  # now it is
    answer = await gateway.call(f"{ORDERS}/UpdateOrder", request)
    assert answer.version == 2
    await gateway.sql('DELETE FROM "Order" WHERE id = 8000000')


async def test_what_a_request_replaces_is_bounded(gateway: RunningGateway) -> None:
    parts = [{"id": f"of{i}"} for i in range(11)]
    await gateway.call(f"{ORDERS}/CreatePart", part={"id": "wide", "parts": parts})
    rows = "SELECT i || '.' || n, 'of' || i, 0, 1 FROM generate_series(0, 10) i, generate_series(1, 950) n"
    await gateway.sql(f"INSERT INTO part (id, whole, size, version) {rows}")
    sent = {"part": {"id": "wide", "parts": parts}, "update_mask": "parts.*.parts"}
    with pytest.raises(RpcFailed, match="more than 10000 rows of all that the request replaces") as refused:
        await gateway.call(f"{ORDERS}/UpdatePart", **sent)
    assert (refused.value.reason, refused.value.metadata) == ("TOO_MANY_ROWS_STORED", {"limit": "10000"})


async def test_bulk_rows_hold_none(gateway: RunningGateway) -> None:
    orders = [{"id": 901, "code": "b1"}, {"id": 902, "code": "b2", "lines": _lines({})}]
    error = await _refused(gateway, "BulkUpsertOrders", orders=orders)
    assert error.fields == ["orders[1].lines"]
    assert error.message.count("orders[1]") == 1
    told = await gateway.call(f"{ORDERS}/BulkUpsertOrders", orders=orders, partial_failure=True)
    assert (told.inserted_count, told.failed_count) == (1, 1)
