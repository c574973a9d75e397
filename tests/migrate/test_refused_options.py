"""What PostgreSQL refuses of a schema is told with its place."""

from pathlib import Path

import pytest

from gateway.migrate import MigrationError, apply
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.migrate.database import EmptyDatabase

_SCHEMA = """syntax = "proto3";
package a.v1;
import "rowgate/v1/annotations.proto";
message Seat {
  option (rowgate.v1.table) = {
    primary_key: "id"
    check: {expression: "nope > 1" name: "wrong"}
    index: {columns: ["row"] where: "nope" name: "part"}
  };
  int64 id = 1;
  optional string row = 2 [(rowgate.v1.column).default = "nope()"];
  int32 wide = 3 [(rowgate.v1.column).type = "numeric(1001)"];
  optional string made = 4 [(rowgate.v1.column).generated = "nope"];
}
"""


async def test_each_is_told_with_its_place(database: EmptyDatabase, tmp_path: Path) -> None:
    """It was `column "nope" does not exist`, and nothing of where."""
    (tmp_path / "a.proto").write_text(_SCHEMA)
    model = build_tables(read_schema(compile_protos(tmp_path))).metadata
    with pytest.raises(MigrationError) as refused:
        await apply(model, database.connect)
    told = [line.strip() for line in str(refused.value).splitlines()[1:]]
    places = ["11: a.v1.Seat.row: default", "12: a.v1.Seat.wide: its type", "13: a.v1.Seat.made: generated"]
    for place in (*places, "4: a.v1.Seat: check wrong", "4: a.v1.Seat: index part"):
        assert [line for line in told if line.startswith(f"a.proto:{place}: ")], (place, told)
