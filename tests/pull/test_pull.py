"""Databases that others made, by two commands: pulled, clean to buf, and served as they are."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.migrate import connect_to
from gateway.proto_files.comments import METHODS
from gateway.proto_files.services import STANDARD
from gateway.pull.report import Report
from gateway.schema.model import MethodKind
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.services.requirements import WITHOUT_KEY
from tests.cli.running import rowgate
from tests.harness.client import Client
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import client_of
from tests.migrate.database import EmptyDatabase
from tests.migrate.test_foreign_catalogs import dump
from tests.pull.pulling import command, foreign, lint, pulled, run

PRODUCTS = ("northwind", "alembic", "django", "rails", "odd")
LEFT = {"public.measured_2026": "a partition"}
KEYLESS = {
    "public.Order Subtotals": "a view",
    "public.shown": "a materialized view",
    "public.parent": "inherited by public.child",
    "public.without_key": "no primary key",
}
RELATIONS = """
    SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname !~ '^(pg_|information_schema$|rowgate$)'
"""


class Products(NamedTuple):
    """A database that holds what five products made, and the protos pulled of it."""

    dsn: str
    folder: Path
    report: Report
    descriptors: FileDescriptorSet


@pytest.fixture(scope="module")
async def products(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Products:
    """Return the products."""
    dsn, folder = await databases.empty(), tmp_path_factory.mktemp("pulled") / "protos"
    await foreign(dsn, *PRODUCTS)
    found, _ = await pulled(dsn, folder, package="shop")
    return Products(dsn, folder, found.report, compile_protos(folder))


async def test_each_table_is_served_or_named_with_the_reason(products: Products) -> None:
    report = products.report
    assert {one.name for one in report.tables} == LEFT.keys()
    assert [one for one in report.tables if LEFT[one.name] not in one.why] == []
    named = {table for table, _ in report.served} | LEFT.keys()
    assert named == {row["name"] for row in await fetch(products.dsn, RELATIONS)}
    keyless = {one.name: one.why for one in report.notes if "served without a key" in one.why}
    assert keyless.keys() == KEYLESS.keys()
    assert [name for name, why in keyless.items() if KEYLESS[name] not in why] == []


async def test_buf_finds_nothing_to_say(products: Products) -> None:
    assert lint(products.descriptors, products.folder) == ""


async def test_all_of_it_is_served_and_nothing_changed(products: Products) -> None:
    """Rows of every table are read, and some written: by odd keys, numbered, with enums and defaults."""
    database = EmptyDatabase(products.dsn, connect_to(products.dsn))
    before = await dump(database)
    _, changed = await pulled(products.dsn, products.folder)
    assert changed == []
    async with client_of(products.descriptors, products.dsn) as client:
        await _read_each(client, products)
        status, _, errors = await command("migrate", "--dsn", products.dsn, "--protos", str(products.folder))
        assert (status, errors) == (0, "")
        assert await dump(database) == before
        assert await fetch(products.dsn, "SELECT FROM pg_namespace WHERE nspname = 'rowgate'") == []
        await _write_some(client)
    assert await fetch(products.dsn, "SELECT id FROM post") == [{"id": 1}]
    schema = await dump(database, "--schema-only")
    assert [line for line in schema if line not in before] == []


async def _read_each(client: Client, products: Products) -> None:
    services = read_schema(products.descriptors).services.values()
    for method in (method for service in services for method in service.standard_methods):
        table = f'"{method.resource.schema}"."{method.resource.table}"'
        if method.kind is MethodKind.LIST:
            [row] = await fetch(products.dsn, f"SELECT count(*) AS n FROM {table}")  # noqa: S608 - a name
            answer = await client.call(method.path[1:])
            assert len(getattr(answer, answer.DESCRIPTOR.fields[0].name)) == row["n"], table


async def _write_some(client: Client) -> None:
    shop = "shop.public.v1"
    line = {"order_id": 10248, "product_id": 1, "unit_price": 15, "quantity": 3}
    changed = await client.call(f"{shop}.OrderDetailService/UpdateOrderDetail", order_detail=line)
    found = await client.call(f"{shop}.OrderDetailService/GetOrderDetail", order_id=10248, product_id=1)
    assert found == changed
    assert (found.unit_price, found.quantity) == (15, 3)
    post = await client.call(f"{shop}.PostService/CreatePost", post={"author_id": 1, "title": "Next"})
    assert (post.id, post.data) == (2, "{}")
    assert json_format.MessageToDict(post)["status"] == "STATUS_DRAFT"
    keys = await client.call(f"{shop}.PostService/BatchGetPosts", ids=[2, 3])
    assert ([one.title for one in keys.posts], list(keys.missing)) == (["Next"], [3])
    shippers = [{"shipper_id": 7, "company_name": "Sea"}]
    sent = await client.call(f"{shop}.ShipperService/BulkUpsertShippers", shippers=shippers)
    assert sent.inserted_count == 1
    await client.call(f"{shop}.PostService/DeletePost", id=2)


async def test_the_command(databases: Databases, tmp_path: Path) -> None:
    """It tells what it wrote, keeps its choices, and `--check` only looks."""
    dsn, out = await databases.empty(), tmp_path / "protos"
    await foreign(dsn, "northwind")
    include = ("--include", "o*", "--include", "public.region", "--exclude", "*s")
    flags = ("pull", "--dsn", dsn, "--out", str(out))
    status, told, errors = await rowgate(*flags, "--package", "shop", *include, "--methods", "read")
    assert (status, errors) == (0, "")
    assert told.splitlines() == [
        "wrote shop/public/v1/region_service.proto",
        "wrote shop/public/v1/resources.proto",
        "wrote rowgate-pull.toml",
        "served: 1 table",
        "  public.region as shop.public.v1.Region",
        "not asked for: 13 tables and views",
    ]
    assert "rpc CreateRegion" not in (out / "shop/public/v1/region_service.proto").read_text()
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    for wrong, said in (
        (("--key", "region"), "keys (flag --key): 'region' can't be read; views' keys, which"),
        (("--package", "My-Shop"), "package (flag --package): 'My-Shop' can't be read; what the protos'"),
    ):
        assert said in (await command(*flags, *wrong))[2]
    named = (
        "--key",
        "regoin=id",
        "--include",
        "region",
        "--include",
        "x*",
        "--schema",
        "public",
        "--schema",
        "s",
    )
    _, _, errors = await command(*flags, *named, "--check")
    finds = "finds no table or view that the role can see"
    assert errors.splitlines()[:3] == [
        f"{flag}: {finds}" for flag in ("--schema s", "--include x*", "--key regoin=id")
    ]
    status, told, _ = await command(*flags, "--check")
    assert (status, told.splitlines()[0]) == (0, "the protos are at the database")
    await run(dsn, "ALTER TABLE region ADD climate text")
    status, told, errors = await command(*flags, "--check")
    assert status == 1
    assert errors.endswith(
        "not at the database; these would change: shop/public/v1/resources.proto, rowgate-pull.toml\n"
    )
    assert "+  optional string climate = 3;\n" in told
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before


async def test_nothing_to_serve_is_status_1(databases: Databases, tmp_path: Path) -> None:
    dsn = await databases.empty()
    await run(dsn, "CREATE TABLE empty ()")
    status, told, errors = await command("pull", "--dsn", dsn, "--out", str(tmp_path / "protos"))
    assert (status, errors) == (1, "Error: no table can be served, and nothing was written\n")
    assert "public.empty: it has no column that can be served" in told
    assert not (tmp_path / "protos").exists()


async def test_a_wrong_choice_is_status_2(tmp_path: Path) -> None:
    (tmp_path / "rowgate-pull.toml").write_text('methods = "write"\n')
    status, _, errors = await command("pull", "--dsn", "postgresql://h/d", "--out", str(tmp_path))
    assert status == 2
    assert f"methods ({tmp_path}/rowgate-pull.toml): should be 'read' or 'all'" in errors


async def test_a_file_of_somebody_elses_is_left_alone(databases: Databases, tmp_path: Path) -> None:
    """Its tables aren't served twice, and it isn't overwritten."""
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, "CREATE TABLE cities (id int PRIMARY KEY)", "CREATE TABLE lakes (id int PRIMARY KEY)")
    own = folder / "map/public/v1/city_service.proto"
    own.parent.mkdir(parents=True)
    own.write_text('syntax = "proto3";\n')
    with pytest.raises(FileExistsError, match=r"city_service\.proto was not written"):
        await pulled(dsn, folder, package="map")
    own.unlink()
    (folder / "mine.proto").write_text(
        'syntax = "proto3";\npackage mine;\n'
        'import "rowgate/v1/annotations.proto";\n'
        'message Lake {\n  option (rowgate.v1.table) = {name: "lakes" primary_key: "id"};\n'
        "  int32 id = 1;\n}\n"
    )
    found, changed = await pulled(dsn, folder, package="map")
    assert [(left.name, left.why) for left in found.report.tables] == [
        ("public.lakes", "it is served as mine.Lake already")
    ]
    assert {str(change) for change in changed} == {
        "wrote map/public/v1/city_service.proto",
        "wrote map/public/v1/resources.proto",
        "wrote rowgate-pull.toml",
    }


async def test_views_are_served_by_the_key_that_is_said(databases: Databases, tmp_path: Path) -> None:
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(
        dsn,
        "CREATE TABLE city (id int PRIMARY KEY, name text, people int)",
        "INSERT INTO city VALUES (1, 'Ulm', 3), (2, 'Bern', 4)",
        "CREATE VIEW towns AS SELECT id, name FROM city",
        "CREATE VIEW totals AS SELECT name, sum(people) AS people FROM city GROUP BY name",
        "CREATE MATERIALIZED VIEW kept AS SELECT * FROM totals",
        "CREATE UNIQUE INDEX ON kept (name)",
        "CREATE VIEW other AS SELECT 1 AS n",
    )
    keys = ("towns=id", "public.totals=name", "other=no")
    found, _ = await pulled(dsn, folder, package="map", exclude=("city",), keys=keys)
    assert [(left.name, left.why) for left in found.report.tables] == [
        ("public.other", "it has no column no, which --key names")
    ]
    async with client_of(compile_protos(folder), dsn) as client:
        await client.call("map.public.v1.TownService/CreateTown", town={"id": 3, "name": "Rom"})
        assert (await client.call("map.public.v1.TownService/GetTown", id=3)).name == "Rom"
        total = await client.call("map.public.v1.TotalService/GetTotal", name="Bern")
        kept = await client.call("map.public.v1.KeptService/CountKepts")
    assert (total.people, kept.count) == (4, 2)
    assert "Bulk" not in found.files["map/public/v1/town_service.proto"]
    assert "Create" not in found.files["map/public/v1/total_service.proto"]


async def test_methods_follow_a_key_that_comes_or_goes(databases: Databases, tmp_path: Path) -> None:
    dsn, folder = await databases.empty(), tmp_path / "protos"
    await run(dsn, "CREATE TABLE city (id int PRIMARY KEY)", "CREATE TABLE lake (name text)")
    await pulled(dsn, folder, package="map")
    gone = "ALTER TABLE city DROP CONSTRAINT city_pkey"
    await run(dsn, gone, "ALTER TABLE lake ADD id bigserial PRIMARY KEY")
    found, _ = await pulled(dsn, folder)
    assert found.report.tables == []
    services = read_schema(compile_protos(folder)).services
    kinds = {name: {one.kind for one in service.standard_methods} for name, service in services.items()}
    assert kinds["map.public.v1.CityService"] == set(WITHOUT_KEY) & set(METHODS)
    assert kinds["map.public.v1.LakeService"] == set(STANDARD) - {MethodKind.UNDELETE}


async def test_a_view_without_a_key_is_listed_whatever_its_types(
    databases: Databases, tmp_path: Path
) -> None:
    dsn, folder = await databases.empty(), tmp_path / "protos"
    values = {"xid": "7", "xid8": "7", "tid": "(0,1)", "jsonpath": "$.a", "regconfig": "english", "oid": "1"}
    values |= {
        "pg_snapshot": "10:20:10",
        "regproc": "now",
        "regnamespace": "public",
        "polygon": "((0,0),(1,1))",
    }
    values |= {"json": "{}", "point": "(1,2)", "tsquery": "a", "name": "n", "money": "1", "bit(2)": "01"}
    columns = ", ".join(
        f"CASE n WHEN 2 THEN NULL ELSE '{value}'::{sql} END AS c{i}"
        for i, (sql, value) in enumerate(values.items())
    )
    await run(dsn, f"CREATE VIEW odd AS SELECT {columns} FROM generate_series(1, 3) n")  # noqa: S608 - ours
    found, _ = await pulled(dsn, folder, package="shop")
    assert found.report.columns == []
    async with client_of(compile_protos(folder), dsn) as client:
        first = await client.call("shop.public.v1.OddService/ListOdds", page_size=1)
        token = first.next_page_token
        second = await client.call("shop.public.v1.OddService/ListOdds", page_token=token)
    assert second.odds[0] == first.odds[0]
    assert [len(row.ListFields()) for row in second.odds] == [len(values), 0]


async def test_methods_follow_the_roles_privileges(databases: Databases, tmp_path: Path) -> None:
    """Rows are locked before they are deleted, which takes UPDATE."""
    dsn = await databases.empty()
    role = dsn.rpartition("/")[2].partition("?")[0] + "_reader"
    await run(
        dsn,
        *(
            f"CREATE TABLE {name} (id int PRIMARY KEY)"
            for name in ("seen", "added", "cleared", "kept", "hidden")
        ),
        f'CREATE ROLE "{role}" LOGIN',
        f'GRANT SELECT ON seen TO "{role}"',
        f'GRANT SELECT, INSERT ON added TO "{role}"',
        f'GRANT SELECT, DELETE ON cleared TO "{role}"',
        f'GRANT SELECT, UPDATE, DELETE ON kept TO "{role}"',
        "CREATE TABLE partly (id int PRIMARY KEY, secret text)",
        f'GRANT SELECT (id) ON partly TO "{role}"',
        "CREATE SCHEMA types",
        "CREATE TYPE types.mood AS ENUM ('glad')",
        "CREATE TABLE typed (id int PRIMARY KEY, mood types.mood, moods types.mood[])",
        "INSERT INTO typed VALUES (1, 'glad', '{}')",
        f'GRANT SELECT ON typed TO "{role}"',
    )
    reader = dsn.replace("//postgres@", f"//{role}@")
    found, _ = await pulled(reader, tmp_path / "protos", package="map")
    assert [(left.name, left.why) for left in found.report.tables] == [
        ("public.hidden", "the role may not read it"),
        ("public.partly", "the role may not read all of it, but some of its columns"),
    ]
    unusable = "the role may not use the schema of its type"
    left = [(one.name, one.why) for one in found.report.columns]
    assert left == [("public.typed.mood", unusable), ("public.typed.moods", unusable)]
    async with client_of(compile_protos(tmp_path / "protos"), reader) as client:
        assert [one.id for one in (await client.call("map.public.v1.TypedService/ListTypeds")).typeds] == [1]
    methods = {
        Path(path).name: set(re.findall(r"rpc ([A-Z][a-z]+)", text)) for path, text in found.files.items()
    }
    reads = {"Get", "List", "Batch", "Count", "Stream"}
    assert methods["seen_service.proto"] == reads
    assert methods["added_service.proto"] == reads | {"Create"}
    assert methods["cleared_service.proto"] == reads
    assert methods["kept_service.proto"] == reads | {"Update", "Delete"}
    await run(dsn, f'DROP OWNED BY "{role}"', f'DROP ROLE "{role}"')
