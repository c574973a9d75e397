"""Which types hold every value of which: PostgreSQL is asked with the values at the edges."""

from itertools import product

import asyncpg
import pytest

from gateway.migrate.locks.lock import opened
from gateway.migrate.plan.widening import conversion, keeps_every_row, keeps_every_value
from tests.migrate.database import EmptyDatabase

# Types as format_type prints them, with their most awkward values.
EDGES = {
    "smallint": ["-32768", "32767"],
    "integer": ["-2147483648", "2147483647"],
    "bigint": ["-9223372036854775808", "9223372036854775807"],
    "numeric(4,2)": ["-99.99", "0.01"],
    "numeric(6,2)": ["9999.99"],
    "numeric(6,4)": ["99.9999"],
    "numeric(10,0)": ["9999999999"],
    "numeric(20,0)": ["18446744073709551615"],
    "numeric": ["0.000000000000000000001", "NaN", "9" * 100],
    "real": ["3.4028235e38", "1e-45", "NaN"],
    "double precision": ["1.7976931348623157e308", "0.1", "NaN"],
    "text": ["x" * 100],
    "character varying": ["y" * 100],
    "character varying(3)": ["abc"],
    "character varying(9)": ["abcdefghi"],
    "boolean": ["true"],
    "date": ["5874897-12-31"],
    "timestamp without time zone": ["294276-12-31 23:59:59.999999"],
    "timestamp with time zone": ["294276-12-31 23:59:59.999999+00"],
    "timestamp(0) with time zone": ["2026-01-01 00:00:00+00"],
    "timestamp(3) with time zone": ["2026-01-01 00:00:00.999+00"],
    "timestamp(3) without time zone": ["2026-01-01 00:00:00.999"],
    "time(0) without time zone": ["23:59:59"],
    "time(2) without time zone": ["23:59:59.99"],
    "interval": ["1 mon 2 days 00:00:00.000001"],
    "interval(0)": ["1 mon 2 days 00:00:01"],
    "interval(4)": ["1 mon 2 days 00:00:00.0001"],
    "bit varying(3)": ["101"],
    "bit varying(5)": ["10101"],
    "character(3)": ["ab "],
    "time without time zone": ["23:59:59.999999"],
    "json": ['{"b": 1, "a": 2, "a": 3}'],
    "jsonb": ['{"a": 3}'],
    "inet": ["10.0.0.1/8"],
    "cidr": ["10.0.0.0/8"],
    "uuid": ["00000000-0000-0000-0000-000000000001"],
    "bytea": ["\\x00ff"],
    "integer[]": ["{2147483647}"],
    "bigint[]": ["{9223372036854775807}"],
}
KEPT = {
    ("smallint", "bigint"),
    ("integer", "numeric(10,0)"),
    ("numeric(4,2)", "numeric(6,4)"),
    ("numeric(4,2)", "numeric"),
    ("real", "double precision"),
    ("character varying(3)", "character varying(9)"),
    ("character varying(3)", "text"),
    ("text", "character varying"),
    ("cidr", "inet"),
    ("timestamp(0) with time zone", "timestamp with time zone"),
    ("timestamp(0) with time zone", "timestamp(3) with time zone"),
    ("time(0) without time zone", "time(2) without time zone"),
    ("interval(0)", "interval(4)"),
    ("bit varying(3)", "bit varying(5)"),
}


def test_the_usual_widenings_need_no_leave() -> None:
    assert [pair for pair in KEPT if not keeps_every_value(*pair)] == []


async def test_what_is_said_to_keep_every_value_does(database: EmptyDatabase) -> None:
    async with opened(database.connect) as connection:
        for old, new in product(EDGES, EDGES):
            if old != new and keeps_every_value(old, new):
                await _assert_kept(connection, old, new)


async def _assert_kept(connection: asyncpg.Connection, old: str, new: str) -> None:  # type: ignore[type-arg]
    await connection.execute(f"CREATE TEMP TABLE edge (v {old})")
    for value in EDGES[old]:
        await connection.execute(f"INSERT INTO edge VALUES ('{value}')")  # noqa: S608 - a constant above
    before = await connection.fetch("SELECT v::text FROM edge")
    file = await connection.fetchval("SELECT pg_relation_filenode('edge')")
    await connection.execute(f"ALTER TABLE edge ALTER v TYPE {new} {conversion('v', old, new)}")
    after = await connection.fetch(f"SELECT v::{old}::text FROM edge")  # noqa: S608 - a constant above
    assert after == before, (old, new)
    stays = await connection.fetchval("SELECT pg_relation_filenode('edge')") == file
    assert stays == keeps_every_row(old, new), (old, new)
    await connection.execute("DROP TABLE edge")


@pytest.mark.parametrize(
    ("old", "new", "value", "becomes"),
    [
        (
            "timestamp(0) with time zone",
            "timestamp(3) without time zone",
            "2026-01-01 20:00+00",
            "2026-01-01 20:00:00",
        ),
        (
            "timestamp without time zone",
            "timestamp with time zone",
            "2026-01-01 20:00",
            "2026-01-02 05:00:00+09",
        ),
        ("timestamp with time zone", "date", "2026-01-01 20:00+00", "2026-01-01"),
        ("date", "timestamp with time zone", "2026-01-01", "2026-01-01 09:00:00+09"),
        ("bytea", "text", "\\xc3a4", "ä"),
        ("character varying(9)", "bytea", "\\x41ä", "\\x5c783431c3a4"),
    ],
)
async def test_a_value_means_the_same_as_before(
    database: EmptyDatabase, old: str, new: str, value: str, becomes: str
) -> None:
    """Whatever the session's time zone is, in which the rows of others are converted too."""
    async with opened(database.connect) as connection:
        await connection.execute("SET TimeZone = 'Asia/Tokyo'")
        await connection.execute(f"CREATE TEMP TABLE edge (v {old})")
        await connection.execute(f"INSERT INTO edge VALUES ('{value}')")  # noqa: S608 - a constant above
        await connection.execute(f"ALTER TABLE edge ALTER v TYPE {new} {conversion('v', old, new)}")
        assert await connection.fetchval("SELECT v::text FROM edge") == becomes


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("double precision", "integer", "1.5"),
        ("bytea", "text", "\\xff"),
        ("numeric", "bigint", "0.1"),
        ("text", "character varying(3)", "abcd"),
        ("text", "boolean", "perhaps"),
        ("bigint", "integer", "2147483648"),
        ("bigint", "character varying(3)", "1000"),
    ],
)
async def test_a_value_that_does_not_fit_stops_the_conversion(
    database: EmptyDatabase, old: str, new: str, value: str
) -> None:
    """An explicit cast would round or cut it."""
    row = f"INSERT INTO edge VALUES ('{value}')"  # noqa: S608 - a constant above
    await database.run(f"CREATE TABLE edge (v {old})", row)
    with pytest.raises(asyncpg.PostgresError):
        await database.run(f"ALTER TABLE edge ALTER v TYPE {new} {conversion('v', old, new)}")
