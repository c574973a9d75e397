"""Every kind of call through PgBouncer, whose two connections change hands after each transaction."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.db.database import Database
from gateway.db.database_settings import DatabaseSettings
from gateway.errors import Unavailable
from gateway.schema.tables.metadata import build_tables
from tests.cli.running import rowgate
from tests.db.bouncer import bouncer
from tests.harness.client import fresh_name
from tests.harness.databases import Databases
from tests.harness.gateway import SCHEMAS, RunningGateway, schema_of, serve

ACCOUNTS = "ledger.v1.AccountService"
EVENTS = "flow.v1.EventService"
FEW = 2
# What PgBouncer can't pass on at connecting, or can't keep between transactions.
BEHIND_A_POOLER = {
    "statement_cache_size": 0,
    "statement_timeout": 0,
    "lock_timeout": 0,
    "idle_in_transaction_timeout": 0,
}


@asynccontextmanager
async def behind_pgbouncer(schema: str, databases: Databases, folder: Path) -> AsyncIterator[str]:
    """Give the DSN of a schema's database behind PgBouncer."""
    dsn = await databases.copy_of(schema, build_tables(schema_of(schema)).metadata)
    with bouncer(folder / fresh_name("bouncer"), dsn, size=FEW) as pooled:
        yield pooled


@pytest.fixture
async def pooled(databases: Databases, data_folder: Path) -> AsyncIterator[str]:
    """Return the DSN of the ledger behind PgBouncer."""
    async with behind_pgbouncer("ledger", databases, data_folder) as pooled:
        yield pooled


@pytest.fixture
async def gateway(pooled: str, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve the ledger behind PgBouncer."""
    served = await serve("ledger", pooled, transport=transport, **BEHIND_A_POOLER)
    yield served
    await served.stop()


@pytest.fixture
async def events(databases: Databases, data_folder: Path, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve what streams behind PgBouncer."""
    async with behind_pgbouncer("flow", databases, data_folder) as pooled:
        # Of five cursors one client may have four.
        settings = {**BEHIND_A_POOLER, "stream_chunk_bytes": 1024, "max_cursors": 5}
        served = await serve("flow", pooled, transport=transport, **settings)
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


async def test_streams_are_a_transaction_a_chunk_or_one_in_all(events: RunningGateway) -> None:
    async def stored(stream: int) -> None:
        talk = events.client.converse(f"{EVENTS}/IngestEvents")
        await talk.ask(start={"stream_id": str(stream)})
        for sequence in range(1, 6):
            first = 1000 * stream + 100 * (sequence - 1)
            await talk.ask(sequence=sequence, events=[{"id": first + n} for n in range(100)])

    async def read(first: int) -> list[int]:
        chunks = events.client.stream(
            f"{EVENTS}/StreamEvents", filter=f"id >= {first} AND id < {first + 1000}"
        )
        return [row.id async for chunk in chunks for row in chunk.events]

    await asyncio.gather(*map(stored, range(4)))
    found = await asyncio.gather(*(read(1000 * stream) for stream in range(4)))
    assert found == [list(range(1000 * stream, 1000 * stream + 500)) for stream in range(4)]


async def test_refused_start_up_parameters_are_named(pooled: str) -> None:
    with pytest.raises(Unavailable, match="statement_timeout, lock_timeout and idle_in_transaction_timeout"):
        await Database.open(DatabaseSettings(pooled, start_timeout=1))


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


async def test_a_pooler_of_statements_is_refused(databases: Databases, data_folder: Path) -> None:
    dsn = await databases.copy_of("ledger", build_tables(schema_of("ledger")).metadata)
    folder = data_folder / fresh_name("bouncer")
    flags = ("--protos", str(SCHEMAS / "ledger"), "--listen", "127.0.0.1:0", "--log-level", "error")
    pooling = [f"--{name.replace('_', '-')}={value}" for name, value in BEHIND_A_POOLER.items()]
    with bouncer(folder, dsn, size=FEW, mode="statement") as pooled:
        status, _, errors = await rowgate("serve", *flags, *pooling, "--dsn", pooled)
    assert status == 1
    assert "transaction blocks not allowed" in errors
    assert "Traceback" not in errors
