"""Rows are locked in one order of their keys, whoever writes them, and equal keys are one row."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from gateway.schema.tables.metadata import build_tables
from tests.conftest import GatewayFor
from tests.db.servers import debian_server, sql
from tests.harness.client import RpcFailed
from tests.harness.databases import create_tables
from tests.harness.gateway import RunningGateway, schema_of, serve
from tests.harness.polling import next_poll
from tests.rpc.keyed import CITEXT, EVERYWHERE, Keyed, write_protos

COLLATED = [kind for kind in EVERYWHERE if kind.name in ("Word", "Pair", "Address")]
SPELLED = [kind for kind in EVERYWHERE if kind.same != kind.keys[0]]
by_name = pytest.mark.parametrize("kind", EVERYWHERE, ids=lambda kind: kind.name)
_WAITING = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
_DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@pytest.fixture(scope="module")
async def keyed(module_gateway_for: GatewayFor, tmp_path_factory: pytest.TempPathFactory) -> RunningGateway:
    """Serve a table for each type of key."""
    return await module_gateway_for(write_protos(tmp_path_factory.mktemp("keyed"), EVERYWHERE))


@pytest.fixture(scope="module")
async def collated(
    data_folder: Path, tmp_path_factory: pytest.TempPathFactory, transport: str
) -> AsyncIterator[RunningGateway]:
    """Serve them over a database that sorts text by the rules of a language, and has citext."""
    name = write_protos(tmp_path_factory.mktemp("collated"), [*EVERYWHERE, CITEXT])
    with debian_server(data_folder / "collated") as server:
        icu = "LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
        await sql(server, f"CREATE DATABASE collated TEMPLATE template0 {icu}")
        dsn = server.replace("/postgres?", "/collated?")
        await sql(dsn, "CREATE EXTENSION citext")
        await create_tables(dsn, build_tables(schema_of(name)).metadata)
        gateway = await serve(name, dsn, transport=transport)
        yield gateway
        await gateway.stop()


async def _stored(gateway: RunningGateway, kind: Keyed) -> None:
    """Store the rows of all keys, at version 1."""
    table = kind.name.lower()
    await sql(gateway.dsn, f"TRUNCATE {table}")
    requests = [{"row": {**key, "value": 0}} for key in kind.keys]
    answer = await gateway.call(kind.method("BatchCreates"), requests=requests)
    assert len(answer.rows) == len(kind.keys)


async def _versions(gateway: RunningGateway, kind: Keyed) -> list[int]:
    rows = await sql(gateway.dsn, f"SELECT version FROM {kind.name.lower()}")  # noqa: S608 - the test's own
    return sorted(version for (version,) in rows)


@by_name
async def test_rows_of_every_type_of_key_are_created_and_changed_together(
    keyed: RunningGateway, kind: Keyed
) -> None:
    """By calls that share statements, and by batches, whose answers come in the order of their requests."""
    await sql(keyed.dsn, f"TRUNCATE {kind.name.lower()}")
    creates = [{"row": {**key, "value": n}} for n, key in enumerate(kind.keys)]
    await asyncio.gather(*(keyed.call(kind.method("Create"), request) for request in creates))
    await asyncio.gather(*(keyed.call(kind.method("Update"), one) for one in kind.updates(7, kind.keys)))
    requests = [update for n, key in enumerate(kind.keys) for update in kind.updates(n, [key])]
    updated = await keyed.call(kind.method("BatchUpdates"), requests=requests)
    assert [row.value for row in updated.rows] == list(range(len(kind.keys)))
    assert await _versions(keyed, kind) == [3] * len(kind.keys)
    await sql(keyed.dsn, f"TRUNCATE {kind.name.lower()}")
    created = await keyed.call(kind.method("BatchCreates"), requests=creates)
    assert [row.value for row in created.rows] == list(range(len(kind.keys)))


@by_name
async def test_changes_of_one_row_are_all_made_however_its_key_is_spelled(
    keyed: RunningGateway, kind: Keyed
) -> None:
    await _stored(keyed, kind)
    calls = kind.updates(1, [kind.keys[0], kind.same] * 8 + [*kind.keys])
    await asyncio.gather(*(keyed.call(kind.method("Update"), call) for call in calls))
    assert await _versions(keyed, kind) == [2] * (len(kind.keys) - 1) + [18]


def _batches(kind: Keyed) -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Return batches, by method, that name the row of the first key twice, as their second and last."""
    twice = [kind.keys[1], kind.keys[0], *kind.keys[2:], kind.same]
    updates = kind.updates(1, twice)
    return {
        "BatchUpdates": updates,
        "BatchUpdates of several shapes": [
            *updates[:-1],
            {"row": {**kind.same, "value": 1}, "update_mask": "*"},
        ],
        "BatchUpdates or creates": [{**update, "allow_missing": True} for update in updates],
        "BatchDeletes": twice,
        "BatchDeletes of any": [{**key, "allow_missing": True} for key in twice],
    }


async def _refuses_equal_keys(gateway: RunningGateway, kind: Keyed) -> None:
    for stored in (True, False):
        await _stored(gateway, kind)
        if not stored:
            await sql(gateway.dsn, f"TRUNCATE {kind.name.lower()}")
        for name, requests in _batches(kind).items():
            with pytest.raises(RpcFailed) as caught:
                await gateway.call(kind.method(name.split()[0]), requests=requests)
            last = f"requests[{len(requests) - 1}]"
            assert (name, stored, caught.value.reason) == (name, stored, "DUPLICATE_IN_BATCH")
            assert caught.value.fields == [last], name
        assert await _versions(gateway, kind) == [1] * len(kind.keys) * stored


@by_name
async def test_a_batch_that_names_one_row_twice_is_refused(keyed: RunningGateway, kind: Keyed) -> None:
    await _refuses_equal_keys(keyed, kind)


@pytest.mark.parametrize("kind", [*COLLATED, CITEXT], ids=lambda kind: kind.name)
async def test_keys_are_equal_as_the_column_has_it(collated: RunningGateway, kind: Keyed) -> None:
    await _refuses_equal_keys(collated, kind)


@pytest.mark.parametrize("kind", [*SPELLED, CITEXT], ids=lambda kind: kind.name)
async def test_a_row_that_is_named_twice_and_kept_out_is_named_twice(
    collated: RunningGateway, kind: Keyed
) -> None:
    """What is wrong with the request is told before what the database does with its rows."""
    await _stored(collated, kind)
    table, twice = kind.name.lower(), kind.updates(1, [kind.keys[0], kind.same])
    await sql(
        collated.dsn,
        "CREATE OR REPLACE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    )
    await sql(
        collated.dsn,
        f"CREATE TRIGGER kept BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION keep()",
    )
    try:
        with pytest.raises(RpcFailed) as kept:
            await collated.call(kind.method("BatchUpdates"), requests=twice[:1])
        with pytest.raises(RpcFailed) as caught:
            await collated.call(kind.method("BatchUpdates"), requests=twice)
    finally:
        await sql(collated.dsn, f"DROP TRIGGER kept ON {table}")
    assert (kept.value.reason, kept.value.fields) == ("ROW_KEPT_OUT", ["requests[0]"])
    assert (caught.value.reason, caught.value.fields) == ("DUPLICATE_IN_BATCH", ["requests[1]"])


async def _upserts(gateway: RunningGateway, kind: Keyed) -> None:
    await sql(gateway.dsn, f"TRUNCATE {kind.name.lower()}")
    for n, key in enumerate(kind.keys):
        created = await gateway.call(kind.method("Update"), row={**key, "value": n}, allow_missing=True)
        assert (created.value, created.version) == (n, 1)
    again = await gateway.call(kind.method("Update"), row={**kind.same, "value": 50}, allow_missing=True)
    assert (again.value, again.version) == (50, 2)
    await sql(gateway.dsn, f"TRUNCATE {kind.name.lower()}")
    await gateway.call(kind.method("Create"), row={**kind.same, "value": 7})
    requests = [{"row": {**key, "value": n}, "allow_missing": True} for n, key in enumerate(kind.keys, 1)]
    answer = await gateway.call(kind.method("BatchUpdates"), requests=requests)
    assert [row.value for row in answer.rows] == list(range(1, len(kind.keys) + 1))
    assert [row.version for row in answer.rows] == [2] + [1] * (len(kind.keys) - 1)
    await sql(gateway.dsn, f"TRUNCATE {kind.name.lower()}")
    keys = [*kind.keys[1:], kind.same]
    requests = [{"row": {**key, "value": n}, "allow_missing": True} for n, key in enumerate(keys)]
    answer = await gateway.call(kind.method("BatchUpdates"), requests=requests)
    assert [(row.value, row.version) for row in answer.rows] == [(n, 1) for n in range(len(keys))]
    await sql(gateway.dsn, f"TRUNCATE {kind.name.lower()}")
    created = await gateway.call(kind.method("Update"), row={**kind.same, "value": 3}, allow_missing=True)
    assert (created.value, created.version) == (3, 1)


@by_name
async def test_updates_create_missing_rows_of_every_type_of_key(keyed: RunningGateway, kind: Keyed) -> None:
    await _upserts(keyed, kind)


async def test_updates_create_missing_rows_of_citext(collated: RunningGateway) -> None:
    await _upserts(collated, CITEXT)


@by_name
async def test_writers_of_the_same_rows_never_deadlock(keyed: RunningGateway, kind: Keyed) -> None:
    await _write_the_same(keyed, kind)


@pytest.mark.parametrize("kind", [*COLLATED, CITEXT], ids=lambda kind: kind.name)
async def test_writers_never_deadlock_where_text_is_sorted_by_a_language(
    collated: RunningGateway, kind: Keyed
) -> None:
    """Also where PostgreSQL alone knows which keys are equal, and its MERGE tells nothing."""
    await _write_the_same(collated, kind)


async def _write_the_same(gateway: RunningGateway, kind: Keyed) -> None:
    """Hold each row in turn until all writers wait for it, or for each other."""
    await _stored(gateway, kind)
    before = await sql(gateway.dsn, _DEADLOCKS)
    for n in range(len(kind.keys)):
        async with _holding(gateway, kind, n):
            writers = [asyncio.create_task(writer) for writer in _writers(gateway, kind, 4 * n)]
            while len(await sql(gateway.dsn, _WAITING)) < len(writers):
                assert not any(writer.done() for writer in writers)
                await next_poll()
        await asyncio.wait_for(asyncio.gather(*writers), 30)
    assert await sql(gateway.dsn, _DEADLOCKS) == before
    assert await _versions(gateway, kind) == [1 + 4 * len(kind.keys)] * len(kind.keys)


@asynccontextmanager
async def _holding(gateway: RunningGateway, kind: Keyed, n: int) -> AsyncIterator[None]:
    locker = await asyncpg.connect(gateway.dsn)
    try:
        async with locker.transaction():
            order = ", ".join(kind.columns)
            await locker.execute(
                f"SELECT FROM {kind.name.lower()} ORDER BY {order} OFFSET {n} LIMIT 1 FOR UPDATE"
            )
            yield
    finally:
        await locker.close()


def _writers(gateway: RunningGateway, kind: Keyed, value: int) -> list[Any]:
    """Return batches and bulk upserts of all rows, each in an order of its own, with values of its own."""
    keys = [*kind.keys]
    respelled = [kind.same, *keys[1:]]
    calls = []
    for n, order in enumerate((keys, respelled[::-1])):
        rows = [{**key, "value": value + 3 + n} for key in sorted(order, key=str)[:: -1 if n else 1]]
        updates = kind.updates(value + 1 + n, order)
        calls += [
            gateway.call(kind.method("BatchUpdates"), requests=updates),
            gateway.call(kind.method("BulkUpserts"), rows=rows),
        ]
    return calls
