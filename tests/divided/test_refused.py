"""Values of which no table holds rows are refused, whatever names them, at the path that does."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from gateway.schema.tables.metadata import build_tables
from tests.divided.events import EVENTS
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import client_of, descriptors_of, schema_of

NOWHERE = {"id": 1, "amount": 5}
THERE = {"kind": "KIND_BUY", "id": 1, "amount": 5}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("GetEvent", {"id": 1}, "kind"),
    ("BatchGetEvents", {"keys": [{"kind": "KIND_BUY", "id": 1}, {"id": 1}]}, "keys[1].kind"),
    ("CreateEvent", {"event": NOWHERE}, "event.kind"),
    ("UpdateEvent", {"event": NOWHERE}, "event.kind"),
    ("UpdateEvent", {"event": NOWHERE, "allow_missing": True}, "event.kind"),
    ("DeleteEvent", {"id": 1}, "kind"),
    ("DeleteEvent", {"id": 1, "allow_missing": True}, "kind"),
    ("UndeleteEvent", {"id": 1}, "kind"),
    ("BatchCreateEvents", {"requests": [{"event": THERE}, {"event": NOWHERE}]}, "requests[1].event.kind"),
    ("BatchUpdateEvents", {"requests": [{"event": THERE}, {"event": NOWHERE}]}, "requests[1].event.kind"),
    ("BatchDeleteEvents", {"requests": [{"kind": "KIND_BUY", "id": 1}, {"id": 1}]}, "requests[1].kind"),
    ("BulkUpsertEvents", {"events": [THERE, NOWHERE]}, "events[1].kind"),
]


@pytest.fixture(scope="module")
async def served(databases: Databases, transport: str) -> AsyncIterator[tuple[Client, str]]:
    dsn = await databases.copy_of("divided", build_tables(schema_of("divided")).metadata)
    async with client_of(descriptors_of("divided"), dsn, transport=transport) as client:
        yield client, dsn


@pytest.mark.parametrize(("method", "request_", "path"), REFUSED, ids=[one[0] for one in REFUSED])
async def test_a_value_without_a_table_is_refused(
    served: tuple[Client, str], method: str, request_: dict[str, Any], path: str
) -> None:
    client, _ = served
    with pytest.raises(RpcFailed) as failed:
        await client.call(f"{EVENTS}/{method}", request_)
    assert (failed.value.code.name, failed.value.reason) == ("INVALID_ARGUMENT", "NO_TABLE")
    assert failed.value.fields == [path]
    assert "there are tables for KIND_CLICK, KIND_VIEW, KIND_BUY" in failed.value.message


async def test_rows_of_several_tables_go_by_one_call(served: tuple[Client, str]) -> None:
    """A row without a table is told by its place, and the others are written."""
    client, dsn = served
    rows = [{"kind": kind, "id": n} for n in (1, 2) for kind in ("KIND_CLICK", "KIND_VIEW", 0)]
    answer = await client.call(f"{EVENTS}/BulkUpsertEvents", events=rows, partial_failure=True, outcomes=True)
    assert [failure.index for failure in answer.failures] == [2, 5]
    assert list(answer.outcomes) == [1, 1, 5, 1, 1, 5]
    ingested = client.converse(f"{EVENTS}/IngestEvents")
    await ingested.ask(start={"stream_id": "several", "partial_failure": True})
    chunk = await ingested.ask(sequence=1, events=[{**row, "amount": 1} for row in rows])
    assert (chunk.updated_count, [failure.index for failure in chunk.failures]) == (4, [2, 5])
    await ingested.end()
    connection = await asyncpg.connect(dsn)
    for table in ("event_click", '"cold store".event_rest'):
        found = await connection.fetch(f"SELECT id, amount FROM ONLY {table} ORDER BY id")  # noqa: S608 - ours
        assert [tuple(row) for row in found] == [(1, 1), (2, 1)]
    await connection.close()


async def test_a_filter_of_no_tables_value_finds_nothing(served: tuple[Client, str]) -> None:
    client, _ = served
    assert (await client.call(f"{EVENTS}/CountEvents", filter="kind = KIND_UNSPECIFIED")).count == 0
