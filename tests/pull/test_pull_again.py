"""A second pull: it follows the tables, keeps what the protos' author wrote, and says what breaks clients."""

import difflib
import re
from pathlib import Path
from typing import Any

import pytest

from gateway.pull import Pulled
from gateway.schema.protos.sources import compile_protos
from tests.harness.databases import Databases
from tests.harness.gateway import client_of
from tests.pull.pulling import breaking, command, lint, pulled, run

TABLES = (
    "CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, joined date)",
    "CREATE TYPE state AS ENUM ('open', 'paid')",
    """CREATE TABLE orders (
        id int PRIMARY KEY, customer_id int REFERENCES customers, total numeric(10,2) NOT NULL,
        placed timestamptz, secret text, note varchar(20) NOT NULL, state state NOT NULL, lock int NOT NULL
    )""",
)
RESOURCES = "shop/public/v1/resources.proto"
ENUMS = "shop/public/v1/enums.proto"
SERVICE = "shop/public/v1/order_service.proto"
# Another order than a pull's, comments, a type that fits as well, an etag, and no `secret`.
WORKED_ON = """\
// Written by `rowgate pull`, which follows the database and keeps what you change here.
syntax = "proto3";

// What the shop sells, and to whom.
package shop.public.v1;

import "google/protobuf/timestamp.proto";
import "google/type/date.proto";
import "rowgate/v1/annotations.proto";
import "shop/public/v1/enums.proto";

option go_package = "example.com/shop/v1;shopv1";

/*
 * What somebody bought,
 * in one go.
 */
message Order {
  option (rowgate.v1.table) = {
    name: "orders" // in the plural
    primary_key: "id"
    version: "lock", etag: "etag"
    managed: false
  };

  int32 id = 1;

  // -- money --

  // Without taxes.
  string total = 3 [deprecated = true, (rowgate.v1.column) = {type: "numeric(10,2)"}];

  // -- the rest --

  // Who bought it.
  optional int32 customer_id = 2 [(rowgate.v1.column).references = {table: "customers"}];
  // The column `placed`: timestamp with time zone.
  google.protobuf.Timestamp placed = 4;
\t// For the courier.
\tstring  remark = 6 [(rowgate.v1.column) = {name: "note" length: 20}]; // not the customer's
  State state = 7 [(rowgate.v1.column).enum_type = "public.state"];
  int32 lock = 8;
  // Changes with every change.
  string etag = 9;
}

// A row of the table `customers`.
message Customer {
  option (rowgate.v1.table) = {
    name: "customers"
    primary_key: "id"
    managed: false
  };
  reserved 4; // never used

  // The column `id`: integer.
  int32 id = 1;
  // The column `name`: text.
  string name = 2;
  // The column `joined`: date.
  google.type.Date joined = 3;
}
"""
METHOD = """\
  // By its number.
  rpc FindOrder(GetOrderRequest) returns (Order) {
    option (rowgate.v1.method).kind = METHOD_KIND_GET;
  }
"""
FITTING = (
    "ALTER TABLE orders ADD paid timestamptz, ALTER note TYPE varchar(30), ALTER total TYPE numeric(12,2)",
    "ALTER TABLE orders ALTER lock SET DEFAULT 1, ALTER customer_id SET NOT NULL, ADD UNIQUE (placed)",
    "ALTER TABLE customers DROP joined, ADD joined date",
    "COMMENT ON COLUMN orders.total IS 'With taxes.'",
    "COMMENT ON COLUMN orders.placed IS 'When.'",
    "ALTER TYPE state ADD VALUE 'lost'",
    "CREATE TABLE items (id int PRIMARY KEY, at time)",
)
FITTED = """\
+import "google/type/timeofday.proto";
-    name: "orders" // in the plural
+    name: "orders"
-    version: "lock", etag: "etag"
+    unique: {
+      columns: "placed"
+      name: "orders_placed_key"
+    }
+    version: "lock"
+    etag: "etag"
-  string total = 3 [deprecated = true, (rowgate.v1.column) = {type: "numeric(10,2)"}];
+  string total = 3 [
+    deprecated = true,
+    (rowgate.v1.column).type = "numeric(12,2)"
+  ];
-  // The column `placed`: timestamp with time zone.
+  // When.
-\tstring  remark = 6 [(rowgate.v1.column) = {name: "note" length: 20}]; // not the customer's
+\tstring remark = 6 [(rowgate.v1.column) = {
+    name: "note"
+    length: 30
+  }]; // not the customer's
+  // The column `paid`: timestamp with time zone.
+  google.protobuf.Timestamp paid = 10;
+
+// A row of the table `items`.
+message Item {
+  option (rowgate.v1.table) = {
+    name: "items"
+    primary_key: "id"
+    managed: false
+  };
+
+  // The column `id`: integer.
+  int32 id = 1;
+  // The column `at`: time without time zone.
+  google.type.TimeOfDay at = 2;
+}
"""
BREAKING = (
    "DROP TABLE items",
    "ALTER TABLE orders DROP placed, DROP paid, ALTER lock TYPE bigint",
    "ALTER TABLE customers ALTER name DROP NOT NULL, DROP joined",
)
BROKEN = """\
-import "google/protobuf/timestamp.proto";
-import "google/type/date.proto";
-import "google/type/timeofday.proto";
-    unique: {
-      columns: "placed"
-      name: "orders_placed_key"
-    }
+
+  reserved 4, 10;
+  reserved "paid", "placed";
-  // When.
-  google.protobuf.Timestamp placed = 4;
-  int32 lock = 8;
+  int64 lock = 8;
-  // The column `paid`: timestamp with time zone.
-  google.protobuf.Timestamp paid = 10;
-  reserved 4; // never used
+  reserved 3, 4;
+  reserved "joined"; // never used
-  string name = 2;
-  // The column `joined`: date.
-  google.type.Date joined = 3;
+  optional string name = 2;
-
-// A row of the table `items`.
-message Item {
-  option (rowgate.v1.table) = {
-    name: "items"
-    primary_key: "id"
-    managed: false
-  };
-
-  // The column `id`: integer.
-  int32 id = 1;
-  // The column `at`: time without time zone.
-  google.type.TimeOfDay at = 2;
-}
"""
SAFE = (
    "ALTER TABLE customers ADD size int, ALTER joined SET NOT NULL, ALTER name TYPE varchar(50)",
    "ALTER TABLE customers RENAME name TO called",
    "ALTER TABLE customers RENAME TO buyers",
    "ALTER TABLE buyers ALTER id ADD GENERATED ALWAYS AS IDENTITY",
    "ALTER TABLE orders ALTER note TYPE varchar(30), ALTER lock SET DEFAULT 1",
)
RENAMES = ("customers.name=called", "public.customers=buyers")
UNSAFE = (
    "ALTER TABLE buyers ALTER size TYPE text, ALTER called DROP NOT NULL, ALTER id TYPE bigint",
    "ALTER TABLE buyers RENAME joined TO since",
    "ALTER TYPE state RENAME VALUE 'paid' TO 'done'",
    "DROP TABLE items",
)


class Shop:
    """A database, and the folder of its protos."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self.dsn = dsn
        self.folder = folder

    def text(self, path: str = RESOURCES) -> str:
        """Return the text of a file."""
        return (self.folder / path).read_text()

    def edit(self, path: str, *pairs: tuple[str, str]) -> None:
        """Change a file by hand."""
        text = self.text(path)
        for old, new in pairs:
            assert old in text, old
            text = text.replace(old, new)
        (self.folder / path).write_text(text)

    async def pull(self, *statements: str, **choices: Any) -> Pulled:
        """Change the database, and pull it."""
        await run(self.dsn, *statements)
        return (await pulled(self.dsn, self.folder, **choices))[0]

    async def difference(self, *statements: str, path: str = RESOURCES, **choices: Any) -> list[str]:
        """Return which lines of a file another pull takes away and adds."""
        before = self.text(path)
        await self.pull(*statements, **choices)
        lines = difflib.unified_diff(before.splitlines(), self.text(path).splitlines(), n=0)
        return [line for line in list(lines)[2:] if not line.startswith("@@")]

    def image(self, name: str) -> Path:
        """Return the protos as buf takes them."""
        image = self.folder.parent / f"{name}.binpb"
        image.write_bytes(compile_protos(self.folder).SerializeToString())
        return image


@pytest.fixture
async def shop(databases: Databases, tmp_path: Path) -> Shop:
    """Return a shop that was pulled once, whose protos were worked on."""
    made = Shop(await databases.empty(), tmp_path / "protos")
    await made.pull(*TABLES, package="shop")
    (made.folder / RESOURCES).write_text(WORKED_ON)
    made.edit(
        SERVICE, ("/v1/orders/{id}", "/v2/orders/{id}"), ("  rpc DeleteOrder(", f"{METHOD}  rpc DeleteOrder(")
    )
    made.edit(
        SERVICE,
        ('import "rowgate/v1/bulk', 'import "rowgate/v1/annotations.proto";\nimport "rowgate/v1/bulk'),
    )
    return made


async def test_what_the_author_wrote_stays_byte_for_byte(shop: Shop) -> None:
    """Comments, names, types that fit as well, options, order, methods, routes, and what was taken out."""
    before = {path: path.read_bytes() for path in shop.folder.rglob("*.*")}
    found = await shop.pull()
    assert {path: path.read_bytes() for path in shop.folder.rglob("*.*")} == before
    assert found.broken == []
    assert [(one.name, one.why) for one in found.report.columns] == [
        ("public.orders.secret", "taken out of the protos")
    ]
    async with client_of(compile_protos(shop.folder), shop.dsn) as client:
        customer = {"id": 1, "name": "Ann"}
        await client.call("shop.public.v1.CustomerService/CreateCustomer", customer=customer)
        await client.call(
            "shop.public.v1.OrderService/CreateOrder", order={"id": 7, "total": "2.50", "state": 1}
        )
        found = await client.call("shop.public.v1.OrderService/FindOrder", id=7)
    assert (found.total, found.lock, bool(found.etag)) == ("2.50", 1, True)


async def test_only_what_the_database_changed_is_edited(shop: Shop) -> None:
    assert await shop.difference(*FITTING) == FITTED.splitlines()
    assert "  STATE_LOST = 3 [" in shop.text(ENUMS)
    assert await shop.difference(*BREAKING) == BROKEN.splitlines()
    assert not (shop.folder / "shop/public/v1/item_service.proto").exists()
    assert await shop.difference() == []


async def test_buf_agrees_with_what_breaks_clients(databases: Databases, tmp_path: Path) -> None:
    shop = Shop(await databases.empty(), tmp_path / "protos")
    await shop.pull(*TABLES, "CREATE TABLE items (id int PRIMARY KEY)", package="shop", methods="read")
    first = shop.image("first")
    found = await shop.pull(*SAFE, renames=RENAMES)
    second = shop.image("second")
    assert (found.broken, breaking(first, second)) == ([], "")
    found = await shop.pull(*UNSAFE)
    said = breaking(second, shop.image("third"))
    told = "\n".join(found.broken)
    fields = set(re.findall(r"field shop\.public\.v1\.(\w+)\.(\w+) ", told))
    assert fields == {
        (message, field) for field, message in re.findall(r'with name "(\w+)" on message "(\w+)"', said)
    }
    assert {("Customer", name) for name in ("id", "name", "joined", "size")} < fields
    for sentence, line in (
        (
            "value STATE_PAID of enum shop.public.v1.State is dropped",
            'enum value "2" on enum "State" was deleted',
        ),
        ("message shop.public.v1.Item is dropped", 'message "Item" was deleted'),
        ("method shop.public.v1.ItemService.GetItem is dropped", 'file "shop/public/v1/item_service.proto"'),
    ):
        assert (sentence in told, line in said) == (True, True)
    third = shop.image("third")
    found = await shop.pull("ALTER TYPE state RENAME VALUE 'done' TO 'paid'")
    said = breaking(third, shop.image("fourth"))
    assert found.broken == ["value STATE_DONE of enum shop.public.v1.State is dropped"]
    assert said.count("\n") == 1, said
    assert 'STATE_PAID_2 = 4 [(rowgate.v1.enum_value).label = "paid"];' in shop.text(ENUMS)
    assert lint(compile_protos(shop.folder), shop.folder) == ""


async def test_what_breaks_clients_is_written_by_a_flag(databases: Databases, tmp_path: Path) -> None:
    shop = Shop(await databases.empty(), tmp_path / "protos")
    await shop.pull("CREATE TABLE customers (id int PRIMARY KEY, name text, size int)", package="shop")
    await run(shop.dsn, "ALTER TABLE customers RENAME size TO height", "ALTER TABLE customers ADD at date")
    before = {path: path.read_bytes() for path in shop.folder.rglob("*.*")}
    flags = ("pull", "--dsn", shop.dsn, "--out", str(shop.folder))
    status, told, errors = await command(*flags)
    assert (status, errors) == (
        1,
        "Error: clients would break, so nothing was written; --allow-breaking does it\n",
    )
    assert told.splitlines()[:2] == [
        "would break clients:",
        "  field shop.public.v1.Customer.size is dropped",
    ]
    assert {path: path.read_bytes() for path in shop.folder.rglob("*.*")} == before
    status, _, errors = await command(*flags, "--rename", "customers.sise=height")
    assert (status, "names no table or column of the protos" in errors) == (2, True)
    status, _, errors = await command(*flags, "--rename", "customers.size=width")
    assert (status, "the database has no width" in errors) == (2, True)
    status, told, errors = await command(*flags, "--rename", "customers.size=height")
    assert (status, errors) == (0, "")
    assert 'optional int32 size = 3 [(rowgate.v1.column).name = "height"];' in shop.text()
    await run(shop.dsn, "ALTER TABLE customers DROP height")
    status, told, _ = await command(*flags, "--allow-breaking")
    assert (status, "wrote shop/public/v1/resources.proto" in told) == (0, True)
    assert '  reserved 3;\n  reserved "size";\n' in shop.text()


async def test_methods_follow_the_privileges_of_the_role(databases: Databases, tmp_path: Path) -> None:
    """Those that come are added, and those that go take what is theirs alone with them."""
    dsn = await databases.empty()
    role = dsn.rpartition("/")[2].partition("?")[0] + "_role"
    created = f'CREATE ROLE "{role}" LOGIN', "CREATE TABLE notes (id int, part int, PRIMARY KEY (id, part))"
    await run(dsn, *created, f'GRANT SELECT, DELETE ON notes TO "{role}"')
    shop = Shop(dsn.replace("//postgres@", f"//{role}@"), tmp_path / "protos")
    service = "shop/public/v1/note_service.proto"
    try:
        await shop.pull(package="shop")
        before = shop.text(service)
        shop.edit(service, ("// One note by its key.", "// By both numbers."))
        await run(dsn, f'GRANT INSERT ON notes TO "{role}"', f'REVOKE DELETE ON notes FROM "{role}"')
        found = await shop.pull()
        assert [one for one in found.broken if "Delete" not in one] == []
        after = shop.text(service)
        writes = [
            name for name in re.findall(r"rpc (\w+)", after) if re.match("Create|Delete|Batch[CD]", name)
        ]
        assert writes == ["CreateNote", "BatchCreateNotes"]
        assert ("// By both numbers." in after, "message DeleteNoteRequest" in after) == (True, False)
        assert lint(compile_protos(shop.folder), shop.folder) == ""
        await run(dsn, f'REVOKE INSERT ON notes FROM "{role}"', f'GRANT DELETE ON notes TO "{role}"')
        await shop.pull()
        assert sorted(shop.text(service).splitlines()) == sorted(
            before.replace("One note by its key.", "By both numbers.").splitlines()
        )
    finally:
        await run(dsn, f'DROP OWNED BY "{role}"', f'DROP ROLE "{role}"')


async def test_a_login_that_inherits_nothing_takes_a_role_of_callers(
    databases: Databases, tmp_path: Path
) -> None:
    """As docs/row-security.md has it: by itself it may read no table."""
    dsn = await databases.empty()
    name = dsn.rpartition("/")[2].partition("?")[0]
    login, role = f"{name}_login", f"{name}_role"
    await run(
        dsn,
        f'CREATE ROLE "{login}" LOGIN NOINHERIT',
        f'CREATE ROLE "{role}"',
        f'GRANT "{role}" TO "{login}"',
        "CREATE TABLE notes (id int PRIMARY KEY)",
        f'GRANT SELECT, INSERT ON notes TO "{role}"',
    )
    by_login = dsn.replace("//postgres@", f"//{login}@")
    flags = ("pull", "--out", str(tmp_path / "protos"), "--dsn")
    try:
        status, _, errors = await command(*flags, by_login)
        assert (status, errors) == (1, "Error: no table can be served, and nothing was written\n")
        status, told, errors = await command(*flags, f"{by_login}&options=-crole%3D{role}")
        assert (status, errors, "served: 1 table" in told) == (0, "", True)
    finally:
        await run(dsn, f'DROP OWNED BY "{role}"', f'DROP ROLE "{role}"', f'DROP ROLE "{login}"')


async def test_what_was_taken_out_stays_out(databases: Databases, tmp_path: Path) -> None:
    """A field, a method, a table: also where protos say nothing of them any more."""
    shop = Shop(await databases.empty(), tmp_path / "protos")
    await shop.pull(*TABLES, "CREATE TABLE keys (id int PRIMARY KEY)", package="shop")
    shop.edit(RESOURCES, ("  // The column `secret`: text.\n  optional string secret = 5;\n", ""))
    service = shop.text(SERVICE)
    method = service[service.index("  // Deletes one order.") : service.index("  // The orders of some keys")]
    shop.edit(SERVICE, (method, ""))
    (shop.folder / "shop/public/v1/key_service.proto").unlink()
    start, _, rest = shop.text().partition("// A row of the table `keys`.")
    (shop.folder / RESOURCES).write_text(start + rest[rest.index("// A row of") :])
    before = {path: path.read_bytes() for path in shop.folder.rglob("*.*")}
    found = await shop.pull()
    assert {path: path.read_bytes() for path in shop.folder.rglob("*.*")} == before
    out = {one.name for one in (*found.report.tables, *found.report.columns)}
    assert out == {"public.keys", "public.orders.secret"}


async def test_a_name_of_another_package_moves_all_of_it(databases: Databases, tmp_path: Path) -> None:
    shop = Shop(await databases.empty(), tmp_path / "protos")
    await shop.pull("CREATE TABLE notes (id int PRIMARY KEY, text text, at date)", package="shop")
    shop.edit(
        RESOURCES,
        ("string text = 2", "string body = 2"),
        ("= 2;", '= 2 [(rowgate.v1.column).name = "text"];'),
    )
    found = await shop.pull("ALTER TABLE notes DROP at", package="store")
    paths = {path.relative_to(shop.folder).as_posix() for path in shop.folder.rglob("*.proto")}
    assert paths == {"store/public/v1/resources.proto", "store/public/v1/note_service.proto"}
    assert 'optional string body = 2 [(rowgate.v1.column).name = "text"];' in shop.text(
        "store/public/v1/resources.proto"
    )
    assert "reserved 3;" in shop.text("store/public/v1/resources.proto")
    assert "message shop.public.v1.Note is dropped" in found.broken


async def test_an_enum_in_a_text_gets_a_place_for_null(databases: Databases, tmp_path: Path) -> None:
    """Its author chose it; it stays where the column may be NULL now."""
    shop = Shop(await databases.empty(), tmp_path / "protos")
    await shop.pull("CREATE TABLE notes (id int PRIMARY KEY, kind text NOT NULL)", package="shop")
    shop.edit(RESOURCES, ("string kind = 2;", "Kind kind = 2;"))
    enum = (
        "\n// A kind.\nenum Kind {\n  // No kind.\n  KIND_UNSPECIFIED = 0;\n  // Long.\n  KIND_LONG = 1;\n}\n"
    )
    (shop.folder / RESOURCES).write_text(shop.text() + enum)
    assert await shop.difference("ALTER TABLE notes ALTER kind DROP NOT NULL") == [
        "-  Kind kind = 2;",
        "+  optional Kind kind = 2;",
    ]


async def test_new_files_have_the_options_of_their_package(databases: Databases, tmp_path: Path) -> None:
    """Those of its other files, as their author has them; or else what buf's managed mode says."""
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(
        dsn,
        "CREATE TABLE a (id int PRIMARY KEY)",
        "CREATE SCHEMA new",
        "CREATE TABLE new.b (id int PRIMARY KEY)",
    )
    await pulled(dsn, folder, package="some_shop")
    new = (folder / "some_shop/new/v1/resources.proto").read_text()
    assert [line for line in new.splitlines() if line.startswith("option ")] == [
        'option csharp_namespace = "SomeShop.New.V1";',
        'option go_package = "some_shop/new/v1;newv1";',
        "option java_multiple_files = true;",
        'option java_package = "com.some_shop.new_.v1";',
        'option php_namespace = "SomeShop\\\\New\\\\V1";',
        'option ruby_package = "SomeShop::New::V1";',
    ]
    service = (folder / "some_shop/public/v1/a_service.proto").read_text()
    assert 'java_package = "com.some_shop.public_.v1"' in service
    for file in folder.rglob("*.proto"):
        text = file.read_text().replace('"com.some_shop', '"org.shop')
        file.write_text(text.replace("option ruby_package", "// "))
    await run(dsn, "CREATE TABLE c (id int PRIMARY KEY)")
    await pulled(dsn, folder)
    added = (folder / "some_shop/public/v1/c_service.proto").read_text()
    assert 'java_package = "org.shop.public_.v1"' in added
    assert "ruby_package" not in added
    assert lint(compile_protos(folder), folder) == ""
