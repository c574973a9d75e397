"""Harbours all over the world, served from a database with PostGIS."""

from collections.abc import AsyncIterator
from random import Random

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.databases import Databases, create_tables, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve

CORNERS = (
    (90.0, 0.0),
    (90.0, 20.5),
    (-90.0, 180.0),
    (10.0, 180.0),
    (10.0, -180.0),
    (-0.0, -0.0),
    (0.0, 179.9),
)
"""Places at the poles, the antimeridian and where both lines of zero meet."""
BUSY = (40.65, -74.05)
"""Where several are."""
COUNT = 3000


@pytest.fixture(scope="module")
async def geographic(debian_15: str) -> str:
    """Return the DSN of a database of Debian's PostgreSQL 15, with PostGIS and the harbours' table, empty."""
    return await _made(debian_15)


async def _made(debian_15: str, *, kept: bool = False) -> str:
    dsn = await Databases(debian_15).empty(kept=kept)
    await fetch(dsn, "CREATE EXTENSION postgis")
    await create_tables(dsn, build_tables(schema_of("places")).metadata)
    return dsn


@pytest.fixture(scope="package")
async def harbours(debian_15: str) -> AsyncIterator[RunningGateway]:
    """Serve harbours: at the corners of the world, around New York, anywhere, and nowhere."""
    gateway = await serve("places", await _made(debian_15, kept=True), transport="http")
    random = Random(64)  # noqa: S311 - places, no secrets
    near = [(40.7 + random.gauss(0, 1), -73.9 + random.gauss(0, 1)) for _ in range(COUNT // 3)]
    near += [BUSY] * 20
    anywhere = [(random.uniform(-90, 90), random.uniform(-180, 180)) for _ in range(COUNT - len(near))]
    await gateway.sql(
        "INSERT INTO harbour (id, name, position, open, approach, version)"
        " SELECT n, 'h' || n % 7, ST_SetSRID(ST_MakePoint(x, y), 4326)::geography, n % 3 <> 0, '{}', 1"
        " FROM unnest($1::float8[], $2::float8[]) WITH ORDINALITY AS given (y, x, n)",
        *map(list, zip(*CORNERS, *near, *anywhere, strict=True)),
    )
    await gateway.sql(
        "INSERT INTO harbour (id, name, open, approach, version)"
        " SELECT n, 'nowhere', true, '{}', 1 FROM generate_series(100001, 100009) n"
    )
    await gateway.sql("ANALYZE harbour")
    yield gateway
    await gateway.stop()
