"""A SQL method that doesn't fit stops the start, with the place in the proto and what would be right."""

from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.introspect.sql_methods import with_queries
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.protos.sources import compile_texts
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from tests.cli.running import rowgate
from tests.harness.databases import Databases, fetch

HEAD = """syntax = "proto3";
package wrong.v1;
import "google/protobuf/empty.proto";
import "rowgate/v1/annotations.proto";
message Item {
  option (rowgate.v1.table) = {primary_key: "id"};
  int64 id = 1;
  string name = 2;
  optional string note = 3;
  int64 amount = 4;
}
message Secret {
  option (rowgate.v1.table) = {primary_key: "id" policy: {read: "owner = principal.id"}};
  int64 id = 1;
  string owner = 2;
}
message Kept {
  option (rowgate.v1.table) = {primary_key: "id" audit: AUDIT_ROWS};
  int64 id = 1;
  string hidden = 2 [(rowgate.v1.column).access.read = "clerk"];
}
message Asked { int64 id = 1; }
message Named { string name = 1; }
message Count { int64 affected_rows = 1; }
message Small { int32 small = 1; }
message Pair { Named item = 1; int64 amount = 2; }
"""
FIRST = HEAD.count("\n") + 1


def schema_with(rest: str) -> FileDescriptorSet:
    return compile_texts({"wrong.proto": HEAD + rest})


def method(query: str, rpc: str = "rpc Do(Asked) returns (Named)", more: str = "") -> str:
    """Return a service of one method, whose query begins on its third line, in the twelfth column."""
    return (
        f"service S {{ {rpc} {{\n  option (rowgate.v1.method).sql = {{\n"
        f'   query: "{query}"\n   {more}\n  }};\n }} }}\n'
    )


@dataclass(frozen=True)
class Wrong:
    """A method that isn't served.

    Args:
        rest: what stands behind HEAD.
        says: what the diagnostic says.
        right: what it says would be right.
        at: which piece of the query its place is; that of the whole method where there is none.

    """

    rest: str
    says: str
    right: str
    at: str = ""


QUERY_LINE, QUERY_COLUMN = FIRST + 2, 12

BY_THE_DATABASE = {
    "syntax": Wrong(
        method("SELECT name FORM item WHERE id = :id"), 'syntax error at or near "item"', "", "item"
    ),
    "a column that isn't there": Wrong(
        method("SELECT nme AS name FROM item WHERE id = :id"),
        'column "nme" does not exist',
        'Perhaps you meant to reference the column "item.name".',
        "nme",
    ),
    "a table that isn't there": Wrong(
        method("SELECT name FROM items WHERE id = :id"), 'relation "items" does not exist', "", "items"
    ),
    "a parameter's type": Wrong(
        method("SELECT name FROM item WHERE name = :id"),
        ":id is text in the query, and wrong.v1.Asked.id is int64: a whole number can't be stored as text",
        "declare the field string, or cast :id",
        ":id",
    ),
    "a parameter's type that nothing tells": Wrong(
        method("SELECT name FROM item WHERE :id IS NULL"),
        "could not determine data type of parameter $1",
        "say the type where the parameter stands first: :name::text",
        "",
    ),
    "a column's type": Wrong(
        method("SELECT amount AS name FROM item WHERE id = :id"),
        'column "name" is bigint, and wrong.v1.Named.name is string: a string can\'t be stored as bigint',
        'declare the field int64, or cast "name"',
        "name",
    ),
    "a column's width": Wrong(
        method("SELECT amount AS small FROM item WHERE id = :id", "rpc Do(Asked) returns (Small)"),
        'column "small" is bigint, and wrong.v1.Small.small is int32: it doesn\'t hold all numbers of bigint',
        'declare the field int64, or cast "small"',
        "small",
    ),
    "a column's name": Wrong(
        method("SELECT name AS nam FROM item WHERE id = :id"),
        'column "nam" is no field of wrong.v1.Named',
        'name it AS a field\'s. did you mean "name"?',
        "nam FROM",
    ),
    "a field without a column": Wrong(
        method("SELECT amount FROM item WHERE id = :id", "rpc Do(Asked) returns (Pair)"),
        "the query has no column for wrong.v1.Pair.item",
        'add it: … AS "item", or leave the field out',
        "SELECT",
    ),
    "a column that may be NULL": Wrong(
        method("SELECT note AS name FROM item WHERE id = :id"),
        'column "name" may be NULL, for all that is known, and wrong.v1.Named.name can\'t say so',
        'declare the field optional, or name the column in not_null: "name"',
        "name",
    ),
    "a column that a join may leave NULL": Wrong(
        method("SELECT b.name FROM item a LEFT JOIN item b ON b.id = a.amount WHERE a.id = :id"),
        'column "name" may be NULL, for all that is known, and wrong.v1.Named.name can\'t say so',
        'declare the field optional, or name the column in not_null: "name"',
        "name",
    ),
    "not_null of nothing": Wrong(
        method("SELECT name FROM item WHERE id = :id", more='not_null: "nam"'),
        'not_null: the query has no column "nam"',
        'did you mean "name"?',
        "SELECT",
    ),
    "a query that writes": Wrong(
        method("DELETE FROM item WHERE id = :id RETURNING name"),
        "the query changes or locks rows",
        "say writes: true",
        "DELETE",
    ),
    "no query": Wrong(
        method(
            "TRUNCATE item", "rpc Do(google.protobuf.Empty) returns (google.protobuf.Empty)", "writes: true"
        ),
        'syntax error at or near "TRUNCATE"',
        "a method runs one SELECT, VALUES, INSERT, UPDATE, DELETE or MERGE",
        "TRUNCATE",
    ),
    "columns that nothing holds": Wrong(
        method(
            "DELETE FROM item WHERE id = :id RETURNING id", "rpc Do(Asked) returns (Count)", "writes: true"
        ),
        "the query returns columns, and the response holds none",
        "leave RETURNING out, or return a message with their names",
        "DELETE",
    ),
    "a table with a policy": Wrong(
        method("SELECT owner AS name FROM secret WHERE id = :id"),
        "public.secret has a policy of its rows, which doesn't hold in the query",
        "say policy: BYPASS",
        "secret",
    ),
    "a view of a table with a policy": Wrong(
        method("SELECT owner AS name FROM secrets WHERE id = :id", more='not_null: "name"'),
        "public.secret has a policy of its rows, which doesn't hold in the query",
        "say policy: BYPASS",
        "SELECT",
    ),
    "a copy of a table with a policy": Wrong(
        method("SELECT owner AS name FROM copied WHERE id = :id", more='not_null: "name"'),
        "public.secret has a policy of its rows, which doesn't hold in the query",
        "say policy: BYPASS",
        "SELECT",
    ),
    "a function that may read anything": Wrong(
        method("SELECT owner_of(:id) AS name", more='not_null: "name"'),
        "the query calls public.owner_of: what that reads can't be told, and some tables have policies",
        "say policy: BYPASS",
        "SELECT",
    ),
    "a table with columns of some": Wrong(
        method("SELECT hidden AS name FROM kept WHERE id = :id"),
        "public.kept has columns that aren't everybody's, which doesn't hold in the query",
        "say policy: BYPASS",
        "kept",
    ),
    "an audited table": Wrong(
        method(
            "DELETE FROM kept WHERE id = :id", "rpc Do(Asked) returns (Count)", "writes: true policy: BYPASS"
        ),
        "the query writes public.kept, which is audited, and changes by queries aren't",
        "change it by the standard methods",
        "kept",
    ),
}

BY_THE_SCHEMA = {
    "an unknown parameter": Wrong(
        method("SELECT name FROM item WHERE id = :idd OR id = :id"),
        ":idd names no field of wrong.v1.Asked",
        'did you mean "id"?',
        ":idd",
    ),
    "nothing of the caller": Wrong(
        method("SELECT name FROM item WHERE id = :id AND name = :principal.name"),
        ":principal.name is nothing of the caller",
        ":principal.id, :principal.kind, :principal.roles and :principal.claims.NAME are the caller",
        ":principal.name",
    ),
    "several statements": Wrong(
        method("SELECT name FROM item WHERE id = :id; SELECT 1"),
        "the query holds several statements",
        "a method has one",
        "SELECT 1",
    ),
    "a string that isn't closed": Wrong(
        method("SELECT name FROM item WHERE id = :id AND name = 'x"),
        "' isn't closed",
        "close the string or identifier",
        "'x",
    ),
    "a numbered parameter": Wrong(
        method("SELECT name FROM item WHERE id = $1 OR id = :id"), "$1 names no field", "write :name", "$1"
    ),
    "an empty query": Wrong(
        method("  "), "the query is empty", "write a SELECT, an INSERT, an UPDATE or a DELETE", "  "
    ),
}

OF_THE_METHOD = {
    "a field that isn't used": Wrong(
        method("SELECT name FROM item WHERE id = 1"),
        "isn't used in the query of Do",
        "use :id in it, or leave the field out",
    ),
    "nothing at all": Wrong(
        method("SELECT name FROM item WHERE id = :id", "rpc Do(Asked) returns (google.protobuf.Empty)"),
        "returns nothing and writes nothing",
        "say writes: true, or return the message of a row",
    ),
    "a stream of writes": Wrong(
        method(
            "UPDATE item SET name = '' WHERE id = :id RETURNING name",
            "rpc Do(Asked) returns (stream Named)",
            "writes: true",
        ),
        "streams what it writes: no client could tell what is committed",
        "return one response",
    ),
    "a stream of requests": Wrong(
        method("SELECT name FROM item WHERE id = :id", "rpc Do(stream Asked) returns (stream Named)"),
        "takes a stream, which a query doesn't",
        "declare a single request",
    ),
    "two kinds": Wrong(
        method("SELECT name FROM item WHERE id = :id").replace(
            "option", "option (rowgate.v1.method).kind = METHOD_KIND_GET; option", 1
        ),
        "has a query, and the kind or resource of a standard method",
        "leave one of them out",
    ),
    "too many rows": Wrong(
        method("SELECT name FROM item WHERE id = :id", more="max_rows: 5"),
        "max_rows is for a response with a repeated field of rows alone",
        "leave it out",
    ),
}


@pytest.fixture(scope="module")
async def dsn(databases: Databases) -> str:
    """Return a database with HEAD's tables, and what others made of them."""
    made = await databases.copy_of("wrong", build_tables(read_schema(schema_with(""))).metadata)
    await fetch(made, "CREATE VIEW secrets AS SELECT * FROM secret")
    await fetch(made, "CREATE MATERIALIZED VIEW copied AS SELECT * FROM secrets")
    owner = "SELECT owner FROM secret WHERE id = $1"
    await fetch(
        made, f"CREATE FUNCTION owner_of(bigint) RETURNS text LANGUAGE sql SECURITY DEFINER AS '{owner}'"
    )
    return made


async def refused(dsn: str, rest: str) -> Diagnostic:
    """Return the one diagnostic of a schema."""
    with pytest.raises(SchemaError) as error:
        await with_queries(lambda: asyncpg.connect(dsn), read_schema(schema_with(rest)))
    (diagnostic,) = error.value.diagnostics
    return diagnostic


@pytest.mark.parametrize("case", BY_THE_DATABASE.values(), ids=BY_THE_DATABASE)
async def test_what_the_database_refuses_has_its_place_in_the_proto(dsn: str, case: Wrong) -> None:
    told = await refused(dsn, case.rest)
    assert told.wrong == case.says
    assert told.right.startswith(case.right)
    _is_at(told, case)


@pytest.mark.parametrize("case", BY_THE_SCHEMA.values(), ids=BY_THE_SCHEMA)
def test_what_the_query_says_wrongly_has_its_place(case: Wrong) -> None:
    with pytest.raises(SchemaError) as error:
        read_schema(schema_with(case.rest))
    told = error.value.diagnostics[-1]
    assert (told.wrong, told.right) == (case.says, case.right)
    _is_at(told, case)


@pytest.mark.parametrize("case", OF_THE_METHOD.values(), ids=OF_THE_METHOD)
def test_what_the_method_says_wrongly_is_told(case: Wrong) -> None:
    with pytest.raises(SchemaError) as error:
        read_schema(schema_with(case.rest))
    (told,) = error.value.diagnostics
    assert (told.wrong, told.right) == (case.says, case.right)
    assert told.line


def _is_at(told: Diagnostic, case: Wrong) -> None:
    """Check that the diagnostic's line and column are those of a piece of the file."""
    lines = (HEAD + case.rest).split("\n")
    assert (told.file, told.where) == ("wrong.proto", "wrong.v1.S.Do")
    assert case.at in lines[told.line - 1]
    if case.at:
        assert lines[told.line - 1][told.column - 1 :].startswith(case.at), str(told)


async def test_a_place_is_told_in_literals_of_several_lines_and_with_escapes(dsn: str) -> None:
    rest = method('SELECT name"\n     " FROM \\"item\\" WHERE nowhere = :id')
    told = await refused(dsn, rest)
    lines = (HEAD + rest).split("\n")
    assert told.wrong == 'column "nowhere" does not exist'
    assert lines[told.line - 1][told.column - 1 :].startswith("nowhere")
    assert str(told).startswith(f"wrong.proto:{told.line}:{told.column}: wrong.v1.S.Do: ")


async def test_a_place_is_told_of_an_option_in_short(dsn: str) -> None:
    text = 'option (rowgate.v1.method).sql.query = "SELECT nme AS name FROM item WHERE id = :id";'
    rest = f"service S {{ rpc Do(Asked) returns (Named) {{ {text} }} }}\n"
    told = await refused(dsn, rest)
    assert (told.line, told.column) == (FIRST, rest.index("nme") + 1)


async def test_a_descriptor_set_without_places_tells_the_method(dsn: str) -> None:
    files = schema_with(method("SELECT nme FROM item WHERE id = :id"))
    for file in files.file:
        file.ClearField("source_code_info")
    with pytest.raises(SchemaError, match=r"wrong\.proto: wrong\.v1\.S\.Do: column"):
        await with_queries(lambda: asyncpg.connect(dsn), read_schema(files))


async def test_fields_of_a_resource_that_are_not_stored_need_no_column(dsn: str) -> None:
    item = """message Tagged {
  option (rowgate.v1.table) = {name: "item" primary_key: "id" version: "amount" etag: "etag"};
  int64 id = 1;
  string name = 2;
  optional string note = 3;
  int64 amount = 4;
  string etag = 5;
}
"""
    rest = item + method("SELECT * FROM item WHERE id = :id", "rpc Do(Asked) returns (Tagged)")
    alone = HEAD.replace("message Item {", "message Gone {").replace(
        'primary_key: "id"};', 'primary_key: "id" name: "gone"};', 1
    )
    files = compile_texts({"wrong.proto": alone + rest})
    await with_queries(lambda: asyncpg.connect(dsn), read_schema(files))


async def test_policies_are_bypassed_where_the_author_says_so(dsn: str) -> None:
    rest = method(
        "SELECT owner AS name FROM secret WHERE id = :id AND owner = :principal.id", more="policy: BYPASS"
    )
    schema = await with_queries(lambda: asyncpg.connect(dsn), read_schema(schema_with(rest)))
    assert schema.services["wrong.v1.S"].methods[0].kind_name == "SQL"


async def test_row_level_security_stands_in_for_policies_of_rows(dsn: str) -> None:
    rest = method("SELECT owner AS name FROM secret WHERE id = :id")
    await fetch(dsn, "ALTER TABLE secret ENABLE ROW LEVEL SECURITY")
    try:
        await with_queries(lambda: asyncpg.connect(dsn), read_schema(schema_with(rest)), ())
        assert "policy" in (await refused(dsn, rest)).wrong
    finally:
        await fetch(dsn, "ALTER TABLE secret DISABLE ROW LEVEL SECURITY")


async def test_serve_ends_with_the_place_of_what_is_wrong(dsn: str, tmp_path: Path) -> None:
    wrong = BY_THE_DATABASE["a column that isn't there"]
    (tmp_path / "wrong.proto").write_text(HEAD + wrong.rest)
    flags = ("--dsn", dsn, "--log-level", "error", "--listen", "127.0.0.1:0")
    status, out, errors = await rowgate("serve", "--protos", str(tmp_path), *flags)
    lines = (HEAD + wrong.rest).split("\n")
    line = next(i for i, text in enumerate(lines) if "SELECT nme" in text)
    assert (status, out) == (2, "")
    assert f"wrong.proto:{line + 1}:{lines[line].index('nme') + 1}: wrong.v1.S.Do: {wrong.says}" in errors
    assert wrong.right in errors
