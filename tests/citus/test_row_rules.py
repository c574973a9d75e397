"""Rules of rows and the audit hold in statements over shards, on one server as on a cluster."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest

from gateway.auth.principal import Principal
from gateway.migrate import apply, connect_to
from gateway.policy.row_rules import caller_values
from gateway.policy.schema_rules import row_rules
from gateway.schema.protos.sources import compile_texts
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from gateway.sql.dialect import dialect_of
from gateway.sql.writes.change import Change
from gateway.sql.writes.row_arrays import RowsStatement, RowStatement
from tests.citus.cluster import Cluster
from tests.harness.databases import Databases, create_tables

SCHEMA = read_schema(
    compile_texts(
        {
            "shop.proto": """syntax = "proto3";
package shop.v1;
import "rowgate/v1/annotations.proto";
message Order {
  option (rowgate.v1.table) = {
    name: "shop_order"
    primary_key: ["tenant", "id"]
    distribute_by: "tenant"
    audit: AUDIT_ROWS
    policy: {
      read: "tenant = principal.id AND id < 100"
      create: "total > 0"
      update: "tenant = principal.id"
      update_check: "total > 0"
      delete: "total > 5"
    }
  };
  string tenant = 1;
  int64 id = 2;
  int64 total = 3;
}
"""
        }
    )
)
ORDER = SCHEMA.resources["shop.v1.Order"]
TABLES = build_tables(SCHEMA)
TABLE = TABLES.tables["shop.v1.Order"]
RULES = row_rules(SCHEMA)["shop.v1.Order"]
CALLER = caller_values(RULES, Principal("a", "api_key"))
DIALECT = dialect_of(ORDER)
COLUMNS = ("tenant", "id", "total")
REFUSED = asyncpg.InvalidArgumentForWidthBucketFunctionError


_BEFORE = "INSERT INTO shop_order VALUES ('a', 1, 7), ('a', 2, 1), ('b', 1, 9), ('a', 500, 9)"
Check = Callable[[asyncpg.Connection], Awaitable[None]]


async def _holds(check: Check, dsn: str) -> None:
    """Run a check over orders of two tenants."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_BEFORE)
        await check(connection)
    finally:
        await connection.close()


async def _run(sql: asyncpg.Connection, made: RowStatement | RowsStatement, rows: Any) -> list[Sequence[Any]]:
    args = made.arguments(rows, caller=CALLER)
    return [tuple(row) for row in await sql.fetch(made.statement.text, *args)]


def _row(tenant: str, number: int, total: int) -> dict[str, Any]:
    return {"tenant": tenant, "id": number, "total": total}


async def new_rows_have_to_meet_the_rules(sql: asyncpg.Connection) -> None:
    one = DIALECT.insert_row(ORDER, TABLE, COLUMNS, RULES.creating)
    many = DIALECT.insert_rows(ORDER, TABLE, COLUMNS, rules=RULES.creating)
    assert (await _run(sql, one, _row("a", 3, 5)))[0][1:] == ("a", 3, 5)
    assert [row[2] for row in await _run(sql, many, [_row("a", 5, 1), _row("a", 4, 1)])] == [5, 4]
    with pytest.raises(REFUSED):
        await _run(sql, one, _row("a", 6, 0))
    with pytest.raises(REFUSED):
        await _run(sql, many, [_row("a", 7, 1), _row("a", 6, 0)])
    assert await sql.fetchval("SELECT count(*) FROM shop_order WHERE id IN (6, 7)") == 0


async def rows_that_the_caller_may_not_change_stay(sql: asyncpg.Connection) -> None:
    """Nor are they told as changed: an audit would keep it."""
    update = DIALECT.change_rows(ORDER, TABLE, Change.UPDATE, columns=("total",), rules=RULES.updating)
    asked = [_row("a", 1, 70), _row("b", 1, 1), _row("a", 500, 4), _row("a", 2, 0)]
    told = await _run(sql, update, asked)
    assert [row[0] is not None for row in told] == [True, False, False, False]
    assert [(found, allowed, done) for _, found, _, _, allowed, done, *_ in told] == [
        (True, True, True),
        (False, None, False),
        (False, None, False),
        (True, False, False),
    ]
    assert [row[:2] for row in await _run(sql, update, [_row("b", 1, 1)])] == [(None, False)]
    delete = DIALECT.change_rows(ORDER, TABLE, Change.DELETE, rules=RULES.deleting)
    told = await _run(sql, delete, [_row("a", 1, 0), _row("a", 2, 0)])
    assert [(row[0] is not None, row[4], row[5]) for row in told] == [
        (True, True, True),
        (False, False, False),
    ]
    stored = await sql.fetch("SELECT tenant, id, total FROM shop_order ORDER BY 1, 2")
    assert [tuple(row) for row in stored] == [("a", 2, 1), ("a", 500, 9), ("b", 1, 9)]


CHECKS: Sequence[Check] = (new_rows_have_to_meet_the_rules, rows_that_the_caller_may_not_change_stay)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_on_one_server(databases: Databases, check: Check) -> None:
    dsn = await databases.empty()
    await create_tables(dsn, TABLES.metadata)
    await _holds(check, dsn)


@pytest.mark.citus
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
async def test_on_a_cluster(cluster: Cluster, check: Check) -> None:
    dsn = await cluster.database()
    await apply(TABLES.metadata, connect_to(dsn))
    await _holds(check, dsn)
