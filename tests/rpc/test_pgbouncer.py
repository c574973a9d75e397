"""Every kind of call through PgBouncer, whose two connections change hands after each transaction."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.db.database import Database
from gateway.db.settings import DatabaseSettings
from gateway.errors import Unavailable
from gateway.schema.tables import build_tables
from tests.db.bouncer import bouncer
from tests.harness.client import fresh_name
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, schema_of, serve

ACCOUNTS = "ledger.v1.AccountService"
FEW = 2
# What PgBouncer can't pass on at connecting, or can't keep between transactions.
BEHIND_A_POOLER = {
    "statement_cache_size": 0,
    "statement_timeout": 0,
    "lock_timeout": 0,
    "idle_in_transaction_timeout": 0,
}


@pytest.fixture
async def pooled(databases: Databases, data_folder: Path) -> AsyncIterator[str]:
    """Return the DSN of the ledger behind PgBouncer."""
    dsn = await databases.copy_of("ledger", build_tables(schema_of("ledger")).metadata)
    with bouncer(data_folder / fresh_name("bouncer"), dsn, size=FEW) as pooled:
        yield pooled


@pytest.fixture
async def gateway(pooled: str) -> AsyncIterator[RunningGateway]:
    """Serve the ledger behind PgBouncer."""
    served = await serve("ledger", pooled, **BEHIND_A_POOLER)
    yield served
    await served.stop()


async def test_many_callers_share_its_connections(gateway: RunningGateway) -> None:
    async def one(number: int) -> None:
        key = {"book": "b", "number": number}
        row = {**key, "title": f"t{number}", "iban": f"i{number}"}
        await gateway.call(f"{ACCOUNTS}/CreateAccount", {"account": row})
        changed = {"account": {**key, "limit": number}, "update_mask": "limit"}
        for revision in range(2, 12):
            updated = await gateway.call(f"{ACCOUNTS}/UpdateAccount", changed)
            read = await gateway.call(f"{ACCOUNTS}/GetAccount", **key)
            assert (updated.revision, read.revision, read.limit) == (revision, revision, number)

    await asyncio.gather(*map(one, range(1, 41)))
    found = await gateway.call(f"{ACCOUNTS}/ListAccounts", page_size=100)
    assert sorted(row.number for row in found.accounts) == list(range(1, 41))


async def test_a_bulk_is_one_transaction(gateway: RunningGateway) -> None:
    rows = [{"book": "b", "number": n, "title": f"t{n}", "iban": f"i{n}"} for n in range(1, 3001)]
    calls = (gateway.call(f"{ACCOUNTS}/BulkUpsertAccounts", accounts=rows) for _ in range(6))
    answers = await asyncio.gather(*calls)
    assert sum(answer.inserted_count for answer in answers) == len(rows)
    counted = await gateway.call(f"{ACCOUNTS}/CountAccounts")
    assert counted.count == len(rows)


async def test_refused_start_up_parameters_are_named(pooled: str) -> None:
    with pytest.raises(Unavailable, match="statement_timeout, lock_timeout and idle_in_transaction_timeout"):
        await Database.open(DatabaseSettings(pooled, start_timeout=0.2))


async def test_kept_statements_are_warned_of(pooled: str, caplog: pytest.LogCaptureFixture) -> None:
    settings = {name: value for name, value in BEHIND_A_POOLER.items() if name != "statement_cache_size"}
    database = await Database.open(DatabaseSettings(pooled, **settings))
    await database.close()
    assert "a pooler stands before the database" in caplog.text


async def test_without_a_pooler_nothing_is_warned_of(
    databases: Databases, caplog: pytest.LogCaptureFixture
) -> None:
    database = await Database.open(DatabaseSettings(databases.dsn))
    await database.close()
    assert caplog.text == ""
