"""Reading on PostgreSQL 15: tests of the other files, and text under a collation whose equals differ."""

import pytest

from tests.conftest import GatewayFor
from tests.harness.databases import Databases
from tests.rpc.readside import insert, read_all
from tests.rpc.scalars import rows
from tests.rpc.test_read_every_field import gateway, test_every_field_can_be_filtered
from tests.rpc.test_read_pages import LIST
from tests.rpc.test_read_rows import (
    rich,
    test_batch_get_takes_composite_keys,
    test_count_is_exact_or_the_planners_estimate,
    test_every_orderable_column_orders_pages,
    test_filters_reach_into_stored_messages,
)

__all__ = [
    "gateway",
    "rich",
    "test_batch_get_takes_composite_keys",
    "test_count_is_exact_or_the_planners_estimate",
    "test_every_field_can_be_filtered",
    "test_every_orderable_column_orders_pages",
    "test_filters_reach_into_stored_messages",
]


@pytest.fixture(scope="session")
def databases(debian_15: str) -> Databases:
    """Return the databases of PostgreSQL 15."""
    return Databases(debian_15)


async def test_text_pages_where_different_texts_are_equal(gateway_for: GatewayFor) -> None:
    served = await gateway_for("types")
    await insert(served, served.schema.resources["types.v1.Scalar"], rows(60))
    await served.sql(
        "CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    for column in ("string_value", "optional_string_value"):
        await served.sql(f"ALTER TABLE scalar ALTER COLUMN {column} TYPE text COLLATE caseless")
    for order_by in (
        "string_value, id",
        "optional_string_value desc, id",
        "optional_string_value, string_value, id",
    ):
        found = [row.id for row in await read_all(served, LIST, "scalars", 3, order_by=order_by)]
        sql = f"SELECT id FROM scalar ORDER BY {order_by}"  # noqa: S608 - written here
        assert found == [row["id"] for row in await served.sql(sql)]
    equal = await served.call(LIST, filter='string_value = "B"')
    assert {row.string_value for row in equal.scalars} == {"B", "b"}
