"""Calls that write rows with others: their statements, repetitions, races, as steps, and as JSON."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from google.protobuf.json_format import MessageToDict

from gateway.db.statements.transaction import Transaction
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway
from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.trees.by_hand import STORED

ORDERS = "orders.v1.OrderService"
_LINE = {"sku": "x", "quantity": 1}
_WAITING = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@pytest.fixture(scope="module")
async def gateway(module_gateway_for: Any) -> RunningGateway:
    made: RunningGateway = await module_gateway_for("orders", transport="http")
    return made


def _lines(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"position": i + 1, **_LINE, **more} for i in range(count)]


async def _order(gateway: RunningGateway, code: str, **held: Any) -> Any:
    return await gateway.call(f"{ORDERS}/CreateOrder", order={"code": code, **held})


async def test_a_level_is_one_statement(gateway: RunningGateway, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    fetch = Transaction.fetch

    async def counted(self: Transaction, statement: Any, *args: Any, **more: Any) -> Any:
        names.append(statement.name)
        return await fetch(self, statement, *args, **more)

    monkeypatch.setattr(Transaction, "fetch", counted)
    marks = [{"label": "a"}, {"label": "b"}]
    requests = [{"order": {"code": f"s{i}", "lines": _lines(30, marks=marks)}} for i in range(20)]
    made = await gateway.call(f"{ORDERS}/BatchCreateOrders", requests=requests)
    assert names == ["create Order", "create line", "create mark", "audit"]
    names.clear()
    changes = [
        {"order": {"id": one.id, "lines": _lines(31, marks=marks)}, "update_mask": "lines,lines.*.marks"}
        for one in made.orders
    ]
    await gateway.call(f"{ORDERS}/BatchUpdateOrders", requests=changes)
    line = ["hold line", "held line", "update line", *["hold mark", "held mark", "update mark"]]
    assert names == ["update Order", *line, "create line", "create mark", "audit"]
    [counts] = await gateway.sql("SELECT (SELECT count(*) FROM line) l, (SELECT count(*) FROM mark) m")
    assert counts == {"l": 20 * 31, "m": 20 * 31 * 2}


async def test_what_was_read_can_be_sent_back(gateway: RunningGateway) -> None:
    order = await _order(gateway, "back", lines=_lines(3), notes=[{"words": "a"}], parcel={"code": "back"})
    mask = "*,lines,notes,parcel"
    read = await gateway.call(f"{ORDERS}/GetOrder", id=order.id, read_mask=mask)
    sent = MessageToDict(read)
    del sent["lines"][1:]
    for update_mask in ("", "*"):
        sent["etag"] = (await gateway.call(f"{ORDERS}/GetOrder", id=order.id)).etag
        answer = await gateway.call(f"{ORDERS}/UpdateOrder", order=sent, update_mask=update_mask)
        assert not answer.lines
    after = await gateway.call(f"{ORDERS}/GetOrder", id=order.id, read_mask=mask)
    assert (after.lines, after.notes, after.parcel) == (read.lines, read.notes, read.parcel)


async def test_a_row_changes_with_what_it_holds(gateway: RunningGateway) -> None:
    order = await _order(gateway, "counts", lines=_lines(2, marks=[{"label": "a"}]))
    sent = {"id": order.id, "lines": [{"position": 1, "marks": [{"label": "b"}]}, {"position": 2}]}
    answer = await gateway.call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="lines.*.marks")
    assert (answer.version, [line.version for line in answer.lines]) == (2, [2, 2])
    assert [[mark.label for mark in line.marks] for line in answer.lines] == [["b"], []]
    assert [line.sku for line in answer.lines] == ["x", "x"]
    assert answer.etag != order.etag
    again = {**sent, "etag": order.etag}
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{ORDERS}/UpdateOrder", order=again, update_mask="lines.*.marks")
    assert refused.value.reason == "ETAG_MISMATCH"


async def test_a_repetition_writes_nothing(gateway: RunningGateway) -> None:
    request = {"order": {"code": "once", "lines": _lines(2), "notes": [{}]}, "request_id": str(uuid4())}
    first = await gateway.call(f"{ORDERS}/CreateOrder", request)
    stored = await _stored(gateway)
    assert await gateway.call(f"{ORDERS}/CreateOrder", request) == first
    assert await _stored(gateway) == stored
    assert len(first.lines) == 2


async def test_a_dry_run_writes_nothing(gateway: RunningGateway) -> None:
    order = {"code": "dry", "lines": _lines(2), "notes": [{}], "events": [{"what": "made"}]}
    stored = await _stored(gateway)
    answer = await gateway.call(f"{ORDERS}/CreateOrder", order=order, validate_only=True)
    assert (len(answer.lines), len(answer.events)) == (2, 1)
    assert await _stored(gateway) == stored
    order["lines"] = _lines(2, quantity=0)
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{ORDERS}/CreateOrder", order=order, validate_only=True)
    assert refused.value.fields == ["order.lines[0].quantity"]


async def test_a_missing_row_is_created_whole(gateway: RunningGateway) -> None:
    order = {"id": 7_000_000, "code": "missing", "lines": _lines(2, marks=[{"label": "a"}]), "notes": [{}]}
    update = {"order": order, "update_mask": "customerName", "allow_missing": True}
    made = await gateway.call(f"{ORDERS}/UpdateOrder", update)
    assert [len(line.marks) for line in made.lines] == [1, 1]
    order["lines"] = _lines(1)
    again = await gateway.call(f"{ORDERS}/UpdateOrder", {**update, "update_mask": "lines"})
    assert (len(again.lines), again.version) == (1, 2)


async def test_of_two_replacements_one_is_told_that_it_is_late(gateway: RunningGateway) -> None:
    order = await _order(gateway, "raced", lines=_lines(2))
    sent = {"id": order.id, "etag": order.etag}
    requests = [{"order": {**sent, "lines": _lines(count)}, "update_mask": "lines"} for count in range(1, 9)]
    answers = await asyncio.gather(
        *(gateway.call(f"{ORDERS}/UpdateOrder", one) for one in requests), return_exceptions=True
    )
    [done] = [one for one in answers if not isinstance(one, RpcFailed)]
    assert {one.reason for one in answers if isinstance(one, RpcFailed)} == {"ETAG_MISMATCH"}
    [left] = await gateway.sql("SELECT count(*) FROM line WHERE order_id = $1", order.id)
    assert left["count"] == len(done.lines)


async def test_replacements_without_an_etag_come_one_after_the_other(gateway: RunningGateway) -> None:
    order = await _order(gateway, "queued", lines=_lines(2))
    sent = [{"id": order.id, "lines": _lines(count, price_cents=count)} for count in range(1, 13)]
    await asyncio.gather(
        *(gateway.call(f"{ORDERS}/UpdateOrder", order=one, update_mask="lines") for one in sent)
    )
    rows = await gateway.sql("SELECT price_cents FROM line WHERE order_id = $1", order.id)
    prices = {row["price_cents"] for row in rows}
    assert prices == {len(rows)}  # of one of them, whole
    [stored] = await gateway.sql('SELECT version FROM "Order" WHERE id = $1', order.id)
    assert stored["version"] == 13


async def test_steps_of_a_transaction(gateway: RunningGateway) -> None:
    line = {"position": 3, **_LINE, "marks": [{"label": "a"}]}
    order = {"@type": "type.googleapis.com/orders.v1.CreateOrderRequest"}
    order["order"] = {"code": "step", "lines": _lines(2)}  # type: ignore[assignment]
    update = {"@type": "type.googleapis.com/orders.v1.UpdateOrderRequest", "update_mask": "lines"}
    update["order"] = {"lines": [line]}  # type: ignore[assignment]
    bound = [{"from_step": 0, "from_path": "id", "to_path": "order.id"}]
    steps = [
        {"method": "orders.v1.OrderService.CreateOrder", "request": order},
        {"method": "orders.v1.OrderService.UpdateOrder", "request": update, "bindings": bound},
    ]
    done = await gateway.call(f"{ORDERS}/Transact", steps=steps)
    answer = gateway.client.unpacked(done.responses[1])
    assert [(one.position, len(one.marks)) for one in answer.lines] == [(3, 1)]
    stored = await _stored(gateway)
    order["order"]["code"] = "step2"  # type: ignore[index]
    line["quantity"] = 0
    with pytest.raises(RpcFailed) as refused:
        await gateway.call(f"{ORDERS}/Transact", steps=steps)
    assert refused.value.fields == ["steps[1].request.order.lines[0].quantity"]
    assert await _stored(gateway) == stored


async def test_json_is_that_of_the_message(gateway: RunningGateway) -> None:
    order = {"code": "json", "lines": _lines(2, marks=[{"label": "a", "weight": 3}]), "parcel": {"code": "j"}}
    answer = await ask(gateway.target, "POST", f"/{ORDERS}/CreateOrder", {"order": order})
    key, mask = answer.json["id"], "*,lines.*.marks,parcel,lines"
    read = await gateway.call(f"{ORDERS}/GetOrder", id=key, read_mask=mask)
    assert answer.json == MessageToDict(read)


async def _stored(gateway: RunningGateway) -> Any:
    return [await gateway.sql(query) for query in STORED.values()]


async def test_what_somebody_else_deletes_meanwhile_is_gone_as_it_was_to_be(gateway: RunningGateway) -> None:
    order = await _order(gateway, "gone meanwhile", lines=_lines(2))
    sent = {"order": {"id": order.id, "lines": _lines(1)}, "update_mask": "lines"}
    other = await asyncpg.connect(gateway.dsn)
    try:
        async with other.transaction():
            await other.execute("DELETE FROM line WHERE order_id = $1 AND position = 2", order.id)
            update = asyncio.create_task(gateway.call(f"{ORDERS}/UpdateOrder", **sent))
            while not await gateway.sql(_WAITING):
                await next_poll()
        assert len((await update).lines) == 1
    finally:
        await other.close()
    rows = await gateway.sql("SELECT position FROM line WHERE order_id = $1", order.id)
    assert [row["position"] for row in rows] == [1]


async def test_the_one_row_of_a_relation_needs_no_key(gateway: RunningGateway) -> None:
    order = await _order(gateway, "sent", parcel={"code": "one", "grams": 5, "label": "mine"})
    sent = {"id": order.id, "parcel": {"grams": 7}}
    answer = await gateway.call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="parcel.grams")
    told = (answer.parcel.code, answer.parcel.grams, answer.parcel.label)
    assert told == ("one", 7, "mine")
    whole = await gateway.call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="parcel")
    assert (whole.parcel.code, whole.parcel.grams, whole.parcel.label) == ("one", 7, "")
    other = {"id": order.id, "parcel": {"code": "two"}}
    assert (
        await gateway.call(f"{ORDERS}/UpdateOrder", order=other, update_mask="parcel")
    ).parcel.code == "two"
    rows = await gateway.sql("SELECT code, grams FROM parcel WHERE order_id = $1", order.id)
    assert [(*row.values(),) for row in rows] == [("two", 0)]
