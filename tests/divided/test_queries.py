"""A query that its author wrote can name a partition: what holds of the whole isn't passed by so."""

from functools import partial

import asyncpg
import pytest

from gateway.introspect.sql_methods import with_queries
from gateway.migrate import apply
from gateway.schema.diagnostics import SchemaError
from gateway.schema.model import Schema
from gateway.schema.protos.sources import compile_texts
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, fetch

SCHEMA = """syntax = "proto3";
package parts.v1;
import "rowgate/v1/annotations.proto";
message Bill {
  option (rowgate.v1.table) = {
    primary_key: ["kind", "id"]
    audit: AUDIT_ROWS
    policy: {read: "owner = principal.id" update: "*"}
    partition_by: {field: "kind" table: {value: "paid"} table: {value: "open" schema: "desk"}}
  };
  string kind = 1;
  int64 id = 2;
  string owner = 3;
}
message Asked { int64 id = 1; }
message Found { optional int64 id = 1; }
service S {
  rpc Do(Asked) returns (Found) {
    option (rowgate.v1.method).sql = { query: "%s" %s };
  }
}
"""
READ = "SELECT max(id) AS id FROM {} WHERE id = :id"
WRITE = "UPDATE {} SET owner = '' WHERE id = :id RETURNING id"
_UNHELD = "public.bill has a policy of its rows, which doesn't hold in the query"
TABLES = ("bill", "bill_paid", "desk.bill")


def _schema(query: str, more: str = "") -> Schema:
    return read_schema(compile_texts({"parts.proto": SCHEMA % (query, more)}))


@pytest.fixture(scope="module")
async def dsn(databases: Databases) -> str:
    dsn = await databases.empty()
    metadata = build_tables(_schema(READ.format("bill"))).metadata
    await apply(metadata, partial(asyncpg.connect, dsn))
    await fetch(dsn, "ALTER TABLE bill ENABLE ROW LEVEL SECURITY")
    return dsn


async def _problems(dsn: str, query: str, more: str, *, by_callers: bool) -> str:
    roles = ["postgres"] if by_callers else None
    try:
        await with_queries(lambda: asyncpg.connect(dsn), _schema(query, more), roles)
    except SchemaError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("table", TABLES)
async def test_a_partition_has_the_policies_of_the_whole(dsn: str, table: str) -> None:
    assert _UNHELD in await _problems(dsn, READ.format(table), "", by_callers=False)


@pytest.mark.parametrize("table", ["bill_paid", "bill_paid AS bill", "desk.bill", "bill, bill_paid AS b"])
async def test_postgresql_holds_its_policies_by_the_name_of_the_whole_alone(dsn: str, table: str) -> None:
    query = f"SELECT 1::bigint AS id FROM {table} WHERE :id > 0"  # noqa: S608 - ours
    assert _UNHELD in await _problems(dsn, query, "", by_callers=True)


@pytest.mark.parametrize("table", TABLES)
async def test_changes_of_a_partition_are_those_of_an_audited_table(dsn: str, table: str) -> None:
    told = "the query writes public.bill, which is audited"
    assert told in await _problems(dsn, WRITE.format(table), "writes: true policy: BYPASS", by_callers=False)


async def test_by_its_name_the_whole_is_read_where_no_part_is_called_so(dsn: str) -> None:
    await fetch(dsn, "ALTER TABLE desk.bill RENAME TO open_bill")
    assert await _problems(dsn, READ.format("bill"), "", by_callers=True) == ""
