"""Views whose changes are kept: what a call writes of a view, not what PostgreSQL makes of it beneath."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from rowgate.v1 import annotations_pb2

from gateway.schema.protos.options import TABLE
from tests.audit.kept import audited_database
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import SCHEMAS, client_of, descriptors_of

VIEWS = "views.v1.Views"


def _descriptors() -> FileDescriptorSet:
    descriptors = FileDescriptorSet()
    descriptors.CopyFrom(descriptors_of("views"))
    for message in (message for file in descriptors.file for message in file.message_type):
        if message.name == "Note":
            message.options.Extensions[TABLE].audit = annotations_pb2.AUDIT_ROWS
    return descriptors


@pytest.fixture
async def dsn(databases: Databases) -> str:
    """Return the DSN of a database that has the views, and a table for the audit."""
    dsn = await audited_database(databases)
    for statement in (SCHEMAS / "views" / "tables.sql").read_text().split(";\n"):
        await fetch(dsn, statement)
    return dsn


@pytest.fixture
async def client(dsn: str, transport: str) -> AsyncIterator[Client]:
    """Give a client of the views."""
    async with client_of(_descriptors(), dsn, transport=transport) as client:
        yield client


async def _kept(dsn: str) -> list[tuple[str, str, str]]:
    rows = await fetch(dsn, "SELECT table_name, key, action FROM rowgate.audit ORDER BY id")
    return [(row["table_name"], json.loads(row["key"])["email"], row["action"]) for row in rows]


async def test_changes_of_a_view_are_kept(client: Client, dsn: str) -> None:
    note = {"email": "a", "points": 1}
    await client.call(f"{VIEWS}/CreateNote", note=note)
    await client.call(f"{VIEWS}/UpdateNote", note={**note, "points": 2})
    await client.call(f"{VIEWS}/DeleteNote", email="a")
    with pytest.raises(RpcFailed, match="NOT_FOUND"):
        await client.call(f"{VIEWS}/DeleteNote", email="a")
    assert await _kept(dsn) == [("shop.note", "a", action) for action in ("INSERT", "UPDATE", "DELETE")]


async def test_calls_that_arrive_together_change_a_view(client: Client, dsn: str) -> None:
    """Also in a way that the view doesn't show their rows any more."""
    names = [f"n{number}" for number in range(20)]
    for points, method in ((1, "CreateNote"), (200, "UpdateNote")):
        calls = (client.call(f"{VIEWS}/{method}", note={"email": n, "points": points}) for n in names)
        await asyncio.gather(*calls)
    rows = await fetch(dsn, "SELECT email FROM shop.customer WHERE points = 200")
    assert sorted(row["email"] for row in rows) == sorted(names)
    expected = [("shop.note", n, action) for action in ("INSERT", "UPDATE") for n in names]
    assert sorted(await _kept(dsn)) == sorted(expected)
