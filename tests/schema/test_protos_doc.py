"""docs/protos.md mentions all that a schema's author can write."""

import re
from functools import cache
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor
from rowgate.v1 import aggregate_pb2, annotations_pb2

from gateway.request.aggregates import check_aggregations
from gateway.schema.aggregation import aggregate_methods
from gateway.schema.model import MethodKind
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.services.standard_methods import SHAPES
from gateway.schema.types.mapping import MESSAGES, SCALARS

DOC = Path(__file__).parents[2] / "docs" / "protos.md"

OPTIONS = [
    field.full_name
    for file in (annotations_pb2, aggregate_pb2)
    for message in file.DESCRIPTOR.message_types_by_name.values()
    for field in message.fields
]


@cache
def document() -> str:
    return DOC.read_text()


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_is_mentioned(option: str) -> None:
    assert f"`{option.rpartition('.')[2]}`" in document()


@pytest.mark.parametrize("kind", SHAPES)
def test_every_method_and_role_is_mentioned(kind: MethodKind) -> None:
    shape = SHAPES[kind]
    name = f"`{shape.prefix}Book{'s' if shape.plural else ''}{shape.suffix}`"
    (line,) = [line for line in document().splitlines() if line.startswith(f"| {name} |")]
    named = {"resource": "the resource", "rows": "the rows", "sample": "a sample"}
    for role in (*shape.request, *shape.response):
        spelled = named.get(role.name, f"`{role.name}`")
        assert (f"**{spelled}**" if role.required else spelled) in line, role.name
    mentioned = set(re.findall(r"`([a-z_]+)`", line))
    assert mentioned - {"requests"} <= {role.name for role in (*shape.request, *shape.response)}


def test_every_type_is_mentioned() -> None:
    scalars = {
        getattr(FieldDescriptor, name): name for name in dir(FieldDescriptor) if name.startswith("TYPE_")
    }
    names = [scalars[number].removeprefix("TYPE_").lower() for number in SCALARS]
    for name in (*names, "enum", "map", *MESSAGES):
        assert re.search(rf"^\|[^|]*\b{re.escape(name)}\b", document(), re.MULTILINE), name


def test_the_example_is_a_schema(tmp_path: Path) -> None:
    example, rows = re.findall(r"```proto\n(.*?)```", document(), re.DOTALL)
    author = 'message Author {\n  option (rowgate.v1.table) = {primary_key: "id"};\n  int64 id = 1;\n}\n'
    imports = "".join(
        f'import "{name}";\n' for name in ("google/type/date.proto", "rowgate/v1/aggregate.proto")
    )
    (tmp_path / "book.proto").write_text(f'syntax = "proto3";\n{imports}{example}{author}{rows}{_AGGREGATE}')
    schema = read_schema(compile_protos(tmp_path))
    check_aggregations(schema)
    assert schema.resources["Book"].etag == "etag"
    (method,) = aggregate_methods(schema)
    assert [key.field.name for key in method.aggregation.keys] == ["author_id", "month"]


_AGGREGATE = """
service Books {
  rpc AggregateBooks(AggregateBooksRequest) returns (AggregateBooksResponse);
}
message AggregateBooksRequest {
  int32 page_size = 1;
  string page_token = 2;
}
message AggregateBooksResponse {
  repeated BookStatistics rows = 1;
  string next_page_token = 2;
}
"""
