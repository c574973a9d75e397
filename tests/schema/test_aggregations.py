"""Filters and orders of what is computed, and options that nothing reads, are refused at the start, too."""

from pathlib import Path

import pytest

from gateway.request.aggregates import check_aggregations
from gateway.schema.diagnostics import SchemaError
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema

_HEAD = """syntax = "proto3";
import "rowgate/v1/aggregate.proto";
import "rowgate/v1/annotations.proto";
message Sale {
  option (rowgate.v1.table) = {primary_key: "id"};
  int64 id = 1;
  int32 pieces = 2;
}
"""
_SERVICE = """service Sales {
  rpc AggregateSales(AggregateSalesRequest) returns (AggregateSalesResponse);
}
message AggregateSalesRequest {
  int32 page_size = 1;
  string page_token = 2;
}
message AggregateSalesResponse {
  repeated Statistics rows = 1;
  string next_page_token = 2;
}
"""
_WRONG = """message Statistics {
  int64 sales = 1 [(rowgate.v1.aggregate) = {count: true filter: "piecs > 1"}];
  optional int32 latest = 2 [(rowgate.v1.aggregate).last = {field: "pieces" order_by: "idd"}];
}
"""
_RIGHT = """message Statistics {
  int64 sales = 1 [(rowgate.v1.aggregate).count = true];
}
"""


def test_wrong_filters_and_orders_have_their_places(tmp_path: Path) -> None:
    (tmp_path / "sale.proto").write_text(_HEAD + _SERVICE + _WRONG)
    schema = read_schema(compile_protos(tmp_path))
    with pytest.raises(SchemaError) as caught:
        check_aggregations(schema)
    first, second = caught.value.diagnostics
    lines = (_HEAD + _SERVICE + _WRONG).splitlines()
    assert [one.file for one in (first, second)] == ["sale.proto", "sale.proto"]
    assert "piecs" in lines[first.line - 1]
    assert "idd" in lines[second.line - 1]
    assert 'did you mean "pieces"?' in first.wrong
    assert 'did you mean "id"?' in second.wrong


def test_options_of_a_message_that_no_method_answers_are_told(tmp_path: Path) -> None:
    (tmp_path / "sale.proto").write_text(_HEAD + _RIGHT)
    with pytest.raises(SchemaError, match="no Aggregate method answers Statistics") as caught:
        read_schema(compile_protos(tmp_path))
    (one,) = caught.value.diagnostics
    assert (one.file, one.where) == ("sale.proto", "Statistics.sales")


def test_a_row_of_a_table_is_no_group(tmp_path: Path) -> None:
    (tmp_path / "sale.proto").write_text(_HEAD + _SERVICE.replace("Statistics", "Sale"))
    with pytest.raises(SchemaError, match="is a table's row, and no row of an Aggregate method"):
        read_schema(compile_protos(tmp_path))
