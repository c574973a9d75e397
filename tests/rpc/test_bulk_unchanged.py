"""BulkUpsert of rows that are equal already, while another transaction changes them."""

import asyncio

import asyncpg
import pytest

from tests.conftest import GatewayFor
from tests.harness.polling import next_poll

BULK = "vault.v1.CellService/BulkUpsertCells"


@pytest.mark.parametrize("outcomes", [False, True])
@pytest.mark.parametrize("count", [2, 1500], ids=["by arrays", "by COPY"])
async def test_an_equal_row_that_is_changed_meanwhile_is_written(
    gateway_for: GatewayFor, count: int, *, outcomes: bool
) -> None:
    gateway = await gateway_for("vault")
    await gateway.sql(
        "INSERT INTO cell (id, value, version) SELECT i, i % 2, 1 FROM generate_series(1, $1) AS i", count
    )
    other = await asyncpg.connect(gateway.dsn)
    try:
        async with other.transaction():
            await other.execute("UPDATE cell SET value = 7 WHERE id = '1'")
            cells = [{"id": str(number), "value": 0} for number in range(1, count + 1)]
            upsert = asyncio.ensure_future(gateway.call(BULK, cells=cells, outcomes=outcomes))
            async with asyncio.timeout(60):
                while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                    assert not upsert.done()
                    await next_poll()
            # The upsert has seen it, equal to what was sent.
            await other.execute("UPDATE cell SET value = 7 WHERE id = '2'")
        answer = await upsert
    finally:
        await other.close()
    assert await gateway.sql("SELECT FROM cell WHERE value <> 0") == []
    assert (answer.updated_count, answer.unchanged_count) == (count // 2 + 1, count // 2 - 1)


async def test_rows_that_are_all_equal_are_not_locked(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("vault")
    await gateway.sql("INSERT INTO cell (id, value, version) VALUES ('1', 1, 1), ('2', 2, 1)")
    other = await asyncpg.connect(gateway.dsn)
    try:
        async with other.transaction():
            await other.execute("UPDATE cell SET value = 7")
            answer = await gateway.call(BULK, cells=[{"id": "1", "value": 1}, {"id": "2", "value": 2}])
    finally:
        await other.close()
    assert answer.unchanged_count == 2
