"""Which statements reading makes: prepared ones, used again, and pages that start where an index says."""

import re
from typing import Any

import pytest

from gateway.request.masks import read_fields
from gateway.request.pages.order import parse_order
from gateway.schema.tables.metadata import build_tables
from gateway.sql.reads.select import Rows, select_page, selected
from tests.conftest import GatewayFor
from tests.harness.gateway import schema_of
from tests.rpc.readside import Stored, insert

LIST = "types.v1.ScalarService/ListScalars"
ACCOUNT = "ledger.v1.Account"


def page_sql(order_by: str) -> str:
    schema = schema_of("ledger")
    resource, table = schema.resources[ACCOUNT], build_tables(schema).tables[ACCOUNT]
    order = parse_order(order_by, resource)
    fields = selected(resource, read_fields(resource, ["book"]), order)
    after = (False,) * len(order)
    return select_page(resource, table, fields, rows=Rows(), order=order, after=after).text


@pytest.mark.parametrize(
    ("order_by", "row_comparison"),
    [("", True), ("number", True), ("number desc, book desc", True), ("number desc, book", False)],
)
def test_one_direction_is_one_row_comparison(order_by: str, row_comparison: bool) -> None:  # noqa: FBT001 - a case's expectation
    where = page_sql(order_by).split("WHERE")[1]
    assert bool(re.search(r"\) [<>] \(", where)) == row_comparison
    assert (" OR " in where) != row_comparison


@pytest.fixture(scope="module")
async def stored(module_gateway_for: GatewayFor) -> Stored:
    gateway = await module_gateway_for("types")
    await insert(gateway, gateway.schema.resources["types.v1.Scalar"], [{"id": i} for i in range(3000)])
    await gateway.sql("ANALYZE scalar")
    return Stored(gateway)


async def plan_of(stored: Stored, sql: str) -> str:
    rows: list[dict[str, Any]] = await stored.sql(f"EXPLAIN {sql}")
    return "\n".join(row["QUERY PLAN"] for row in rows)


async def test_a_page_starts_in_the_index(stored: Stored) -> None:
    schema = schema_of("types")
    resource = schema.resources["types.v1.Scalar"]
    table = build_tables(schema).tables["types.v1.Scalar"]
    fields = selected(resource, read_fields(resource, ["id"]))
    order = parse_order("", resource)
    page = select_page(resource, table, fields, rows=Rows(), order=order, after=(False,))
    sql = page.text.replace("$1", "1500").replace("$2", "10")
    plan = await plan_of(stored, sql)
    assert "Index Cond: (id > 1500)" in plan
    assert "Sort" not in plan
