"""Rows that others hold are written as by calls of their own, by the rules and columns of their tables."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple

import pytest

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, start_gateway

ORDERS = "orders.v1.OrderService"
_LINE = {"sku": "x", "quantity": 1, "price_cents": 1}


class Served(NamedTuple):
    """Orders that are served to callers: `ann` has no role, `clerk` is one."""

    gateway: RunningGateway
    clients: Mapping[str, Client]


@pytest.fixture(scope="module")
async def served(
    databases: Databases, transport: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Served]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    keys = write_keys(path, [Caller("ann"), Caller("clerk", ["clerk"])])
    gateway = await start_gateway(
        "orders", databases, transport=transport, auth_providers="api_key", auth_api_keys=path
    )
    async with clients_of(gateway, "orders", keys) as clients:
        yield Served(gateway, clients)
    await gateway.stop()


async def _order(served: Served, code: str, *lines: Mapping[str, Any]) -> Any:
    sent = [{"position": i + 1, **_LINE, **line} for i, line in enumerate(lines)]
    return await served.clients["clerk"].call(f"{ORDERS}/CreateOrder", order={"code": code, "lines": sent})


async def _refused(
    client: Client, method: str, request: Any = None, /, **fields: Any
) -> tuple[str, list[str]]:
    with pytest.raises(RpcFailed) as refused:
        await client.call(f"{ORDERS}/{method}", request, **fields)
    return refused.value.reason, refused.value.fields


CREATES: list[tuple[dict[str, Any], tuple[str, list[str]]]] = [
    ({"price_cents": 100_000}, ("ROW_NOT_ALLOWED", ["order.lines[1]"])),
    ({"locked": True}, ("FIELD_NOT_ALLOWED", ["order.lines[1].locked"])),
    ({"cost": "3"}, ("FIELD_NOT_ALLOWED", ["order.lines[1].cost"])),
    ({"hidden": True}, ("ROW_NOT_ALLOWED", ["order.lines[1]"])),
]


@pytest.mark.parametrize(("line", "refusal"), CREATES, ids=[next(iter(line)) for line, _ in CREATES])
async def test_a_new_row_is_one_that_its_caller_may_create(
    served: Served, line: dict[str, Any], refusal: tuple[str, list[str]]
) -> None:
    ann, clerk = served.clients["ann"], served.clients["clerk"]
    lines = [{"position": 1, **_LINE}, {"position": 2, **_LINE, **line}]
    order = {"code": f"new {next(iter(line))}", "lines": lines}
    assert await _refused(ann, "CreateOrder", order=order) == refusal
    assert await served.gateway.sql('SELECT 1 FROM "Order" WHERE code = $1', order["code"]) == []
    made = await clerk.call(f"{ORDERS}/CreateOrder", order=order)
    assert len(made.lines) == 2
    alone = {**lines[1], "order_id": made.id, "position": 3}
    reason, _ = await _refused(ann, "CreateLine", line=alone)
    assert reason == refusal[0]  # as by the line's own method


async def test_rows_that_are_not_there_for_the_caller_stay(served: Served) -> None:
    order = await _order(served, "veiled", {}, {"hidden": True}, {})
    lines = [{"position": 3, **_LINE, "quantity": 9}]
    ann = served.clients["ann"]
    answer = await ann.call(
        f"{ORDERS}/UpdateOrder", order={"id": order.id, "lines": lines}, update_mask="lines"
    )
    assert [line.position for line in answer.lines] == [3]
    rows = await served.gateway.sql(
        "SELECT position, quantity FROM line WHERE order_id = $1 ORDER BY 1", order.id
    )
    assert [(row["position"], row["quantity"]) for row in rows] == [(2, 1), (3, 9)]
    hidden = {"id": order.id, "lines": [{"position": 2, **_LINE}]}
    refusal = await _refused(ann, "UpdateOrder", order=hidden, update_mask="lines")
    assert refusal[0] == "UNIQUE_VIOLATION"


async def test_a_row_that_the_caller_may_not_delete_or_change_keeps_all(served: Served) -> None:
    order = await _order(served, "locked", {"locked": True}, {})
    ann, clerk = served.clients["ann"], served.clients["clerk"]
    without = {"id": order.id, "lines": [{"position": 2, **_LINE, "quantity": 5}]}
    refusal = await _refused(ann, "UpdateOrder", order=without, update_mask="lines")
    assert refusal == ("ROW_NOT_ALLOWED", ["order.lines"])
    changed = {"id": order.id, "lines": [{"position": 2, **_LINE}, {"position": 1, **_LINE, "quantity": 5}]}
    refusal = await _refused(ann, "UpdateOrder", order=changed, update_mask="lines")
    assert refusal == ("ROW_NOT_ALLOWED", ["order.lines[1]"])
    rows = await served.gateway.sql("SELECT quantity FROM line WHERE order_id = $1", order.id)
    assert [row["quantity"] for row in rows] == [1, 1]
    await clerk.call(f"{ORDERS}/UpdateOrder", order=without, update_mask="lines")
    rows = await served.gateway.sql("SELECT position, quantity FROM line WHERE order_id = $1", order.id)
    assert [(row["position"], row["quantity"]) for row in rows] == [(2, 5)]


async def test_columns_are_written_and_shown_by_role(served: Served) -> None:
    order = await _order(served, "costs", {"cost": "7", "locked": False})
    ann, clerk = served.clients["ann"], served.clients["clerk"]
    sent = {"id": order.id, "lines": [{"position": 1, **_LINE, "quantity": 2}]}
    answer = await ann.call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="lines")
    assert (answer.lines[0].quantity, answer.lines[0].cost) == (2, "")
    answer = await clerk.call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="lines.*.quantity")
    assert answer.lines[0].cost == "7.00"  # who may not write it left it alone
    with pytest.raises(RpcFailed, match=r'update_mask: "lines\.\*\.locked" may not be set') as refused:
        await ann.call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="lines.*.locked")
    assert (refused.value.reason, refused.value.fields) == ("FIELD_NOT_ALLOWED", ["update_mask"])
    refusal = await _refused(ann, "UpdateOrder", order=sent, update_mask="lines.*.cost")
    assert refusal == ("INVALID_FIELD_MASK", ["update_mask"])


async def test_presets_are_the_callers(served: Served) -> None:
    ann, clerk = served.clients["ann"], served.clients["clerk"]
    note = {"words": "a", "author": "somebody"}
    order = await ann.call(f"{ORDERS}/CreateOrder", order={"code": "noted", "notes": [note]})
    assert (order.notes[0].author, order.notes[0].editor) == ("ann", "")
    sent = {"id": order.id, "notes": [{"id": order.notes[0].id, "words": "b"}, {"words": "c"}]}
    answer = await clerk.call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="notes.*.words")
    told = [(one.words, one.author, one.editor) for one in answer.notes]
    assert told == [("b", "ann", "clerk"), ("c", "clerk", "")]


async def test_every_change_is_kept(served: Served) -> None:
    order = await _order(served, "kept", {}, {"marks": [{"label": "a"}]}, {})
    lines = [{"position": 2, **_LINE}, {"position": 4, **_LINE}]
    sent = {"id": order.id, "lines": lines}
    await served.clients["clerk"].call(f"{ORDERS}/UpdateOrder", order=sent, update_mask="lines")
    kept = await served.gateway.sql(
        """
        SELECT table_name, action, string_agg(key::jsonb->>'position', ' ' ORDER BY id) AS lines,
            min(principal_id) AS caller
        FROM rowgate.audit WHERE coalesce(key::jsonb->>'order_id', key::jsonb->>'id') = $1
        GROUP BY 1, 2 ORDER BY 1, 2""",
        str(order.id),
    )
    assert [(*row.values(),) for row in kept] == [
        ("public.Order", "INSERT", None, "clerk"),
        ("public.Order", "UPDATE", None, "clerk"),
        ("public.line", "DELETE", "1 3", "clerk"),
        ("public.line", "INSERT", "1 2 3 4", "clerk"),
        ("public.line", "UPDATE", "2", "clerk"),
    ]


async def test_bulk_transforms_hold_to_the_rules_of_rows(served: Served) -> None:
    order = await _order(served, "added", {}, {"price_cents": 99_999}, {"locked": True}, {"hidden": True})
    lines = [{"order_id": order.id, "position": i, **_LINE} for i in range(1, 5)]
    request = {"lines": lines, "transforms": {"increment": ["price_cents"]}, "update_mask": "priceCents"}
    ann, clerk = served.clients["ann"], served.clients["clerk"]
    answer = await ann.call(f"{ORDERS}/BulkUpsertLines", request, partial_failure=True)
    assert [one.index for one in answer.failures] == [1, 2, 3]  # too dear then, locked, and not there for her
    stored = "SELECT price_cents FROM line WHERE order_id = $1 ORDER BY position"
    assert [row["price_cents"] for row in await served.gateway.sql(stored, order.id)] == [2, 99_999, 1, 1]
    await clerk.call(f"{ORDERS}/BulkUpsertLines", request)
    assert [row["price_cents"] for row in await served.gateway.sql(stored, order.id)] == [3, 100_000, 2, 2]
    request = {"lines": [{**lines[0], "quantity": 5_000}], "transforms": {"minimum": ["quantity"]}}
    answer = await ann.call(f"{ORDERS}/BulkUpsertLines", {**request, "update_mask": "quantity"})
    assert answer.updated_count == 0  # what is made may be stored, though what is sent may not


async def test_a_row_that_an_update_creates_and_transforms_is_one_new_row(served: Served) -> None:
    """By the rule of new rows, and with one row of the audit."""
    order = await _order(served, "made at once")
    ann = served.clients["ann"]
    line = {"order_id": order.id, "position": 1, **_LINE, "price_cents": 99_990}
    request = {"line": line, "update_mask": "sku", "allow_missing": True}
    dear = [{"field": "price_cents", "increment": 10}]
    assert (await _refused(ann, "UpdateLine", request, transforms=dear))[0] == "ROW_NOT_ALLOWED"
    cheap = [{"field": "price_cents", "increment": 9}, {"field": "quantity", "increment": 2}]
    made = await ann.call(f"{ORDERS}/UpdateLine", request, transforms=cheap)
    assert (made.price_cents, made.quantity, made.version) == (99_999, 3, 1)
    kept = "SELECT action FROM rowgate.audit WHERE key::jsonb->>'order_id' = $1"
    assert [row["action"] for row in await served.gateway.sql(kept, str(order.id))] == ["INSERT"]
    await served.gateway.sql("UPDATE line SET locked = true WHERE order_id = $1", order.id)
    assert (await _refused(ann, "UpdateLine", request, transforms=cheap))[0] == "ROW_NOT_ALLOWED"


SHEET = "INSERT INTO sheet (id, part) VALUES ('s', 'inner')"
GUARDED = {
    "drawing": "INSERT INTO drawing (id, sheet, secret) VALUES ('d', 's', true)",
    "recipe": "INSERT INTO recipe (id, part, deleted_at) VALUES ('r', 'inner', now())",
}


async def test_rows_that_others_guard_are_not_removed_along(served: Served) -> None:
    """PostgreSQL would cascade over rows that only their own policy, or force, lets go."""
    ann = served.clients["ann"]
    await ann.call(f"{ORDERS}/CreatePart", part={"id": "outer", "parts": [{"id": "inner"}]})
    await served.gateway.sql(SHEET)
    without = {"part": {"id": "outer"}, "update_mask": "parts"}
    for table, insert in GUARDED.items():
        await served.gateway.sql(insert)
        refusal = await _refused(ann, "UpdatePart", **without)
        assert refusal == ("ROW_IS_REFERENCED", ["part.parts"])
        with pytest.raises(RpcFailed) as refused:
            await ann.call(f"{ORDERS}/DeletePart", id="inner")
        assert (refused.value.reason, refused.value.metadata) == ("ROW_IS_REFERENCED", {"table": table})
        removed = await served.gateway.sql(f"DELETE FROM {table} RETURNING id")  # noqa: S608 - a constant
        assert len(removed) == 1
    await ann.call(f"{ORDERS}/UpdatePart", without)
    assert (
        await served.gateway.sql("SELECT id FROM sheet UNION ALL SELECT id FROM part WHERE whole > ''") == []
    )
