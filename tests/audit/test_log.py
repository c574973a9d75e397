"""Changes that are told to the log: after they are made, and of many rows at once in one line."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gateway.db.statements.audit_trail import LOGGED_KEYS
from gateway.observe.log import AUDIT_LOGGER
from tests.audit.kept import Audited, audited_database, audited_tables
from tests.harness.databases import Databases, fetch
from tests.harness.transports import TRANSPORTS

SERVICE = "EntryService"
WHAT = ("table", "action", "method", "principal_kind", "principal_id", "rows", "keys")


@pytest.fixture(params=TRANSPORTS)
async def audited(
    request: pytest.FixtureRequest, databases: Databases, tmp_path: Path
) -> AsyncIterator[Audited]:
    dsn = await audited_database(databases)
    async with audited_tables(dsn, tmp_path, request.param) as served:
        yield served


def _told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(one) for one in caplog.records if one.name == AUDIT_LOGGER]


def _line(action: str, method: str, name: str, *ids: int) -> tuple[object, ...]:
    keys = [{"id": id_} for id_ in ids[:LOGGED_KEYS]]
    return "public.entry", action, f"audited.v1.{SERVICE}/{method}", "api_key", name, len(ids), keys


async def test_each_change_is_a_line(audited: Audited, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    request_id = str(uuid4())
    entry = {"id": 1, "text": "a"}
    for _ in range(2):
        await audited.call("ann", f"{SERVICE}/CreateEntry", entry=entry, request_id=request_id)
    await audited.call("bob", f"{SERVICE}/UpdateEntry", entry={**entry, "text": "b"})
    await audited.call("bob", f"{SERVICE}/UpdateEntry", entry={**entry, "text": "c"}, validate_only=True)
    assert await audited.reason("bob", f"{SERVICE}/CreateEntry", entry=entry) == "UNIQUE_VIOLATION"
    assert await audited.reason("bob", f"{SERVICE}/DeleteEntry", id=2) == "ROW_NOT_FOUND"
    await audited.call("cat", f"{SERVICE}/DeleteEntry", id=1)
    told = _told(caplog)
    assert [tuple(line[name] for name in WHAT) for line in told] == [
        _line("INSERT", "CreateEntry", "ann", 1),
        _line("UPDATE", "UpdateEntry", "bob", 1),
        _line("DELETE", "DeleteEntry", "cat", 1),
    ]
    assert told[0]["idempotency_key"] == request_id
    assert len({line["request_id"] for line in told}) == 3
    assert not await audited.kept()


async def test_calls_that_share_a_statement_are_told_each_for_itself(
    audited: Audited, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    names = ("ann", "bob", "cat")
    calls = (audited.call(names[n % 3], f"{SERVICE}/CreateEntry", entry={"id": n}) for n in range(60))
    await asyncio.gather(*calls)
    told = [tuple(line[name] for name in WHAT) for line in _told(caplog)]
    assert sorted(map(str, told)) == sorted(
        str(_line("INSERT", "CreateEntry", names[n % 3], n)) for n in range(60)
    )


@pytest.mark.parametrize("count", [250, 2500])
async def test_many_rows_are_a_line_with_the_first_keys(
    audited: Audited, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    caplog.set_level(logging.INFO, AUDIT_LOGGER)
    await fetch(audited.dsn, "INSERT INTO entry (id, text) VALUES (7, '')")
    entries = [{"id": n, "text": "b"} for n in range(count)]
    await audited.call("ann", f"{SERVICE}/BulkUpsertEntries", entries=entries)
    told = sorted(_told(caplog), key=lambda line: str(line["action"]))
    assert [(line["action"], line["rows"]) for line in told] == [("INSERT", count - 1), ("UPDATE", 1)]
    assert [len(line["keys"]) for line in told] == [LOGGED_KEYS, 1]
