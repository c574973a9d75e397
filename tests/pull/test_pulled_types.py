"""Columns of types that others use: pulled, told and stored as SQL does, or left out with a reason."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gateway.schema.protos.sources import compile_protos
from gateway.schema.read import read_schema
from gateway.schema.types.intervals import INTERVALS, kept_text
from gateway.schema.types.sql_types import SqlType
from gateway.schema.values import InvalidValueError
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import client_of
from tests.pull.pulling import pulled, run

_MADE = (
    "CREATE DOMAIN small AS int CHECK (value < 1000)",
    "CREATE DOMAIN price AS numeric(10,2)",
    "CREATE DOMAIN code AS varchar(5)",
    "CREATE DOMAIN smalls AS int[]",
    "CREATE DOMAIN lesser AS small",
    "CREATE DOMAIN term AS interval year to month",
    "CREATE TYPE pair AS (a int, b text)",
    "CREATE TYPE nested AS (p pair, d date)",
    "CREATE TYPE mood AS ENUM ('glad', 'so so')",
    "CREATE DOMAIN some_mood AS mood",
    "CREATE TYPE floatrange AS RANGE (subtype = float8)",
    "CREATE SCHEMA other",
    "CREATE DOMAIN other.word AS text",
)
# By type, what is stored as SQL says it.
_TYPES: Mapping[str, Sequence[str]] = {
    "interval year to month": ("'1 year 2 mons'", "'-1 mon'", "'0'"),
    "interval year": ("'5 years'", "'-2 years'"),
    "interval month": ("'14 mons'",),
    "interval day": ("'3 days'", "'1 mon -3 days'"),
    "interval day to hour": ("'05:00'",),
    "interval day to minute": ("'-00:05'",),
    "interval day to second": ("'04:05:06.5'",),
    "interval day to second(3)": ("'04:05:06.125'",),
    "interval hour": ("'-4:00'",),
    "interval hour to minute": ("'04:05'",),
    "interval hour to second": ("'04:05:01'",),
    "interval minute": ("'00:07'",),
    "interval minute to second": ("'07:08'",),
    "interval second(2)": ("'5.25'",),
    "interval(3)": ("'1.125'",),
    "interval year[]": ("'{1 year,-2 years}'",),
    "interval second(2)[]": ("'{1.25}'",),
    "term": ("'7 mons'",),
    "small[]": ("'{1,2}'", "'{}'"),
    "price[]": ("'{1.20,3.45}'",),
    "code[]": ("'{abc,d,\"\"}'",),
    "smalls": ("'{1,2}'",),
    "lesser": ("7",),
    "lesser[]": ("'{7}'",),
    "other.word[]": ('\'{x,"a \\" , b"}\'',),
    "other.word": ("'x'", "''"),
    "some_mood": ("'so so'",),
    "some_mood[]": ("'{glad,so so}'",),
    "xml": ("'<a b=\"1\">c</a>'", "'text'"),
    "xml[]": ("'{<a/>}'",),
    "int4range": ("'[1,5)'", "'empty'", "'(,)'"),
    "int4range[]": ("'{\"[1,5)\",empty}'",),
    "int4multirange": ("'{[1,5),[7,8)}'", "'{}'"),
    "numrange": ("'[1.0,2.00]'",),
    "tstzrange": ("'[2020-01-01 00:00+00,)'", "'[-infinity,infinity]'"),
    "daterange": ("'(,2020-01-01)'",),
    "datemultirange": ("'{[2020-01-01,2020-01-02)}'",),
    "tstzmultirange[]": ("ARRAY['{[2020-01-01 00:00+00,2020-02-01 00:00+00)}'::tstzmultirange]",),
    "floatrange": ("'[1.5,2.5)'",),
    "floatmultirange": ("'{[1.5,2.5)}'",),
    "pair": ("ROW(1, 'x \" y')", "ROW(NULL, '')"),
    "pair[]": ("ARRAY[ROW(1, 'x, y')::pair]",),
    "nested": ("ROW(ROW(1, 'x'), '2020-01-01')",),
    "bit(3)": ("'101'",),
    "bit(3)[]": ("'{101,111}'",),
    "bit[]": ("'{1,0}'",),
    "bit varying": ("'10101'", "''"),
    "bit varying(5)": ("'101'",),
    "bit varying(5)[]": ("'{1,01}'",),
    "bit varying[]": ("'{1,01}'",),
    "jsonb[]": ("ARRAY['{\"a\": 1}'::jsonb, 'null']",),
    "inet[]": ("'{10.0.0.1,::1/64}'",),
    "bytea[]": ("ARRAY['\\x0001'::bytea]",),
    "timetz(2)[]": ("'{01:02:00.25+03}'",),
    "numeric(3,-2)": ("1200",),
    "int[][]": ("'{1,2}'",),
    '"char"': ("'c'",),
    "char(3)[]": ("'{ab,c}'",),
    "citext": ("'AbC'",),
    "citext[]": ("'{Ab,c}'",),
    "hstore": ("'a=>1, b=>NULL'",),
    "ltree[]": ("'{a.b}'",),
    "cube": ("'(1,2)'",),
    "vector(3)": ("'[1,2,3]'",) * 3,  # of vectors none is empty, so NULL can be told, but not sent
    "halfvec(2)": ("'[1,2]'",),
    "geometry(Point,4326)": ("'SRID=4326;POINT(1 2)'",),
    "geography(Point,4326)": ("'POINT(1 2)'",),
}
_EXTENSIONS = ("citext", "hstore", "ltree", "cube", "vector", "postgis")
_BROUGHT = {
    **{name: name for name in _EXTENSIONS},
    "xml": "libxml",
    "halfvec": "vector",
    "geometry": "postgis",
    "geography": "postgis",
}
# What isn't served, and why.
_LEFT = {"aclitem": "no type", "refcursor": "no type"}


@pytest.fixture(params=["debian_15", "embedded"])
def server(request: pytest.FixtureRequest, databases: Databases) -> Databases:
    """Return PostgreSQL 15, which has extensions of its own, or the embedded one, which has pgvector."""
    return Databases(request.getfixturevalue("debian_15")) if request.param == "debian_15" else databases


async def _made(dsn: str) -> dict[str, str]:
    """Make a table with a column of each type that the server has; return them by name."""
    rows = await fetch(dsn, "SELECT name FROM pg_available_extensions")
    known = {row["name"] for row in rows} & {*_EXTENSIONS}
    built = await fetch(dsn, "SELECT FROM pg_config WHERE name = 'CONFIGURE' AND setting ~ 'with-libxml'")
    await run(dsn, *_MADE, *(f'CREATE EXTENSION "{name}"' for name in sorted(known)))
    known |= {"libxml"} if built else set()
    types = [
        one
        for one in (*_TYPES, *_LEFT)
        if _BROUGHT.get(one.partition("(")[0].removesuffix("[]"), "") in {"", *known}
    ]
    columns = {f"c{number}": one for number, one in enumerate(types)}
    await run(
        dsn, f"CREATE TABLE t (id int PRIMARY KEY, {', '.join(f'{n} {t}' for n, t in columns.items())})"
    )
    for row in range(max(map(len, _TYPES.values()))):
        stored = {name: _TYPES[one][row] for name, one in columns.items() if len(_TYPES.get(one, ())) > row}
        values = ", ".join(stored.values())
        await run(dsn, f"INSERT INTO t (id, {', '.join(stored)}) VALUES ({row}, {values})")  # noqa: S608
    return columns


async def test_each_is_told_and_stored_as_it_was(server: Databases, tmp_path: Path) -> None:
    """Rows are read, and written under other keys: one by one, few as arrays and many by COPY."""
    dsn = await server.empty()
    columns = await _made(dsn)
    found, _ = await pulled(dsn, tmp_path / "protos", package="a")
    left = {columns[one.name.rpartition(".")[2]]: one.why for one in found.report.columns}
    assert left.keys() == _LEFT.keys()
    assert all(_LEFT[one] in why for one, why in left.items())
    descriptors = compile_protos(tmp_path / "protos")
    fields = read_schema(descriptors).resources["a.public.v1.T"].fields[1:]
    async with client_of(descriptors, dsn) as client:
        rows = list((await client.call("a.public.v1.TService/ListTs")).ts)
        assert [list(row.unreadable) for row in rows] == [[]] * len(rows)
        for row in rows:
            request = client.message("a.public.v1.CreateTRequest", {"t": {}})
            request.t.CopyFrom(row)
            request.t.id += 10
            await client.call("a.public.v1.TService/CreateT", request)
        for count in (20, 2000):
            await _upsert(client, rows, count)
        for field in (one for one in fields if one.descriptor.enum_type is not None):
            await _found(client, field.name, "MOOD_SO_SO", is_array=field.descriptor.is_repeated)
    # NULL is told as no elements, and stored as such.
    nulls = {field.column: "{}" if field.descriptor.is_repeated else "NULL" for field in fields}
    told = [f"coalesce({name}::text, '{null}')" for name, null in nulls.items()]
    counted = f"SELECT id % 10 AS id, count(*) AS n FROM t GROUP BY id % 10, {', '.join(told)}"  # noqa: S608
    alike = await fetch(dsn, counted)
    assert sorted(one["id"] for one in alike) == [row.id for row in rows]
    assert sum(one["n"] for one in alike) == 2 * len(rows) + 2020


async def _found(client: Any, name: str, value: str, *, is_array: bool) -> None:
    """Find and order rows by an enum: of some columns a domain."""
    asked = f"{name}:{value}" if is_array else f"{name} = {value}"
    found = await client.call("a.public.v1.TService/CountTs", filter=asked)
    page = await client.call(
        "a.public.v1.TService/ListTs", filter=asked, order_by=f"{name} desc", page_size=3
    )
    rest = await client.call(
        "a.public.v1.TService/ListTs",
        filter=asked,
        order_by=f"{name} desc",
        page_size=1000,
        page_token=page.next_page_token,
    )
    assert found.count == len(page.ts) + len(rest.ts) > 3


async def _upsert(client: Any, rows: Sequence[Any], count: int) -> None:
    request = client.message("a.public.v1.BulkUpsertTsRequest")
    for number in range(count):
        row = request.ts.add()
        row.CopyFrom(rows[number % len(rows)])
        row.id += 10 * (count + number)
    assert (await client.call("a.public.v1.TService/BulkUpsertTs", request)).inserted_count == count


@pytest.mark.parametrize("style", ["postgres", "iso_8601"])
async def test_intervals_are_kept_whole_or_refused(databases: Databases, style: str) -> None:
    """As PostgreSQL casts them: what it leaves alone passes, what it cuts or rounds doesn't."""
    random = Random(20261122)  # noqa: S311 - any will do, the same each time
    parts = [
        [random.choice((0, 0, 12, 24, -12, random.randint(-99, 99))) for _ in range(400)],
        [random.choice((0, 0, random.randint(-99, 99))) for _ in range(400)],
        [random.choice((0, 0, 3600, -60, 61, random.randint(-99999, 99999))) for _ in range(400)],
        [random.choice((0, 0, 500_000, 120_000, random.randint(-999_999, 999_999))) for _ in range(400)],
    ]
    dsn = await databases.empty()
    types = [
        *INTERVALS,
        *(f"{name}({n})" for name in INTERVALS if name.endswith(("second", "interval")) for n in (0, 3)),
    ]
    casts = ", ".join(f'i::{name} = i AND i::{name}::text = i::text AS "{name}"' for name in types)
    await run(dsn, f"ALTER DATABASE {dsn.rpartition('/')[2].partition('?')[0]} SET intervalstyle = {style}")
    told = await fetch(
        dsn,
        f"SELECT i::text AS text, {casts} "  # noqa: S608
        "FROM unnest($1::int[], $2::int[], $3::int[], $4::int[]) u(mo, d, s, us),"
        " LATERAL (SELECT make_interval(months => mo, days => d) + s * interval '1 second' + us * interval"
        " '1 microsecond' AS i) v",
        *parts,
    )
    for name in types:
        bare, _, digits = name.partition("(")
        check = kept_text(SqlType(bare, (int(digits[:-1]),) if digits else ()))
        for row in told:
            try:
                check(row["text"])
            except InvalidValueError:
                assert not row[name], (name, row["text"])
            else:
                assert row[name], (name, row["text"])
