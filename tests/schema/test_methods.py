"""Methods are known by name, types or annotation, and their fields play the roles that the shapes list."""

from pathlib import Path
from textwrap import dedent

import pytest

from gateway.schema.model import MethodKind, Resource, Schema, ServerSet, StandardMethod
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.services.plurals import plurals
from gateway.schema.services.standard_methods import SHAPES, Answer
from tests.harness.gateway import schema_of

COMMON = """
syntax = "proto3";
package lib.v1;
import "google/protobuf/empty.proto";
import "google/protobuf/field_mask.proto";
import "google/protobuf/timestamp.proto";
import "rowgate/v1/annotations.proto";
"""

BOOK = """
message Book {
  option (rowgate.v1.table) = {primary_key: "isbn"};
  string isbn = 1;
  optional string title = 2;
}
"""


def read(tmp_path: Path, source: str) -> Schema:
    """Return the schema of a file's text, less what all files share."""
    (tmp_path / "lib.proto").write_text(COMMON + dedent(source))
    return read_schema(compile_protos(tmp_path))


def the_method(schema: Schema) -> StandardMethod:
    """Return the schema's only method."""
    (service,) = schema.services.values()
    (method,) = service.standard_methods
    return method


def method_of(schema: str, name: str) -> StandardMethod:
    found = [
        method
        for service in schema_of(schema).services.values()
        for method in service.standard_methods
        if method.descriptor.name == name
    ]
    (method,) = found
    return method


@pytest.mark.parametrize("kind", MethodKind)
def test_every_role_of_every_kind_is_bound_somewhere(kind: MethodKind) -> None:
    methods = [
        method
        for name in ("types", "ledger", "adversarial", "flow", "statistics", "stock", "kin", "finds")
        for service in schema_of(name).services.values()
        for method in service.standard_methods
        if method.kind is kind
    ]
    shape = SHAPES[kind]
    assert {role.name for role in shape.request} <= {role for method in methods for role in method.request}
    assert {role.name for role in shape.response} <= {role for method in methods for role in method.response}


@pytest.mark.parametrize(
    "schema", ["types", "ledger", "adversarial", "flow", "statistics", "stock", "kin", "finds"]
)
def test_every_field_of_every_request_is_bound(schema: str) -> None:
    for service in schema_of(schema).services.values():
        for method in service.standard_methods:
            bound = {*method.request.values(), *method.keys, *(field for field, _ in method.equals)}
            assert {field.name for field in bound} == set(method.descriptor.input_type.fields_by_name)


def test_a_composite_key_is_bound_in_the_order_of_the_primary_key() -> None:
    method = method_of("ledger", "GetEntry")
    assert [field.name for field in method.keys] == ["book", "sequence", "part"]
    assert method.path == "/ledger.v1.EntryService/GetEntry"
    assert method.full_name == "ledger.v1.EntryService.GetEntry"


def test_a_batch_by_composite_key_binds_its_item() -> None:
    method = method_of("ledger", "BatchGetEntries")
    assert method.keys == ()
    assert method.item is not None
    assert [field.name for field in method.item.keys] == ["book", "sequence", "part"]
    assert method.request["keys"].name == "requests"
    assert method.response["missing"].name == "missing"


def test_a_batch_by_one_column_binds_its_keys() -> None:
    method = method_of("types", "BatchDeleteScalars")
    assert [field.name for field in method.keys] == ["ids"]
    assert method.item is None


def test_keys_may_be_messages_of_their_own_type(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        """
        message Moment {
          option (rowgate.v1.table) = {primary_key: "at"};
          google.protobuf.Timestamp at = 1;
        }
        message BatchGetMomentsRequest { repeated google.protobuf.Timestamp keys = 1; }
        message BatchGetMomentsResponse {
          repeated Moment moments = 1;
          repeated google.protobuf.Timestamp missing = 2;
        }
        service S { rpc BatchGetMoments(BatchGetMomentsRequest) returns (BatchGetMomentsResponse); }
        """,
    )
    method = the_method(schema)
    assert [field.name for field in method.keys] == ["keys"]
    assert method.item is None
    assert not method.resource.key_fields[0].nullable


def test_batch_items_are_bound_as_single_methods() -> None:
    method = method_of("ledger", "BatchUpdateAccounts")
    assert method.item is not None
    assert method.item.kind is MethodKind.UPDATE
    assert set(method.item.request) >= {"resource", "update_mask", "etag"}
    deletes = method_of("ledger", "BatchDeleteAccounts")
    assert deletes.item is not None
    assert [field.name for field in deletes.item.keys] == ["book", "number"]


def test_a_key_called_like_a_role_is_the_key(tmp_path: Path) -> None:
    method = the_method(
        read(
            tmp_path,
            """
            message Migration {
              option (rowgate.v1.table) = {primary_key: ["version", "force"]};
              string version = 1;
              bool force = 2;
            }
            service MigrationService {
              rpc DeleteMigration(DeleteMigrationRequest) returns (google.protobuf.Empty);
            }
            message DeleteMigrationRequest {
              string version = 1;
              bool force = 2;
              bool allow_missing = 3;
            }
            """,
        )
    )
    assert [key.name for key in method.keys] == ["version", "force"]
    assert list(method.request) == ["allow_missing"]


def test_equality_binds_fields_of_the_resource() -> None:
    method = method_of("ledger", "ListAccounts")
    assert [(field.name, stored.column) for field, stored in method.equals] == [
        ("owner", "user"),
        ("note", "select"),
    ]


def test_a_kind_and_resource_may_be_said(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        BOOK
        + """
        message Asked { string isbn = 1; }
        service Shelf {
          rpc Burn(Asked) returns (google.protobuf.Empty) {
            option (rowgate.v1.method) = {kind: METHOD_KIND_DELETE resource: "Book"};
          }
        }
        """,
    )
    method = the_method(schema)
    assert (method.kind, method.resource.name) == (MethodKind.DELETE, "Book")


def test_a_resource_is_found_by_its_plural(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        """
        message Category {
          option (rowgate.v1.table) = {primary_key: "id"};
          int64 id = 1;
        }
        message CountCategoriesRequest {}
        message CountCategoriesResponse { int64 count = 1; }
        service S { rpc CountCategories(CountCategoriesRequest) returns (CountCategoriesResponse); }
        """,
    )
    assert the_method(schema).resource.name == "Category"


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("Flight", "Flights"),
        ("Category", "Categories"),
        ("Key", "Keys"),
        ("Box", "Boxes"),
        ("Person", "People"),
        ("SalesPerson", "SalesPeople"),
        ("Leaf", "Leaves"),
        ("Analysis", "Analyses"),
        ("Index", "Indices"),
        ("Sheep", "Sheep"),
    ],
)
def test_plurals(one: str, many: str) -> None:
    assert many in plurals(one)


def test_methods_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "google" / "made").mkdir(parents=True)
    (tmp_path / "google" / "made" / "up.proto").write_text(
        'syntax = "proto3";\npackage google.made;\nmessage M {}\nservice Up { rpc Do(M) returns (M); }\n'
    )
    assert not read(tmp_path, BOOK).services


def test_proto2_is_read(tmp_path: Path) -> None:
    (tmp_path / "old.proto").write_text(
        'syntax = "proto2";\npackage old;\nimport "rowgate/v1/annotations.proto";\n'
        'message Old {\n  option (rowgate.v1.table) = {primary_key: "id"};\n'
        "  optional int64 id = 1 [(rowgate.v1.column).not_null = true];\n"
        '  optional string name = 2 [default = "x"];\n'
        "  repeated group Part = 3 { optional int32 n = 1; }\n}\n"
    )
    old = read_schema(compile_protos(tmp_path)).resources["old.Old"]
    assert [(field.column, field.type.sql, field.nullable) for field in old.fields] == [
        ("id", "bigint", False),
        ("name", "text", True),
        ("part", "jsonb", False),
    ]


def test_editions_are_read(tmp_path: Path) -> None:
    (tmp_path / "new.proto").write_text(
        'edition = "2023";\npackage new;\nimport "rowgate/v1/annotations.proto";\n'
        'message New {\n  option (rowgate.v1.table) = {primary_key: "id"};\n'
        "  int64 id = 1 [features.field_presence = IMPLICIT];\n  string name = 2;\n}\n"
    )
    new = read_schema(compile_protos(tmp_path)).resources["new.New"]
    assert [(field.column, field.has_presence) for field in new.fields] == [("id", False), ("name", True)]


def test_the_server_sets_what_the_table_says() -> None:
    node = resource("adversarial", "Node")
    kept = {field.name: field.server_set for field in node.fields if not field.writable}
    assert kept == {
        "version": ServerSet.VERSION,
        "created_at": ServerSet.CREATED_AT,
        "updated_at": ServerSet.UPDATED_AT,
        "deleted_at": ServerSet.DELETED_AT,
        "upper_label": ServerSet.GENERATED,
        "luck": ServerSet.OUTPUT_ONLY,
    }
    assert [field.name for field in node.fields if field.zero_is_default] == ["id"]
    assert [field.name for field in resource("ledger", "Remark").fields if field.zero_is_default] == ["id"]


def test_the_etag_is_no_column() -> None:
    account = resource("ledger", "Account")
    assert account.etag == "etag"
    assert "etag" not in account.by_name
    assert account.by_name["owner"].comment == "Whose it is."
    assert account.comment.startswith("An account of one book.")


def resource(schema: str, name: str) -> Resource:
    return schema_of(schema).resources[f"{schema}.v1.{name}"]


def test_a_kind_that_answers_fields_is_the_only_one_with_response_roles() -> None:
    for kind, shape in SHAPES.items():
        assert bool(shape.response) is (shape.answer in (Answer.FIELDS, Answer.EMPTY_OR_FIELDS)), kind


def test_comments_go_without_what_is_meant_for_tools(tmp_path: Path) -> None:
    schema = read(
        tmp_path,
        """
        // A note.
        // buf:lint:ignore SOMETHING
        message Note {
          option (rowgate.v1.table) = {primary_key: "id"};
          int64 id = 1; // Behind the field.
        }
        """,
    )
    note = schema.resources["lib.v1.Note"]
    assert note.comment == "A note."
    assert note.by_name["id"].comment == "Behind the field."


def test_protos_in_hidden_folders_are_no_schema(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "wrong.proto").write_text("wrong")
    assert set(read(tmp_path, BOOK).resources) == {"lib.v1.Book"}
