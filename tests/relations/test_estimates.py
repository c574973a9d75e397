"""Estimates of the planner, whose statistics are of all rows, tell nothing of rows that are hidden."""

from pathlib import Path

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.databases import Databases
from tests.harness.gateway import start_gateway

COUNT = "estates.v1.LineService/CountLines"


async def test_a_filter_that_asks_for_rows_with_a_policy_is_counted_by_exactly(
    databases: Databases, tmp_path: Path, transport: str
) -> None:
    """Of lines, which have none, everybody may know about how many there are."""
    keys = write_keys(tmp_path / "keys.json", [Caller("ann")])
    given = {"auth_providers": "api_key", "auth_api_keys": tmp_path / "keys.json"}
    gateway = await start_gateway("estates", databases, transport=transport, **given)
    await gateway.sql(
        "INSERT INTO lease (id, tenant, holder, version) SELECT 'lease ' || n, 't', 'eve', 1"
        " FROM generate_series(1, 100) n"
    )
    await gateway.sql(
        "INSERT INTO line (id, lease, writer) SELECT n, 'lease ' || n, 'eve' FROM generate_series(1, 100) n"
    )
    await gateway.sql("ANALYZE lease, line")
    async with clients_of(gateway, "estates", keys) as clients:
        for text, told in (
            ("", (100, True)),
            ('whole.holder = "eve"', (0, False)),
            ("NOT whole:*", (100, False)),
        ):
            answer = await clients["ann"].call(COUNT, filter=text, mode="COUNT_MODE_ESTIMATED")
            assert (answer.count, answer.estimated) == told
    await gateway.stop()
