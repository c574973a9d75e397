"""Rows that are encoded for COPY are stored as the driver's own encoder stores them."""

from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal
from ipaddress import ip_address, ip_interface
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gateway.db.bulk.copy_format import HEADER, TRAILER, Chunk, CopyRows
from gateway.db.connections.type_codecs import set_codecs
from gateway.schema.model import Field
from gateway.sql.bulk.shape import quote, staged_type
from tests.harness.databases import Databases
from tests.harness.gateway import schema_of

_SCHEMA = schema_of("types")
_FIELDS = {
    field.name: field for name in ("Rich", "Scalar") for field in _SCHEMA.resources[f"types.v1.{name}"].fields
}
_VALUES: dict[str, list[Any]] = {
    "small": [-(2**15), 0, None, 2**15 - 1],
    "int32_value": [-(2**31), 2**31 - 1],
    "wide_int": [-(2**63), None, 2**63 - 1],
    "float_value": [-0.0, float("inf"), 1.5],
    "double_value": [-0.0, float("-inf"), float("nan"), 5e-324],
    "optional_bool_value": [True, None, False],
    "string_value": ["", "a\u20ac\U0001f600"],
    "optional_string_value": [None, "", "null"],
    "optional_bytes_value": [b"", None, b"\0\xff"],
    "identifier": [UUID(int=0), None, UUID(int=2**128 - 1)],
    "short_text": ["\u20ac" * 12, None],
    "at": [(-(2**63),), None, (0,), (2**63 - 1,)],
    "local_at": [(0,), (1,)],
    "day": [(-(2**31),), None, (2**31 - 1,)],
    "opens": [(0,), (86_399_999_999,), None],
    "lasts": [(1, -2, 3), None, (0, 0, -(2**63))],
    "place": [(-180.0, 90.0), None],
    "address": [ip_address("10.0.0.1"), ip_interface("10.0.0.1/8"), None, ip_interface("2001:db8::1/64")],
    "json_text": ['{"a": 1}', None],
    "jsonb_text": ['{"a": 1}', None],
    "mac": ["08:00:2b:01:02:03", None],
    "int32s": [[], [1, -1]],
    "strings": [[], ["", "a,b", 'c"d']],
    "times": [[(0,), (1,)], []],
    "decimals": [[Decimal("1.50"), Decimal(-7)], []],
    "identifiers": [[UUID(int=1)]],
    "addresses": [[ip_address("::1")], []],
    "macs": [["08:00:2b:01:02:03"], []],
    "codes": [["abc", ""]],
}


@pytest.fixture(scope="module")
async def connection(databases: Databases) -> AsyncIterator[Any]:
    """Connect to an empty database, with the gateway's codecs."""
    connection = await asyncpg.connect(await databases.empty())
    await set_codecs(connection)
    yield connection
    await connection.close()


async def check(connection: Any, fields: Sequence[Field], columns: Sequence[Sequence[Any]]) -> None:
    """Store rows both ways, and compare."""
    rows = CopyRows(fields, ["i"])
    names = [field.column for field in fields]
    declared = ", ".join(f"{quote(field.column)} {staged_type(field)}" for field in fields)
    for table in ("ours", "theirs"):
        await connection.execute(
            f"DROP TABLE IF EXISTS {table}; CREATE TEMP TABLE {table} (i int, {declared})"
        )
    count = len(columns[0])
    data = [HEADER, rows.encode([range(count)], columns, count), TRAILER]
    tag = await connection.copy_to_table(
        "ours", columns=["i", *rows.names], source=_each(data), format="binary"
    )
    assert tag == f"COPY {count}"
    records = list(zip(range(count), *columns, strict=True))
    await connection.copy_records_to_table("theirs", columns=["i", *names], records=records)
    ours = await connection.fetch("SELECT t::text FROM ours AS t ORDER BY i")
    assert ours == await connection.fetch("SELECT t::text FROM theirs AS t ORDER BY i")


async def _each(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize("name", _VALUES)
async def test_each_type_is_stored_as_the_driver_stores_it(connection: Any, name: str) -> None:
    await check(connection, [_FIELDS[name]], [_VALUES[name]])


async def test_columns_of_all_kinds_stand_beside_each_other(connection: Any) -> None:
    for length in (1, 2, 7):
        columns = [[values[i % len(values)] for i in range(length)] for values in _VALUES.values()]
        await check(connection, [_FIELDS[name] for name in _VALUES], columns)


_DIGITS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits or (0,), exponent)),
    st.sampled_from([0, 1]),
    st.lists(st.integers(0, 9), max_size=40).map(tuple),
    st.integers(-40, 40),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.none() | _DIGITS, min_size=1, max_size=20))
@example(numbers=[Decimal(10) ** 131_071, Decimal((0, (1,), -16_383)), Decimal("0.0001"), Decimal("1E+4")])
async def test_numbers_keep_all_their_digits(connection: Any, numbers: list[Decimal | None]) -> None:
    await check(connection, [_FIELDS["exact"]], [numbers])


def test_a_chunk_is_cut_into_parts_without_a_rest() -> None:
    chunk = Chunk(range(601), [list(range(601))])
    parts = list(chunk.parts())
    assert [len(part.indexes) for part in parts] == [250, 250, 101]
    assert [value for part in parts for value in part.columns[0]] == list(range(601))
