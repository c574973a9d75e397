"""Calls over shards are answered as those over one server are, and leave the same rows."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from rowgate.v1 import annotations_pb2

from gateway.migrate import apply, connect_to
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.citus.cluster import Cluster
from tests.citus.drawn_calls import Drawn, Request, outcome
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import client_of, descriptors_of

pytestmark = pytest.mark.citus

CALLS = {"gauges": 150, "quoted_shards": 300, "market": 600}
_WRONG = ("ALREADY_EXISTS", "FAILED_PRECONDITION", "INVALID_ARGUMENT", "NOT_FOUND")


def _some(chance: Random, **fields: Any) -> Request:
    """Return some of the fields."""
    return {name: value for name, value in fields.items() if chance.random() < 0.7}


def _number(chance: Random) -> int:
    """Return a number that others have, mostly."""
    return chance.randint(1, 4) if chance.random() < 0.6 else chance.randint(1, 300)


def _device(chance: Random) -> str:
    return f"00000000-0000-4000-9000-{chance.randint(1, 5):012}"


def _event(chance: Random) -> Request:
    more = _some(
        chance,
        told_at=f"2026-11-2{chance.randint(0, 9)}T00:00:00Z",
        severity=chance.choice(["SEVERITY_INFO", "SEVERITY_ALARM"]),
        value=chance.choice([0, 1.5, -2, 1e300]),
        text=chance.choice(["", "hot", "a 'quoted' \\ text"]),
    )
    key = {"device_id": _device(chance), "id": f"00000000-0000-4000-8000-{_number(chance):012}"}
    return {**key, "told_at": "2026-11-24T00:00:00Z", **more}


def _select(chance: Random) -> Request:
    more = _some(
        chance,
        limit=chance.randint(1, 9),
        union=chance.choice(["", "AAEC", "/w=="]),
        where={"value": chance.choice(["0", "1.50", "-3", "99999999999999999999.5"])},
        group=chance.choice(["COLOUR_RED", "COLOUR_BLUE"]),
        having=chance.choice([[], ["a"], ["a", "", "b'"]]),
        window=chance.choice([{}, {"x": 1}, {"y": 2, "z": 3}]),
        table={"year": 2026, "month": 11, "day": chance.randint(1, 28)},
        offset=chance.choice(["1s", "3600s"]),
        all=chance.random() < 0.5,
        distinct=chance.choice(["COLOUR_RED", "COLOUR_BLUE"]),
    )
    return {"from": chance.choice(["", "a", "Z", "ß'\""]), "order": _number(chance), **more}


def _product(chance: Random) -> Request:
    return {"id": _number(chance), **_some(chance, code=str(chance.randint(1, 50)), name="n")}


def _tenant(chance: Random) -> Request:
    return {"id": _number(chance), **_some(chance, name=chance.choice(["one", "two"]))}


def _order(chance: Random) -> Request:
    items = [
        {"position": n, "product_id": chance.randint(1, 7), "amount": n} for n in range(chance.randint(0, 2))
    ]
    more = _some(
        chance,
        number=str(chance.randint(1, 30)),
        total_cents=chance.randint(-1, 9),
        placed_at=f"2026-11-2{chance.randint(0, 9)}T00:00:00Z",
    )
    key = {"tenant_id": chance.randint(1, 5), "id": _number(chance)}
    placed = {"placed_at": "2026-11-24T00:00:00Z", **more}
    return {**key, **placed, **({"items": items} if items and chance.random() < 0.3 else {})}


def _item(chance: Random) -> Request:
    key = {
        "tenant_id": chance.randint(1, 5),
        "order_id": chance.randint(1, 4),
        "position": chance.randint(1, 3),
    }
    return {**key, **_some(chance, product_id=chance.randint(1, 7), amount=chance.randint(0, 3))}


DRAWN: Mapping[str, Sequence[Drawn]] = {
    "gauges": [
        Drawn(
            "gauges.v1.EventService",
            "Event",
            "Events",
            ("device_id", "id"),
            _event,
            (
                "*",
                'device_id = "00000000-0000-4000-9000-000000000001"',
                "value > 1",
                "severity = SEVERITY_ALARM",
            ),
            ("", "told_at desc", "value, text"),
            ("", "*", "text", "value,severity"),
        )
    ],
    "quoted_shards": [
        Drawn(
            "quoted_shards.v1.SelectService",
            "Select",
            "Selects",
            ("from", "order"),
            _select,
            ("*", 'from = "a"', "limit > 3", 'having:"a"', "distinct = COLOUR_RED", "group != COLOUR_RED"),
            ("", "limit desc", "from desc, order"),
            ("", "*", "limit", "having,window,union", "group,where"),
            targets=((), ("from", "limit")),
        )
    ],
    "market": [
        Drawn(
            "market.v1.ProductService",
            "Product",
            "Products",
            ("id",),
            _product,
            ("*", 'code = "a"'),
            ("", "code desc"),
            targets=((), ("code",)),
        ),
        Drawn(
            "market.v1.TenantService",
            "Tenant",
            "Tenants",
            ("id",),
            _tenant,
            ("*", 'name = "one"'),
            ("", "name, id desc"),
        ),
        Drawn(
            "market.v1.OrderService",
            "Order",
            "Orders",
            ("tenant_id", "id"),
            _order,
            ("*", "tenant_id = 1", "total_cents > 3", 'number = "1"', 'tenant.name = "one"'),
            ("", "total_cents desc", "placed_at, number"),
            ("", "*", "totalCents", "number,items"),
            ("", "id,tenant.name"),
            ((), ("tenant_id", "number")),
        ),
        Drawn(
            "market.v1.ItemService",
            "Item",
            "Items",
            ("tenant_id", "order_id", "position"),
            _item,
            ("*", "tenant_id = 2 AND amount > 1", "product_id = 1"),
            ("", "amount desc"),
            ("", "*", "amount"),
            ("", "amount,product.name"),
        ),
    ],
}
"""The resources of each schema; what others refer to comes first, and is called more often."""


BEFORE: Mapping[str, Sequence[tuple[str, Request]]] = {
    "market": [
        ("market.v1.TenantService/BulkUpsertTenants", {"tenants": [{"id": n} for n in range(1, 6)]}),
        (
            "market.v1.ProductService/BulkUpsertProducts",
            {"products": [{"id": n, "code": str(n)} for n in range(1, 8)]},
        ),
        (
            "market.v1.OrderService/BulkUpsertOrders",
            {
                "orders": [
                    {"tenant_id": tenant, "id": n, "placed_at": "2026-11-24T00:00:00Z"}
                    for tenant in range(1, 6)
                    for n in range(1, 5)
                ]
            },
        ),
    ]
}
"""What is there before: most items need others' rows."""


def on_one_server(name: str) -> FileDescriptorSet:
    """Return a schema without the options of Citus."""
    whole = FileDescriptorSet.FromString(descriptors_of(name).SerializeToString())
    for file in whole.file:
        for message in file.message_type:
            if message.options.HasExtension(annotations_pb2.table):  # type: ignore[arg-type]
                for option in ("distribute_by", "colocate_with", "reference"):
                    message.options.Extensions[annotations_pb2.table].ClearField(option)  # type: ignore[index]
    return whole


@pytest.fixture(params=DRAWN)
async def both(
    request: pytest.FixtureRequest, cluster: Cluster, databases: Databases, transport: str
) -> AsyncIterator[Any]:
    name = request.param
    sides = {
        "shards": (descriptors_of(name), await cluster.holding(name)),
        "whole": (on_one_server(name), await databases.empty()),
    }
    await apply(build_tables(read_schema(sides["whole"][0])).metadata, connect_to(sides["whole"][1]))
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(client_of(descriptors, dsn, transport=transport))
            for descriptors, dsn in sides.values()
        ]
        yield name, clients, [dsn for _, dsn in sides.values()]


async def _rows(dsn: str, name: str) -> Any:
    """Return the rows of all tables, by SQL."""
    resources = read_schema(descriptors_of(name)).resources.values()
    moments = {"created_at", "updated_at", "deleted_at"}
    return {
        one.table: sorted(
            str([value for column, value in row.items() if column not in moments])
            for row in await fetch(dsn, f'SELECT * FROM "{one.schema}"."{one.table}"')  # noqa: S608 - ours
        )
        for one in resources
    }


def _are_refused(method: str, here: Any, there: Any) -> bool:
    """Return whether both are refused, where rows may be wrong in several ways: another one is told first."""
    several = method.startswith(("Batch", "Bulk", "Ingest"))
    return (
        several
        and isinstance(here, tuple)
        and isinstance(there, tuple)
        and here[0] in _WRONG
        and there[0] in _WRONG
    )


async def test_calls_over_shards_are_answered_as_over_one_server(
    both: Any, tell: Callable[[str], None]
) -> None:
    name, (shards, whole), dsns = both
    chance, refused, done = Random(17), 0, set[str]()  # noqa: S311 - a seed
    for method, request in BEFORE.get(name, ()):
        for client in (shards, whole):
            await client.call(method, request)
    for number in range(CALLS[name]):
        drawn = chance.choice(DRAWN[name])
        requests = drawn.requests()
        method = chance.choice(list(requests))
        request = requests[method](chance)
        here = await outcome(shards, drawn, method, request, number)
        there = await outcome(whole, drawn, method, request, number)
        assert here == there or _are_refused(method, here, there), (number, method, request)
        refused += isinstance(here, tuple)
        done |= set() if isinstance(here, tuple) else {drawn.kind(method)}
        if number % 20 == 0:
            assert await _rows(dsns[0], name) == await _rows(dsns[1], name), (number, method, request)
    assert await _rows(dsns[0], name) == await _rows(dsns[1], name)
    tell(f"{name} over shards: {CALLS[name]} calls as over one server, {refused} of them refused alike")
    assert done == {drawn.kind(method) for drawn in DRAWN[name] for method in drawn.requests()}
