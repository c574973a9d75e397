"""Orders with all that they hold, written by one call each: what is stored is what SQL by hand stores."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of
from tests.trees.by_hand import STORED, ByHand

ORDERS = "orders.v1.OrderService"
_RELATIONS = ("lines", "notes", "parcel", "events")


class Both(NamedTuple):
    """A gateway, and the same tables beside it."""

    gateway: RunningGateway
    by_hand: ByHand


@pytest.fixture(scope="module")
async def both(module_gateway_for: Any, databases: Databases) -> AsyncIterator[Both]:
    gateway = await module_gateway_for("orders")
    other = await databases.copy_of("orders", build_tables(schema_of("orders")).metadata)
    connection = await asyncpg.connect(other)
    yield Both(gateway, ByHand(connection))
    await connection.close()


@st.composite
def orders(draw: st.DrawFn, code: str) -> dict[str, Any]:
    """Draw an order with what it holds."""
    order: dict[str, Any] = {"code": code, "customer_name": draw(st.sampled_from(["", "Ann", "Ben"]))}
    if draw(st.booleans()):
        positions = draw(st.lists(st.integers(1, 5), max_size=4, unique=True))
        order["lines"] = [draw(_lines(position)) for position in positions]
    if draw(st.booleans()):
        numbers = draw(st.lists(st.integers(0, 3), max_size=3, unique=True))
        order["notes"] = [draw(_notes(code, number)) for number in numbers]
    if draw(st.booleans()):
        number = draw(st.integers(1, 2))
        order["parcel"] = {"code": f"{code}-{number}", "grams": draw(st.integers(0, 9))}
    if draw(st.booleans()):
        order["events"] = [{"what": draw(st.sampled_from("ab"))}]
    return order


@st.composite
def _lines(draw: st.DrawFn, position: int) -> dict[str, Any]:
    line = {"position": position, "sku": draw(st.sampled_from("xyz")), "quantity": draw(st.integers(1, 3))}
    if draw(st.booleans()):
        line["price_cents"] = draw(st.integers(0, 9))
    if draw(st.booleans()):
        line["hidden"] = True
    labels = draw(st.lists(st.sampled_from("abc"), max_size=3, unique=True))
    return {**line, "marks": [{"label": label, "weight": position} for label in labels]}


@st.composite
def _notes(draw: st.DrawFn, code: str, number: int) -> dict[str, Any]:
    note: dict[str, Any] = {
        "words": draw(st.sampled_from(["", "hello", "bye"])),
        "tags": draw(st.lists(st.just("t"))),
    }
    if number:
        note["id"] = str(UUID(int=int(code[1:]) * 10 + number))
    return note


_MASKS = st.one_of(
    st.just(()),
    st.just(("*",)),
    st.lists(
        st.sampled_from(
            ["customer_name", "lines", "lines.*.quantity", "lines.*.sku", "lines.*.marks", "notes", "parcel"]
        ),
        min_size=1,
        max_size=3,
        unique=True,
    ).map(tuple),
)


_numbers = iter(range(1, 1_000_000))


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_what_is_stored_is_what_sql_stores(both: Both, data: st.DataObject) -> None:
    code = f"C{next(_numbers)}"
    order = data.draw(orders(code))
    created = await both.gateway.call(f"{ORDERS}/CreateOrder", order=order)
    await both.by_hand.create(order)
    assert await _read(both.gateway, created.id, _RELATIONS) == _in_order(created)
    for _ in range(data.draw(st.integers(0, 3))):
        changed, paths = data.draw(orders(code)), data.draw(_MASKS)
        changed.pop("events", None)
        mask = FieldMask(paths=paths).ToJsonString()
        answer = await both.gateway.call(
            f"{ORDERS}/UpdateOrder", order={"id": created.id, **changed}, update_mask=mask
        )
        await both.by_hand.update(changed, paths)
        replaced = [name for name in ("lines", "parcel") if any(path.startswith(name) for path in paths)]
        stored = await _read(both.gateway, created.id, replaced)
        answer.ClearField("notes")
        wanted = _in_order(answer)
        if "lines" in replaced and "lines.*.marks" not in paths:
            for line in (*stored.lines, *wanted.lines):
                line.ClearField("marks")
        assert stored == wanted
    found = {name: [dict(row) for row in await both.gateway.sql(query)] for name, query in STORED.items()}
    assert found == await both.by_hand.stored()


async def _read(gateway: RunningGateway, key: int, relations: Any) -> Any:
    below = [f"{one}.*.marks" if one == "lines" else one for one in relations]
    mask = FieldMask(paths=["*", *relations, *(one for one in below if one.endswith("marks"))])
    return _in_order(await gateway.call(f"{ORDERS}/GetOrder", id=key, read_mask=mask.ToJsonString()))


def _in_order(order: Any) -> Any:
    """Return an order whose rows come in the order of their keys."""
    order.lines.sort(key=lambda line: line.position)
    for line in order.lines:
        line.marks.sort(key=lambda mark: mark.label)
    order.notes.sort(key=lambda note: note.id)
    order.events.sort(key=lambda event: event.id)
    return order
