"""A filter with functions selects what plain Python selects of the same rows."""

import re
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings

from gateway.request.filter import parse_filter
from gateway.schema.tables.metadata import build_tables
from gateway.sql.reads.select import Rows, count_rows
from tests.conftest import GatewayFor
from tests.filters import judged
from tests.filters.judged import Judged
from tests.rpc.readside import Stored, insert

LIST = "types.v1.ScalarService/ListScalars"


class Known(Stored):
    """Rows that Python knows, too, and when they were stored."""

    now: datetime
    rows: list[judged.Row]


@pytest.fixture(scope="module")
async def known(module_gateway_for: GatewayFor) -> Known:
    found = Known(await module_gateway_for("types"))
    found.now = datetime.now(UTC)
    found.rows = list(judged.rows(found.now))
    await insert(found, found.gateway.schema.resources["types.v1.Scalar"], [*map(judged.stored, found.rows)])
    return found


@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(asked=judged.FILTERS)
async def test_a_filter_selects_what_python_selects(known: Known, asked: Judged) -> None:
    expected = [row["id"] for row in known.rows if asked.holds(row, known.now)]
    page = await known.call(LIST, filter=asked.text, page_size=1000)
    assert [row.id for row in page.scalars] == expected
    assert page.total_size == len(expected)


async def test_an_index_on_its_expression_serves_a_function(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("types")
    page = (Path(__file__).parents[2] / "docs" / "filters.md").read_text()
    (folded,) = re.findall(r"CREATE INDEX ON flight (.+);", page)
    name = "types.v1.Scalar"
    resource, table = gateway.schema.resources[name], build_tables(gateway.schema).tables[name]
    for text, expression in {
        'fold(string_value) = "x"': folded.replace("tail_number", "string_value"),
        'lower(short_text) = "x"': "(lower(short_text))",
        'string_value IN ("a", "b")': "(string_value)",
        "year(at) = 2012": "(extract(year from at at time zone 'UTC'))",
    }.items():
        await gateway.sql(f"CREATE INDEX served ON scalar {expression}")
        statement = count_rows(resource, table, Rows(parse_filter(text, resource).shape))
        connection = await asyncpg.connect(gateway.dsn)
        await connection.execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE asked AS {statement.text}")
        plan = await connection.fetch("EXPLAIN EXECUTE asked (NULL)")
        await connection.close()
        assert "Index Cond" in str(plan), plan
        await gateway.sql("DROP INDEX served")
