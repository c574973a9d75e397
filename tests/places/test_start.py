"""A schema with places needs PostGIS, which a migration brings where the server has it."""

import pytest

from gateway.introspect import SchemaMismatchError
from gateway.migrate import MigrationError, apply, connect_to, differences
from gateway.schema.tables.metadata import build_tables
from gateway.schema.types import InvalidTypeError
from gateway.schema.types.points import point
from gateway.schema.types.sql_types import parse_sql_type
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import schema_of, serve


async def test_where_postgis_is_missing_it_is_named(databases: Databases) -> None:
    dsn = await databases.empty()
    with pytest.raises(SchemaMismatchError, match="extension postgis is missing"):
        await serve("places", dsn, transport="http")
    with pytest.raises(MigrationError, match='extension "postgis" is not available'):
        await apply(build_tables(schema_of("places")).metadata, connect_to(dsn))


async def test_a_migration_brings_it_with_the_index(debian_15: str) -> None:
    dsn = await Databases(debian_15).empty()
    metadata = build_tables(schema_of("places")).metadata
    steps = [step.sql for step in await apply(metadata, connect_to(dsn))]
    assert "CREATE EXTENSION IF NOT EXISTS postgis" in steps
    (index,) = await fetch(dsn, "SELECT indexdef FROM pg_indexes WHERE indexname = 'harbour_position_idx'")
    assert index["indexdef"].endswith('USING gist ("position")')
    assert not (await differences(metadata, connect_to(dsn))).open
    await (await serve("places", dsn, transport="http")).stop()


@pytest.mark.parametrize(
    "sql", ["geography", "geography(Point,4326)", "GEOGRAPHY(point, 4326)", "geography ( Point , 4326 )"]
)
def test_geographies_are_of_points(sql: str) -> None:
    assert point(parse_sql_type(sql)[0]).sql == "geography(Point,4326)"


@pytest.mark.parametrize(
    "sql",
    ["geometry(Point,4326)", "geography(PointZ,4326)", "geography(Point,4269)", "geography(Polygon)", "text"],
)
def test_other_types_are_refused(sql: str) -> None:
    with pytest.raises(InvalidTypeError, match="a LatLng can't be stored as") as wrong:
        point(parse_sql_type(sql)[0])
    assert wrong.value.right == "use point or geography"
