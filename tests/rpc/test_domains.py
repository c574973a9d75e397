"""Columns whose types are domains: a cast to one cuts and rounds, as one to the type below it does."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, create_tables, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.rpc.test_bulk_errors import named

SERVICE = "domains.v1.PriceService"
DOMAINS = (
    "CREATE DOMAIN amount AS numeric(15,2)",
    "CREATE DOMAIN gross AS amount CHECK (VALUE <> 1)",
    "CREATE DOMAIN code AS varchar(3)",
    "CREATE DOMAIN second AS timestamp(0)",
    "CREATE DOMAIN flags AS bit(3)",
    "CREATE DOMAIN amounts AS numeric(15,2)[]",
    "CREATE DOMAIN codes AS varchar(3)[]",
)
FITS = {
    "amount": "1.250",
    "code": "äöü",
    "second": "2024-02-29 12:30:45.000",
    "flags": "101",
    "amounts": "{1.25,NULL,-3}",
    "codes": '{abc,"a,b","\\"{",NULL}',
    "each": ["1.25", "2"],
}
CUT: list[tuple[str, Any, str]] = [
    ("amount", "1.255", "INEXACT"),
    ("amount", "1e13", "OUT_OF_RANGE"),
    ("code", "abcd", "TOO_LONG"),
    ("second", "2024-02-29 12:30:45.6", "INEXACT"),
    ("flags", "1011", "INEXACT"),
    ("amounts", "{1.25,1.255}", "INEXACT"),
    ("codes", '{abc,"a,\\"b"}', "TOO_LONG"),
    ("each", ["1.25", "1.255"], "INEXACT"),
]


@pytest.fixture
async def prices(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    dsn = await databases.empty()
    for domain in DOMAINS:
        await fetch(dsn, domain)
    await create_tables(dsn, build_tables(schema_of("domains")).metadata)
    gateway = await serve("domains", dsn, transport=transport)
    yield gateway
    await gateway.stop()


async def test_nothing_is_cut_or_rounded_on_the_way_into_a_domain(prices: RunningGateway) -> None:
    stored = await prices.call(f"{SERVICE}/CreatePrice", price={"id": 1, **FITS})
    assert (stored.amount, stored.code.value, list(stored.each)) == ("1.25", "äöü", ["1.25", "2.00"])
    assert (stored.second, stored.flags) == ("2024-02-29 12:30:45", "101")
    assert (stored.amounts, stored.codes) == ("{1.25,NULL,-3.00}", FITS["codes"])
    for field, value, reason in CUT:
        with pytest.raises(RpcFailed) as refused:
            await prices.call(f"{SERVICE}/CreatePrice", price={"id": 2, field: value})
        assert (refused.value.reason, refused.value.fields[0][: len(field) + 6]) == (reason, f"price.{field}")


async def test_a_bulk_upsert_cuts_nothing_either(prices: RunningGateway) -> None:
    rows = [{"id": 1, **FITS}, *({"id": n, field: value} for n, (field, value, _) in enumerate(CUT, 2))]
    answer = await prices.call(f"{SERVICE}/BulkUpsertPrices", prices=rows, partial_failure=True)
    assert [failure.index for failure in answer.failures] == list(range(1, len(rows)))
    assert answer.inserted_count == 1


async def test_a_name_of_nothing_is_the_error_of_its_field(prices: RunningGateway) -> None:
    """PostgreSQL raises of the value what it raises of a table that is missing: it was INTERNAL."""
    with pytest.raises(RpcFailed) as refused:
        await prices.call(f"{SERVICE}/CreatePrice", price={"id": 1, "relation": "nowhere"})
    assert (refused.value.code.name, refused.value.fields) == ("INVALID_ARGUMENT", ["price.relation"])
    rows = [{"id": 2, "relation": "price"}, {"id": 3, "relation": "no where"}, {"id": 4, "relation": "a.b"}]
    answer = await prices.call(f"{SERVICE}/BulkUpsertPrices", prices=rows, partial_failure=True)
    assert named(answer) == {i: ("INVALID_VALUE", [f"prices[{i}].relation"]) for i in (1, 2)}
    await prices.sql("ALTER TABLE price RENAME TO elsewhere")
    with pytest.raises(RpcFailed) as refused:
        await prices.call(f"{SERVICE}/CreatePrice", price={"id": 5, "relation": "elsewhere"})
    assert refused.value.reason == "SCHEMA_MISMATCH"
