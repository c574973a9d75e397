"""Rows of every type that SQLAlchemy's sessions read and write come back as they were."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import gateways
from tests.handlers.generated import generate, within
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, descriptors_of
from tests.rpc.readside import insert
from tests.rpc.test_read_rows import RICH, UUID

APP = Path(__file__).parent / "copying_app.py"
TIMES = {
    "id": 9,
    "opens": "23:59:59.999999",
    "times": ["2024-02-29T23:59:59.000001Z", "1969-12-31T00:00:00Z"],
    "durations": ["-3 days 00:00:01.5"],
    "days": ["1582-10-15"],
    "hours": ["00:00:00"],
    "decimals": ["1.20", "-0.000001"],
    "floats": [0.1, -2.5],
    "uint64s": [18446744073709551615],
    "bytess": ["\\x00ff"],
    "macs": ["08:00:2b:01:02:03"],
    "mac": "08:00:2b:01:02:03",
    "network": "10.0.0.0/8",
    "place": "(1.5,2.5)",
    "identifiers": [UUID],
    "anything": [1, None],
    "json_text": {"b": 1, "a": 2},
}


@pytest.fixture
async def riches(
    databases: Databases, tmp_path: Path, transport: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RunningGateway]:
    """Serve rows of each type."""
    generate(within(descriptors_of("types"), "types_of_all"), tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    async with gateways(databases, transport=transport) as start:
        gateway = await start("types", handlers=str(APP))
        await insert(gateway, gateway.schema.resources["types.v1.Rich"], [*RICH, TIMES])
        await insert(gateway, gateway.schema.resources["types.v1.Scalar"], [{"id": 1}])
        yield gateway


async def test_copies_are_alike(riches: RunningGateway) -> None:
    assert (await riches.call("types.v1.RichService/CountRiches")).count == 2 * (len(RICH) + 1)
    for table, rows in (("rich", len(RICH) + 1), ("scalar", 1)):
        found = await riches.sql(
            f"SELECT to_jsonb(a) - 'id' AS before, to_jsonb(b) - 'id' AS after "  # noqa: S608 - written here
            f"FROM {table} AS a JOIN {table} AS b ON b.id = a.id + 100"
        )
        assert len(found) == rows
        for row in found:
            assert row["before"] == row["after"]
