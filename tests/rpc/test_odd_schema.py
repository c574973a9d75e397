"""Legal protos that are seldom seen are served as any others."""

from typing import Any

import grpc
import pytest

from tests.conftest import GatewayFor
from tests.harness.client import RpcFailed

SERVICE = "odd.v1.OrderService"


async def test_an_enum_with_aliases_is_stored_by_its_first_names(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("odd")
    order = {
        "id": 1,
        "status": "STATUS_SENT",
        "stored": "STATUS_SENT",
        "past": ["STATUS_SENT", "STATUS_OPEN"],
    }
    created = await gateway.call(f"{SERVICE}/CreateOrder", order=order)
    assert (created.status, created.stored, list(created.past)) == (2, 2, [2, 1])
    stored = await gateway.sql('SELECT status, stored::text, past FROM "order"')
    assert [tuple(row.values()) for row in stored] == [
        ("STATUS_SHIPPED", "STATUS_SHIPPED", ["STATUS_SHIPPED", "STATUS_OPEN"])
    ]
    found = await gateway.call(f"{SERVICE}/ListOrders", filter="status = STATUS_SENT AND past:STATUS_SENT")
    assert [order.id for order in found.orders] == [1]


def _lacking(client: Any) -> bytes:
    request = client.message(f"{SERVICE.rpartition('.')[0]}.CreateOrderRequest", order={"id": 1})
    request.order.ship_to.city = "Rome"
    request.order.parts[7].city = "Rome"
    body: bytes = request.SerializePartialToString()
    return body


async def test_what_proto2_requires_is_asked_for(gateway_for: GatewayFor) -> None:
    client = (await gateway_for("odd")).client
    stub: Any = client.channel.unary_unary(f"/{SERVICE}/CreateOrder")
    with pytest.raises(RpcFailed) as caught:
        await client.raw(stub, _lacking(client), 10)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert caught.value.reason == "REQUIRED"
    assert sorted(caught.value.fields) == ["order.parts[7].street", "order.ship_to.street"]


async def test_a_mask_may_cut_what_proto2_requires(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("odd")
    order = {"id": 1, "ship_to": {"street": "Corso", "city": "Rome"}}
    await gateway.call(f"{SERVICE}/CreateOrder", order=order)
    cut = await gateway.call(f"{SERVICE}/Fetch", id=1, read_mask="shipTo.city")
    assert cut.ship_to.city == "Rome"
    assert not cut.ship_to.HasField("street")


async def test_a_document_that_lacks_what_proto2_requires_is_sent_as_it_stands(
    gateway_for: GatewayFor,
) -> None:
    gateway = await gateway_for("odd")
    await gateway.sql(
        'INSERT INTO "order" (id, status, stored, past, parts, ship_to) '
        "VALUES (1, 'STATUS_OPEN', 'STATUS_OPEN', '{}', '{}', '{}')"
    )
    got = await gateway.call(f"{SERVICE}/Fetch", id=1)
    assert got.HasField("ship_to")
    assert not got.ship_to.HasField("street")


PAYMENTS = 'SELECT card, voucher, invoice::text, note FROM "order"'


@pytest.mark.parametrize(
    ("sent", "mask", "stored"),
    [
        ({"voucher": 0}, "", (None, 0, None, "n")),
        ({"voucher": 0}, "voucher", (None, 0, None, "n")),
        ({"voucher": 0}, "voucher,note", (None, 0, None, None)),
        ({"invoice": {"street": "s"}}, "", (None, None, '{"street": "s"}', "n")),
        ({"card": ""}, "", ("", None, None, "n")),
        ({"note": "m"}, "", ("c", None, None, "m")),
        ({"voucher": 7, "note": "m"}, "note", ("c", None, None, "m")),
        ({}, "voucher", ("c", None, None, "n")),
        ({}, "card,voucher", (None, None, None, "n")),
    ],
)
async def test_a_member_of_a_oneof_takes_the_place_of_the_others(
    gateway_for: GatewayFor, sent: dict[str, Any], mask: str, stored: tuple[Any, ...]
) -> None:
    gateway = await gateway_for("odd")
    for id_ in (1, 2):
        await gateway.call(f"{SERVICE}/CreateOrder", order={"id": id_, "card": "c", "note": "n"})
    await gateway.call(f"{SERVICE}/UpdateOrder", order={"id": 1, **sent}, update_mask=mask)
    await gateway.call(f"{SERVICE}/BulkUpsertOrders", orders=[{"id": 2, **sent}], update_mask=mask)
    assert [tuple(row.values()) for row in await gateway.sql(PAYMENTS)] == [stored, stored]


async def test_a_oneof_that_is_stored_as_sent_is_unchanged(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("odd")
    order = {"id": 1, "voucher": 3, "note": "n"}
    await gateway.call(f"{SERVICE}/CreateOrder", order=order)
    for orders in ([order], [{"id": 1, "note": "n"}]):
        done = await gateway.call(f"{SERVICE}/BulkUpsertOrders", orders=orders)
        assert (done.updated_count, done.unchanged_count) == (0, 1)


async def test_a_column_may_be_called_anything(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("odd")
    await gateway.call(f"{SERVICE}/CreateOrder", order={"id": 1, "share": 40})
    await gateway.call(f"{SERVICE}/UpdateOrder", order={"id": 1, "share": 50})
    await gateway.call(f"{SERVICE}/BulkUpsertOrders", orders=[{"id": 1, "share": 60}, {"id": 2, "share": 70}])
    found = await gateway.call(f"{SERVICE}/ListOrders", filter="share >= 60")
    assert [order.share for order in found.orders] == [60, 70]


async def test_a_key_is_told_as_it_was_sent(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("odd")
    key = {"raw": "AP8=", "day": {"year": 2024, "month": 2, "day": 29}, "at": "2024-02-29T01:02:03.000004Z"}
    with pytest.raises(RpcFailed, match=r"raw=AP8=, day=.*2024.*29.*, at=2024-02-29T01:02:03\.000004Z is"):
        await gateway.call(f"{SERVICE}/GetStop", key)


async def test_sql_in_the_schema_is_taken_as_it_is_written(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("odd")
    created = await gateway.call(f"{SERVICE}/CreateOrder", order={"id": 1})
    assert (created.opens, created.closes) == ("12:30", "12:30 to 18:00")
    with pytest.raises(RpcFailed) as caught:
        await gateway.call(f"{SERVICE}/CreateOrder", order={"id": 2, "opens": "00:10"})
    assert (caught.value.reason, caught.value.fields) == ("CHECK_VIOLATION", ["order.opens"])
    where = await gateway.sql(
        "SELECT indexdef FROM pg_indexes WHERE indexname = 'order_share in %s \"$1\" :x_idx'"
    )
    assert "06:45" in where[0]["indexdef"]
