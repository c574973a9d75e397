"""Gateways with audited tables, the rows that are kept there, and what PostgreSQL itself says has changed."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve

CALLERS = tuple(Caller(name, claims={"user": "u"}) for name in ("ann", "bob", "cat"))
KEYS = {
    "public.Order": {"user": "user", "number": 'Mixed "Case"'},
    "public.note": {"id": "id"},
    "public.folder": {"id": "id"},
    "public.page": {"folder_id": "folder_id", "name": "name"},
}
"""The columns of each audited table's key, by the names of their fields."""

Rows = Mapping[tuple[str, str], tuple[str, bool]]
"""The version of each row as PostgreSQL counts it, and whether it is marked as deleted, by table and key."""


class Kept(NamedTuple):
    """A row of the audit."""

    table: str
    key: str
    action: str
    method: str
    who: str


def key_of(**fields: Any) -> str:
    """Return a key as it is compared."""
    return json.dumps(fields, sort_keys=True)


@dataclass(frozen=True, slots=True, repr=False)  # hypothesis prints it, descriptors and all
class Audited:
    """The served tables, and a client for each caller."""

    gateway: RunningGateway
    clients: Mapping[str, Client]
    dsn: str
    """Of the owner."""

    async def call(self, name: str, method: str, /, **fields: Any) -> Any:
        """Call `Service/Method` on behalf of a caller."""
        return await self.clients[name].call(f"audited.v1.{method}", **fields)

    async def reason(self, name: str, method: str, /, **fields: Any) -> str:
        """Return the reason of the refusal of such a call."""
        with pytest.raises(RpcFailed) as failed:
            await self.call(name, method, **fields)
        return failed.value.reason

    async def kept(self) -> list[Kept]:
        """Return what is kept, in its order."""
        rows = await fetch(self.dsn, "SELECT * FROM rowgate.audit ORDER BY id")
        return [
            Kept(
                row["table_name"],
                json.dumps(json.loads(row["key"]), sort_keys=True),
                row["action"],
                row["method"].removeprefix("audited.v1."),
                f"{row['principal_kind']}:{row['principal_id']}",
            )
            for row in rows
        ]

    async def forget(self) -> None:
        """Remove all that is kept."""
        await fetch(self.dsn, "TRUNCATE rowgate.audit")

    async def stored(self) -> Rows:
        """Return the rows of the audited tables as they are."""
        found: dict[tuple[str, str], tuple[str, bool]] = {}
        for table, key in KEYS.items():
            pairs = ", ".join(f"""'{name}', "{column.replace('"', '""')}\"""" for name, column in key.items())
            deleted = "delete_time IS NOT NULL" if table == "public.note" else "false"
            schema, _, name = table.partition(".")
            rows = await fetch(
                self.dsn,
                f"SELECT json_build_object({pairs})::text AS key, xmin || ' ' || ctid AS version, "  # noqa: S608 - names of a test's own
                f'{deleted} AS deleted FROM {schema}."{name}"',
            )
            for row in rows:
                found[table, key_of(**json.loads(row["key"]))] = row["version"], row["deleted"]
        return found


def changes(before: Rows, after: Rows) -> Counter[tuple[str, str, str]]:
    """Return table, key and action of each row whose version is another one."""
    found: Counter[tuple[str, str, str]] = Counter()
    for place in before.keys() | after.keys():
        old, new = before.get(place), after.get(place)
        if old != new:
            found[(*place, _action(old, new))] += 1
    return found


def _action(old: tuple[str, bool] | None, new: tuple[str, bool] | None) -> str:
    if old is None:
        return "INSERT"
    if new is None:
        return "DELETE"
    if old[1] != new[1]:
        return "SOFT_DELETE" if new[1] else "UNDELETE"
    return "UPDATE"


async def audited_database(databases: Databases) -> str:
    """Create a database of the audited tables; return its owner's DSN."""
    return await databases.copy_of("audited", build_tables(schema_of("audited")).metadata)


@asynccontextmanager
async def audited_tables(dsn: str, folder: Path, transport: str, **settings: Any) -> AsyncIterator[Audited]:
    """Serve the audited tables, by another `login` (a DSN) where one is given."""
    path = folder / "keys.json"
    keys = write_keys(path, CALLERS)
    given = {"auth_providers": "api_key", "auth_api_keys": path, **settings}
    login = given.pop("login", dsn)
    gateway = await serve("audited", login, transport=transport, **given)
    try:
        async with clients_of(gateway, "audited", keys) as clients:
            yield Audited(gateway, clients, dsn)
    finally:
        await gateway.stop()
