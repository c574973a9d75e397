"""All that is wrong with a schema is found, at once, and at its place."""

import re
from functools import cache
from pathlib import Path

import pytest

from gateway.schema.diagnostics import Diagnostic, SchemaError, suggestion
from gateway.schema.protos.sources import compile_protos, load_descriptor_set
from gateway.schema.read import read_schema

WRONG = Path(__file__).parent / "wrong"


@cache
def found() -> tuple[Diagnostic, ...]:
    """Read all wrong files as one schema."""
    with pytest.raises(SchemaError) as caught:
        read_schema(compile_protos(WRONG))
    return caught.value.diagnostics


def expected(file: str) -> list[tuple[int, str]]:
    """Return what the file's own comments say is wrong: `// ! wrong ! wrong`, by line."""
    lines = (WRONG / file).read_text().splitlines()
    marked = ((number, line.partition("// ! ")[2]) for number, line in enumerate(lines, 1))
    return sorted((number, text.strip()) for number, texts in marked if texts for text in texts.split(" ! "))


@pytest.mark.parametrize("file", sorted(path.name for path in WRONG.glob("*.proto")))
def test_each_diagnostic_is_found_at_its_line(file: str) -> None:
    diagnostics = sorted(
        (diagnostic.line, diagnostic.wrong) for diagnostic in found() if diagnostic.file == file
    )
    matched = [
        (line, next((text for at, text in expected(file) if at == line and text in wrong), wrong))
        for line, wrong in diagnostics
    ]
    assert sorted(matched) == expected(file)


def test_every_diagnostic_says_what_would_be_right_where_a_name_is_near() -> None:
    rights = {diagnostic.wrong: diagnostic.right for diagnostic in found()}
    assert rights['primary_key: unknown column "idd"'] == 'did you mean "id"?'
    assert rights['index: unknown method "btre"'] == 'did you mean "btree"?'
    assert 'did you mean "uuid"?' in rights['no type for text is called "uuidd"']
    assert rights['works on no known resource ("Think")'].startswith('did you mean "Thing"?')


def test_a_name_like_no_other_gets_the_list() -> None:
    assert suggestion("zzz", ["b", "a"]) == "known: a, b"
    assert suggestion("zzz", map(str, range(1000, 1040))).endswith("…")
    assert suggestion("zzz", []) == ""


def test_the_report_is_sorted_one_paragraph_a_diagnostic() -> None:
    places = [(diagnostic.file, diagnostic.line) for diagnostic in found()]
    assert places == sorted(places)
    paragraphs = str(SchemaError(found())).split("\n\n")
    assert len(paragraphs) == len(found())
    assert re.match(r"columns\.proto:\d+: wrong\.columns\.Columns\.no_presence: has a default", paragraphs[0])


def test_every_diagnostic_has_a_place() -> None:
    assert all(diagnostic.file and diagnostic.line and diagnostic.where for diagnostic in found())


def test_diagnostics_of_protoc_have_places(tmp_path: Path) -> None:
    (tmp_path / "one.proto").write_text('syntax = "proto3";\nmessage A {\n  Nothing x = 1;\n}\n')
    (tmp_path / "two.proto").write_text(
        'syntax = "proto3";\nimport "not/there.proto";\nmessage B {}\nmessage B {}\n'
    )
    with pytest.raises(SchemaError) as caught:
        compile_protos(tmp_path)
    assert [
        (diagnostic.file, diagnostic.line, diagnostic.wrong) for diagnostic in caught.value.diagnostics
    ] == [
        ("one.proto", 3, '"Nothing" is not defined.'),
        ("two.proto", 2, 'Import "not/there.proto" was not found or had errors.'),
        ("two.proto", 4, '"B" is already defined.'),
    ]


def test_a_folder_without_protos_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SchemaError, match=r"holds no \.proto file"):
        compile_protos(tmp_path)
    with pytest.raises(SchemaError, match="is not a folder"):
        compile_protos(tmp_path / "missing")


def test_a_schema_without_tables_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.proto").write_text('syntax = "proto3";\nmessage A {}\n')
    with pytest.raises(SchemaError, match="no message is a table"):
        read_schema(compile_protos(tmp_path))


def test_a_descriptor_set_reads_as_its_protos_do(tmp_path: Path) -> None:
    protos = compile_protos(WRONG.parents[1] / "schemas" / "ledger")
    file = tmp_path / "set.binpb"
    file.write_bytes(protos.SerializeToString())
    again, schema = read_schema(load_descriptor_set(file)), read_schema(protos)
    assert list(again.resources) == list(schema.resources)
    assert list(again.services) == list(schema.services)


@pytest.mark.parametrize("content", [None, b"\xff\xff\xff"])
def test_a_file_that_is_no_descriptor_set_is_refused(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "set.binpb"
    if content:
        file.write_bytes(content)
    with pytest.raises(SchemaError, match="is no readable descriptor set"):
        load_descriptor_set(file)


def test_diagnostics_without_source_info_name_the_file() -> None:
    protos = compile_protos(WRONG)
    for file in protos.file:
        file.ClearField("source_code_info")
    with pytest.raises(SchemaError) as caught:
        read_schema(protos)
    assert {diagnostic.line for diagnostic in caught.value.diagnostics} == {0}
    assert str(caught.value.diagnostics[0]).startswith("columns.proto: wrong.columns.")


def test_fields_of_one_name_in_json_are_refused(tmp_path: Path) -> None:
    """In proto2 protoc lets them pass, with a warning."""
    (tmp_path / "seats.proto").write_text(
        'syntax = "proto2";\nmessage Seat {\n  optional int32 row2 = 1;\n  optional int32 row_2 = 2;\n}\n'
    )
    with pytest.raises(SchemaError, match=r"seats\.proto: protobuf can't read it: duplicate json_name"):
        read_schema(compile_protos(tmp_path))


LATIN_1 = """syntax = "proto3";
package seats.v1;
import "rowgate/v1/annotations.proto";
// A seat%s.
message Seat {
  option (rowgate.v1.table) = {primary_key: "id"};
  string id = 1;
  string row = 2 [(rowgate.v1.column).default = "'%s'"];
}
"""


@pytest.mark.parametrize(("comment", "default", "line"), [("\xe4", "", 4), ("", "\xe4", 8)])
def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path, comment: str, default: str, line: int) -> None:
    (tmp_path / "seats.proto").write_bytes((LATIN_1 % (comment, default)).encode("latin-1"))
    with pytest.raises(SchemaError) as caught:
        compile_protos(tmp_path)
    told = [(diagnostic.file, diagnostic.line, diagnostic.wrong) for diagnostic in caught.value.diagnostics]
    assert told == [("seats.proto", line, "is not UTF-8 (byte 0xe4)")]


def test_a_descriptor_set_with_a_comment_that_is_not_utf8(tmp_path: Path) -> None:
    """Other compilers pass it on, as protoc does."""
    (tmp_path / "seats.proto").write_text('syntax = "proto3";\n// 123456\nmessage Seat {}\n')
    content = compile_protos(tmp_path).SerializeToString().replace(b"123456", b"12\xe4456")
    (tmp_path / "set.binpb").write_bytes(content)
    with pytest.raises(SchemaError, match=r"seats\.proto:3: has a comment that is not UTF-8"):
        load_descriptor_set(tmp_path / "set.binpb")
