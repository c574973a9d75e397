"""What Rowgate makes of protos, a pull makes protos of again: types, keys, defaults, names."""

from pathlib import Path

import pytest

from gateway.introspect import require_match
from gateway.introspect.tables.table_records import Column
from gateway.migrate import connect_to
from gateway.pull.columns import carrier
from gateway.pull.report import Report
from gateway.pull.resources import Left
from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.tables.metadata import build_tables
from gateway.schema.types.sql_types import InvalidTypeError, parse_sql_type
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of
from tests.pull.pulling import lint, pulled


def test_geographies_of_points_are_places() -> None:
    found = carrier(
        Column("place", "public.geography(Point,4326)", nullable=True), "public", {}, is_key=False
    )
    assert (found.type, found.options) == ("google.type.LatLng", {"type": "geography(Point,4326)"})
    assert "left out of rows" in found.note


@pytest.mark.parametrize("sql", ["geometry(Point,4326)", "geography(PolygonZ)", "geography", "geometry"])
def test_shapes_of_postgis_are_texts(sql: str) -> None:
    """As its typmod functions print them; there is no PostGIS here."""
    column = Column("place", f"public.{sql}", nullable=True)
    found = carrier(column, "public", {}, is_key=False)
    assert (found.type, found.label, found.options) == ("string", "optional", {"type": found.options["type"]})
    assert str(found.options["type"]).removeprefix("public.") == sql


@pytest.mark.parametrize("sql", ["text(Point)", "varchar(n)", "geometry(4326,Point)", "geometry(a,b)"])
def test_other_types_have_no_shape(sql: str) -> None:
    with pytest.raises(InvalidTypeError, match="is no PostgreSQL type"):
        parse_sql_type(sql)


def test_a_long_report_ends_with_sums() -> None:
    served = [(f"public.t{number}", f"shop.T{number}") for number in range(40)]
    lost = [Left(f"public.p{number}", "a partition") for number in range(3)]
    columns = [
        Left("t1.a", "cube(1): no proto field", "cube"),
        Left("t2.b", "cube(2): no proto field", "cube"),
    ]
    assert str(Report(served, lost, columns, [], views=2)).splitlines()[-3:] == [
        "in all: 38 tables and 2 views served",
        "  3 tables and views left out: a partition",
        "  2 columns left out: cube",
    ]
    assert "in all" not in str(Report(served[:5], lost, columns, []))


@pytest.mark.parametrize("name", ["types", "ledger", "adversarial"])
async def test_a_schema_comes_back_from_its_tables(name: str, databases: Databases, tmp_path: Path) -> None:
    schema = schema_of(name)
    dsn = await databases.copy_of(name, build_tables(schema).metadata)
    found, _ = await pulled(dsn, tmp_path / "protos", package="again")
    descriptors = compile_protos(tmp_path / "protos")
    again = read_schema(descriptors)
    await require_match(connect_to(dsn), build_tables(again).metadata)
    tables = {(one.schema, one.table): one for one in again.resources.values()}
    left = {one.name for one in found.report.columns}
    for made in schema.resources.values():
        read = tables[made.schema, made.table]
        assert read.primary_key == made.primary_key
        for field in made.fields:
            if f"{made.schema}.{made.table}.{field.column}" not in left:
                other = read.by_column[field.column]
                assert (other.type.sql, other.nullable) == (field.type.sql, field.nullable), field
    assert found.report.tables == []
    if name == "adversarial":
        assert lint(descriptors, tmp_path / "protos") == ""
