"""What Citus can't carry out over shards is refused: at the start, or where a request names it."""

import pytest

from gateway.db.steps import StepExecutor, StepReads, StepWrites
from gateway.errors import InvalidArgument
from gateway.methods.engine import Engine
from gateway.methods.reads.relations import related_of
from gateway.methods.refused_in_shards import refuse_in_shards
from gateway.policy.schema_rules import hops_of, row_rules
from gateway.request.masks import read_fields
from gateway.request.relations.rows import relation_rows
from gateway.schema.diagnostics import SchemaError
from gateway.schema.model import Schema
from gateway.schema.protos.sources import compile_texts
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables

SCHEMA = """syntax = "proto3";
package shop.v1;
import "google/protobuf/empty.proto";
import "rowgate/v1/annotations.proto";
import "rowgate/v1/bulk.proto";
message Order {
  option (rowgate.v1.table) = {
    name: "shop_order" primary_key: ["tenant", "id"] %s %s
  };
  string tenant = 1;
  int64 id = 2;
  repeated Line lines = 3;
}
message Line {
  option (rowgate.v1.table) = {
    primary_key: ["tenant", "order_id", "id"]
    foreign_key: {
      columns: ["tenant", "order_id"]
      references: {table: "shop_order" columns: ["tenant", "id"] on_delete: CASCADE}
    }
    %s
  };
  string tenant = 1;
  int64 order_id = 2;
  int64 id = 3;
}
service S {
  rpc DeleteOrder(DeleteOrderRequest) returns (google.protobuf.Empty);
  rpc BulkUpsertOrders(BulkUpsertOrdersRequest) returns (BulkUpsertOrdersResponse);
}
message DeleteOrderRequest { string tenant = 1; int64 id = 2; %s }
message BulkUpsertOrdersRequest { repeated Order orders = 1; }
message BulkUpsertOrdersResponse {
  int64 inserted_count = 1;
  int64 updated_count = 2;
  int64 unchanged_count = 3;
}
"""
SPREAD = ('distribute_by: "tenant"', 'distribute_by: "tenant" colocate_with: "shop_order"')
ALONE = ("", "")
POLICY = 'policy: {read: "tenant = principal.id" create: "*" update: "*" delete: "*"}'
FORCE = "bool force = 3;"


def _schema(spread: tuple[str, str], *, policy: str = "", force: str = "") -> Schema:
    order, line = spread
    return read_schema(compile_texts({"shop.proto": SCHEMA % (order, policy, line, force)}))


def _engine(schema: Schema) -> Engine:
    rules = row_rules(schema)
    hops = hops_of(schema, rules)
    return Engine(
        database=StepExecutor(),
        reads=StepReads(),
        writes=StepWrites(),
        tables=build_tables(schema).tables,
        relations=relation_rows(schema, hops),
        hop=hops,
        rules=rules,
        presets={},
        caller_roles=None,
        identified=bool(rules),
    )


def _refused(schema: Schema) -> list[str]:
    try:
        refuse_in_shards(schema, _engine(schema))
    except SchemaError as error:
        return [f"{one.where}: {one.wrong}" for one in error.diagnostics]
    return []


LOOKS = (
    "S.DeleteOrder: rows that refer to those of shop_order are looked for, which Citus doesn't tell of shards"
)
RULES = "S.BulkUpsertOrders: its rows are in shards, and have rules that bulk writes can't check there"


@pytest.mark.parametrize(
    ("policy", "force", "told"),
    [("", "", []), ("", FORCE, [LOOKS]), (POLICY, "", [RULES]), (POLICY, FORCE, [RULES, LOOKS])],
)
def test_methods_are_refused_over_shards_alone(policy: str, force: str, told: list[str]) -> None:
    assert _refused(_schema(SPREAD, policy=policy, force=force)) == [f"shop.v1.{one}" for one in told]
    assert _refused(_schema(ALONE, policy=policy, force=force)) == []


def test_a_list_of_rows_is_refused_over_shards_alone() -> None:
    for spread in (SPREAD, ALONE):
        schema = _schema(spread)
        method = schema.services["shop.v1.S"].standard_methods[0]
        mask = read_fields(method.resource, ("lines",), related=schema.resources)
        if spread == ALONE:
            assert related_of(mask, _engine(schema)).rows
            continue
        with pytest.raises(InvalidArgument) as refused:
            related_of(mask, _engine(schema))
        assert refused.value.violations[0].reason == "LIST_IN_SHARDS"
