"""Services that are written for tables: served, clean to buf, and nothing that an author wrote is touched."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.cli import main
from gateway.proto_files.changes import Change, write
from gateway.proto_files.comments import METHODS
from gateway.proto_files.edits import Edits
from gateway.proto_files.services import READS, STANDARD
from gateway.scaffold import Wishes, scaffolded
from gateway.schema.diagnostics import SchemaError
from gateway.schema.model import MethodKind
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.services.requirements import WITHOUT_KEY
from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases
from tests.harness.gateway import client_of
from tests.pull.pulling import lint

ALL = Wishes(STANDARD)
HEAD = 'syntax = "proto3";\n\n// A shop.\npackage shop.v1;\n\nimport "rowgate/v1/annotations.proto";\n'
OPTION = '\noption go_package = "example.com/shop/v1;shopv1";\n'
STOCK = "shop/v1/stock_service.proto"
BOOK = """
// A book.
message Book {
  option (rowgate.v1.table) = {primary_key: "id"};

  // Its number.
  int64 id = 1 [(rowgate.v1.column).identity = true];
  // What it is called.
  string title = 2;
}
"""
LINE = """
// How many copies there are of a book in a place.
message Stock {
  option (rowgate.v1.table) = {
    primary_key: [
      "book_id",
      "place"
    ]
    version: "version"
    etag: "etag"
    soft_delete: "gone_at"
  };

  // Where that is.
  enum Place {
    // Not told.
    PLACE_UNSPECIFIED = 0;
    // On the shelf.
    PLACE_SHELF = 1;
  }

  // The book.
  int64 book_id = 1;
  // The place.
  Place place = 2;
  // How many.
  int32 number = 3;
  // Counts changes.
  int64 version = 4;
  // Changes with each change.
  string etag = 5;
  // When they were sold out.
  google.protobuf.Timestamp gone_at = 6;
}
"""


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    """Return a folder of two tables without services."""
    write_tables(tmp_path / "protos")
    return tmp_path / "protos"


def write_tables(folder: Path) -> None:
    """Write a folder of two tables."""
    (folder / "shop/v1").mkdir(parents=True)
    (folder / "shop/v1/book.proto").write_text(HEAD + OPTION + BOOK)
    timestamp = 'import "google/protobuf/timestamp.proto";\n'
    (folder / "shop/v1/stock.proto").write_text(
        HEAD.replace("import", f"{timestamp}import", 1) + OPTION + LINE
    )


def made(folder: Path, wishes: Wishes = ALL, *chosen: str) -> Sequence[Change]:
    """Scaffold a folder; return what changed."""
    found = scaffolded(folder, chosen or ["."], wishes)
    write(folder, found)
    return found


async def test_tables_are_served_by_what_is_written(protos: Path, databases: Databases) -> None:
    """All methods of a table with a number, and of one with a key of two fields, soft delete and etags."""
    assert [str(change) for change in made(protos)] == [
        "wrote shop/v1/book_service.proto",
        "wrote shop/v1/stock_service.proto",
    ]
    assert made(protos) == []
    descriptors = compile_protos(protos)
    assert lint(descriptors, protos) == ""
    schema = read_schema(descriptors)
    dsn = await databases.copy_of("scaffolded", build_tables(schema).metadata)
    assert {len(service.methods) for service in schema.services.values()} == {13, 14}
    async with client_of(descriptors, dsn) as client:
        book = await client.call("shop.v1.BookService/CreateBook", book={"title": "Ulysses"})
        assert (await client.call("shop.v1.BookService/GetBook", id=book.id)) == book
        key = {"book_id": book.id, "place": 1}
        sent = [{**key, "number": 3}]
        stored = await client.call("shop.v1.StockService/BulkUpsertStocks", stocks=sent)
        assert stored.inserted_count == 1
        asked = await client.call("shop.v1.StockService/BatchGetStocks", keys=[key])
        gone = await client.call("shop.v1.StockService/DeleteStock", **key, etag=asked.stocks[0].etag)
        assert gone.HasField("gone_at")
        shown = await client.call("shop.v1.StockService/ListStocks", page_size=5, show_deleted=True)
        assert [one.number for one in shown.stocks] == [3]


def test_methods_and_routes_are_chosen(protos: Path) -> None:
    """New methods have routes as the others have, unless flags say otherwise; batches bring their items."""
    made(protos, Wishes(READS, routes=False), "shop/v1/stock.proto")
    assert "google.api" not in (protos / STOCK).read_text()
    path = protos / "shop/v1/book_service.proto"
    made(protos, Wishes(READS), "shop/v1/book.proto")
    text = path.read_text().replace("/v1/books", "/api/titles")
    path.write_text(text)
    made(protos, Wishes((MethodKind.BATCH_CREATE,)), "shop")
    after = path.read_text()
    assert 'post: "/api/titles:batchCreate"' in after
    assert "message CreateBookRequest" in after
    assert "rpc CreateBook(" not in after
    assert is_within(text, after)
    assert "google.api" not in (protos / STOCK).read_text()
    books, stocks = read_schema(compile_protos(protos)).services.values()
    asked = {*READS, MethodKind.BATCH_CREATE}
    assert [{method.kind for method in one.standard_methods} for one in (books, stocks)] == [asked, asked]


def test_rows_without_a_key_are_only_read(protos: Path) -> None:
    file = protos / "shop/v1/book.proto"
    file.write_text(file.read_text().replace('primary_key: "id"', "managed: false"))
    made(protos, ALL, "shop/v1/book.proto")
    [service] = read_schema(compile_protos(protos)).services.values()
    assert {method.kind for method in service.standard_methods} == set(WITHOUT_KEY) & set(METHODS)


OLD = """\
// Written by hand.\r
syntax = "proto3";\r
package shop.v1;\r
import "shop/v1/stock.proto";  // the table\r
service Shelf {  // für Bücher\r
	rpc\tFetch ( FetchRequest )\r
		returns(Stock) { option (rowgate.v1.method).kind = METHOD_KIND_GET; }\r
	rpc ListStocks(ListStocksRequest) returns (ListStocksResponse);  // a page\r
}\r
import "rowgate/v1/annotations.proto";\r
message FetchRequest{int64 book_id=7;/* Ort */ Stock.Place place=8;}\r
message ListStocksRequest {\r
	reserved 3 to 5, 9; reserved "order_by";\r
	int32 page_size = 1; string page_token = 2;\r
	// Only these; « nur diese ».\r
	int64 book_id = 6;\r
}\r
message ListStocksResponse { repeated Stock found = 1; string next_page_token = 2; }\r
message UpdateStockRequest {}\r
"""


def test_what_an_author_wrote_stays(protos: Path) -> None:
    """By parts of other names, in a form of its own, with lines that end as on Windows."""
    path = protos / "shop/v1/hand.proto"
    path.write_bytes(OLD.encode())
    [change] = made(protos, ALL, "shop/v1/stock.proto")
    assert change.path == "shop/v1/hand.proto"
    assert path.read_bytes().decode() == change.after
    assert is_kept(OLD, change.after)
    assert change.after.count("\n") == change.after.count("\r\n")
    assert made(protos, ALL, "shop/v1/stock.proto") == []
    file = file_of(protos, "shop/v1/hand.proto")
    assert fields_of(file, "FetchRequest") == {"book_id": 7, "place": 8, "read_mask": 9}
    asked = {"page_size": 1, "page_token": 2, "book_id": 6, "filter": 10, "read_mask": 11, "show_deleted": 12}
    assert fields_of(file, "ListStocksRequest") == asked
    assert fields_of(file, "ListStocksResponse") == {"found": 1, "next_page_token": 2}
    assert list(fields_of(file, "UpdateStockRequest"))[:2] == ["stock", "update_mask"]
    assert [method.name for method in file.service[0].method][:4] == [
        "Fetch", "ListStocks", "CreateStock", "UpdateStock"
    ]  # fmt: skip


def test_a_new_field_of_the_key_follows(protos: Path) -> None:
    """It gets the next number in the requests that have the key; another column changes nothing."""
    made(protos)
    path = protos / "shop/v1/stock.proto"
    path.write_text(
        path.read_text()
        .replace('"place"\n', '"place",\n      "shelf"\n')
        .replace(
            "  // How many.\n",
            "  // The shelf.\n  string shelf = 7;\n  // When.\n  int64 day = 8;\n  // How many.\n",
        )
    )
    [change] = made(protos)
    assert is_within(change.before, change.after)
    file = file_of(protos, change.path)
    assert fields_of(file, "GetStockRequest") == {"book_id": 1, "place": 2, "read_mask": 3, "shelf": 4}
    assert fields_of(file, "StockKey") == {"book_id": 1, "place": 2, "shelf": 3}
    assert "day" not in change.after


def test_a_wrong_result_is_not_written(protos: Path) -> None:
    """A route of somebody else's stands in the way, and is told with its place."""
    path = protos / "shop/v1/other.proto"
    path.write_text(
        HEAD.replace("rowgate/v1/annotations", "google/api/annotations").replace(
            "import", 'import "shop/v1/book.proto";\nimport', 1
        )
        + "service Other {\n  rpc GetBook(GetBookRequest) returns (Book) {\n"
        + '    option (google.api.http).get = "/v1/stocks/{id}/{place}";\n  }\n}\n'
        + "message GetBookRequest {\n  int64 id = 1;\n  int32 place = 2;\n}\n"
    )
    before = {file: file.read_bytes() for file in protos.rglob("*.proto")}
    with pytest.raises(
        SchemaError, match=r"stock_service\.proto:\d+: shop\.v1\.StockService\.GetStock: .* is the route of"
    ):
        made(protos)
    assert {file: file.read_bytes() for file in protos.rglob("*.proto")} == before


def test_a_service_in_one_line(protos: Path) -> None:
    path = protos / "shop/v1/book.proto"
    old = path.read_text() + (
        "service Books { rpc GetBook(GetBookRequest) returns (Book); /* one */ }\n"
        "message GetBookRequest { int64 id = 1; }"
    )
    path.write_text(old)
    [change] = made(protos, ALL, "shop/v1/book.proto")
    assert is_kept(old, change.after)
    file = file_of(protos, "shop/v1/book.proto")
    assert [(one.name, len(one.method)) for one in file.service] == [("Books", 13)]
    assert fields_of(file, "GetBookRequest") == {"id": 1, "read_mask": 2}
    assert "google.api" not in change.after  # as GetBook has no route


def test_a_table_of_a_message_s_name_is_none(protos: Path) -> None:
    """`StockKey` is a table of its own: it isn't taken for the key of stocks, and the clash is told."""
    path = protos / "shop/v1/key.proto"
    path.write_text(HEAD + BOOK.replace("message Book", "message StockKey"))
    with pytest.raises(SchemaError, match=r'"shop\.v1\.StockKey" is already defined'):
        made(protos, ALL, "shop/v1/stock.proto")
    assert "place" not in path.read_text()


def test_the_command(protos: Path) -> None:
    """It tells what it wrote; `--check` only looks; paths and methods that there aren't are refused."""
    flags = ["scaffold", "--protos", str(protos), "--methods", "Get, BatchGet"]
    done = CliRunner().invoke(main, [*flags, "shop/v1/book.proto", "--check"])
    assert (done.exit_code, list(protos.rglob("book_*"))) == (1, [])
    assert "+  rpc BatchGetBooks(" in done.stdout
    assert done.stderr.endswith("something is missing; these would change: shop/v1/book_service.proto\n")
    done = CliRunner().invoke(main, [*flags, str(protos / "shop/v1/book.proto")])
    assert (done.exit_code, done.output) == (0, "wrote shop/v1/book_service.proto\n")
    done = CliRunner().invoke(main, [*flags, "shop/v1/book.proto", "--check"])
    assert (done.exit_code, done.output) == (0, "nothing is missing\n")
    for wrong, told in (
        ("shop/v2", "shop/v2 is neither here nor in"),
        (str(protos.parent), "is not in"),
        ("shop/v1/book_service.proto", "shop/v1/book_service.proto: no message is a table"),
    ):
        done = CliRunner().invoke(main, [*flags, wrong])
        assert done.exit_code == 2
        assert told in done.stderr
    done = CliRunner().invoke(main, [*flags, "--methods", "Fetch"])
    assert (done.exit_code, "Fetch: use all, read, or some of Get, List," in done.stderr) == (2, True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[FileDescriptorProto, str]:
    """Return a service's file as a scaffold writes it, and its text."""
    folder = tmp_path_factory.mktemp("whole") / "protos"
    write_tables(folder)
    made(folder)
    return file_of(folder, STOCK), (folder / STOCK).read_text()


FEW = settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given(data=st.data())
@FEW
def test_methods_come_back(protos: Path, whole: tuple[FileDescriptorProto, str], data: st.DataObject) -> None:
    """Byte for byte, wherever they were, with their messages."""
    file, text = whole
    (protos / STOCK).write_text(without(text, file, data.draw(methods_of(file))))
    made(protos, ALL, "shop/v1/stock.proto")
    assert (protos / STOCK).read_text() == text


@given(data=st.data())
@FEW
def test_fields_come_back(protos: Path, whole: tuple[FileDescriptorProto, str], data: st.DataObject) -> None:
    file, text = whole
    (protos / STOCK).write_text(without(text, file, data.draw(fields_in(file))))
    made(protos, ALL, "shop/v1/stock.proto")
    assert unnumbered(file_of(protos, STOCK)) == unnumbered(file)


def is_within(before: str, after: str) -> bool:
    """Return whether all lines of a text are in another, in their order."""
    lines = iter(after.splitlines(keepends=True))
    return all(line in lines for line in before.splitlines(keepends=True))


def is_kept(before: str, after: str) -> bool:
    """Return whether all characters of a text are in another, in their order, but for space between them."""
    letters = iter(after)
    return all(letter in letters for letter in before if not letter.isspace())


def file_of(folder: Path, path: str) -> FileDescriptorProto:
    """Return a file of a folder, compiled."""
    return next(file for file in compile_protos(folder).file if file.name == path)


def fields_of(file: FileDescriptorProto, message: str) -> dict[str, int]:
    """Return the numbers of a message's fields, by name."""
    [found] = [one for one in file.message_type if one.name == message]
    return {one.name: one.number for one in found.field}


@st.composite
def methods_of(draw: st.DrawFn, file: FileDescriptorProto) -> list[tuple[int, ...]]:
    """Draw methods of the file's service; return their places, and those of their own messages."""
    methods = draw(st.lists(st.sampled_from(range(len(file.service[0].method))), min_size=1, unique=True))
    left = {one.name for number, one in enumerate(file.service[0].method) if number not in methods}
    used = {f"{name}{end}" for name in left for end in ("Request", "Response")}
    items = {
        one.type_name.rpartition(".")[2]
        for message in file.message_type
        for one in message.field
        if message.name in used
    }
    names = {f"{file.service[0].method[at].name}{end}" for at in methods for end in ("Request", "Response")}
    messages = [at for at, one in enumerate(file.message_type) if one.name in names - items]
    return [*((6, 0, 2, at) for at in methods), *((4, at) for at in messages)]


@st.composite
def fields_in(draw: st.DrawFn, file: FileDescriptorProto) -> list[tuple[int, ...]]:
    """Draw fields of requests and responses; return their places."""
    places = [
        (4, at, 2, number)
        for at, message in enumerate(file.message_type)
        if message.name.endswith(("Request", "Response"))
        for number in range(len(message.field))
    ]
    return draw(st.lists(st.sampled_from(places), min_size=1, max_size=20, unique=True))


def without(text: str, file: FileDescriptorProto, paths: Sequence[tuple[int, ...]]) -> str:
    """Return a file's text without some of its elements."""
    edits = Edits(text, file)
    for path in paths:
        edits.remove(path)
    return str(edits)


def unnumbered(file: FileDescriptorProto) -> dict[str, set[tuple[str, str, int, int, str]]]:
    """Return what messages hold, without places and numbers."""
    return {
        message.name: {
            (one.name, one.type_name, one.type, one.label, str(one.options)) for one in message.field
        }
        for message in file.message_type
    }
