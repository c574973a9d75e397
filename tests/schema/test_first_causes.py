"""One mistake in a table is told by one error with its line, without what follows from it in its service."""

from pathlib import Path

import pytest

from gateway.proto_files.changes import Change, write
from gateway.proto_files.services import STANDARD
from gateway.scaffold import Wishes, project_files, scaffolded
from gateway.schema.diagnostics import SchemaError
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema

NAME = "string name = 2;"
IDENTITY = "(rowgate.v1.column).identity"
TABLE = "shop/v1/item.proto"
SERVICE = "shop/v1/item_service.proto"


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    """Make a new project; return the folder of its protos."""
    write(tmp_path, [Change(path, "", text) for path, text in project_files("shop").items()])
    folder = tmp_path / "protos"
    write(folder, scaffolded(folder, ["."], Wishes(STANDARD)))
    return folder


def told(folder: Path) -> list[str]:
    """Return what is wrong with the schema of a folder."""
    with pytest.raises(SchemaError) as caught:
        read_schema(compile_protos(folder))
    return [str(one) for one in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("was", "becomes", "line", "words"),
    [
        (NAME, "string name = 2", 16, 'Expected ";".'),
        (NAME, "strnig name = 2;", 15, '"strnig" is not defined.\n  did you mean "string"?'),
        (NAME, "Colour name = 2;", 15, '"Colour" is not defined.'),
        (
            NAME,
            "google.protobuf.Timestamp made = 2;",
            15,
            '"google.protobuf.Timestamp" is not defined.\n  add import "google/protobuf/timestamp.proto";',
        ),
        (NAME, "string name = 1;", 15, "Field number 1 has already been used"),
        ("primary_key:", "primary_keys:", 10, 'did you mean "primary_key"?'),
        (IDENTITY, "(rowgate.v1.column).identiti", 13, 'identiti" unknown.\n  did you mean "identity"?'),
        ("(rowgate.v1.table)", "(rowgate.v1.tabel)", 10, 'tabel)" unknown.\n  did you mean "table"?'),
        ("v1/annotations", "v1/anotations", 6, 'did you mean "rowgate/v1/annotations.proto"?'),
        ('"id"', '"sku"', 9, 'shop.v1.Item: primary_key: unknown column "sku"'),
        ("int64 id", "string id", 13, "shop.v1.Item.id: is an identity of type text"),
    ],
)
def test_a_mistake_is_told_once_at_its_place(
    protos: Path, was: str, becomes: str, line: int, words: str
) -> None:
    file = protos / TABLE
    text = file.read_text()
    assert was in text
    file.write_text(text.replace(was, becomes))
    (error,) = told(protos)
    assert error.startswith(f"{TABLE}:{line}: ")
    assert words in error


def test_what_has_no_import_is_told_the_import(protos: Path) -> None:
    file = protos / TABLE
    file.write_text(file.read_text().replace('import "rowgate/v1/annotations.proto";', ""))
    right = '" unknown.\n  add import "rowgate/v1/annotations.proto";'
    assert told(protos) == [
        f'{TABLE}:{line}: Option "(rowgate.v1.{name}){right}'
        for line, name in ((10, "table"), (13, "column"))
    ]


def test_a_name_that_is_gone_is_told_once_a_file(protos: Path) -> None:
    file = protos / TABLE
    file.write_text(file.read_text().replace("message Item {", "message Thing {"))
    (error,) = told(protos)
    assert error == f'{SERVICE}:18: "Item" is not defined.\n  11 more lines of the file name it'


def test_a_mistake_of_its_own_is_told_beside_what_follows_from_another(protos: Path) -> None:
    for file, was, becomes in (
        (TABLE, NAME, "string name;"),
        (SERVICE, "int32 page_size", "int23 page_size"),
    ):
        (protos / file).write_text((protos / file).read_text().replace(was, becomes))
    table, service = told(protos)
    assert table == f"{TABLE}:15: Missing field number."
    assert service.partition(": ")[2] == '"int23" is not defined.\n  did you mean "int32"?'
