"""Items behind PostgreSQL's own policies, served by a role that has no right to them of its own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import RunningGateway, schema_of, serve

ITEMS = "walled.v1.ItemService"
LOGIN, MEMBER, READER = "rowgate_gate", "rowgate_member", "rowgate_reader"
CALLERS = (
    Caller("ann", claims={"tenant": "acme"}),
    Caller("ada", claims={"tenant": "acme"}),
    Caller("eve", claims={"tenant": "evil"}),
    Caller("aud", claims={"tenant": "acme", "role": READER}),
    Caller("non"),
    Caller("odd", claims={"tenant": """o'd\\'d"}; $$ "é\u2028"""}),
    Caller("sly", claims={"tenant": "acme", "role": "postgres"}),
    Caller("cut", claims={"tenant": "acme", "role": f'{MEMBER}"; DROP TABLE item; --'}),
    Caller("lot", claims={"tenant": "acme", "role": [MEMBER]}),
)
_TENANT = "tenant = (current_setting('request.jwt.claims', true)::json ->> 'tenant')"
SETUP = (
    *(
        f"DO $$ BEGIN IF to_regrole('{role}') IS NULL THEN CREATE ROLE {role} {how}; END IF; END $$"
        for role, how in ((LOGIN, "LOGIN NOINHERIT"), (MEMBER, "NOLOGIN"), (READER, "NOLOGIN"))
    ),
    f"GRANT {MEMBER}, {READER} TO {LOGIN}",
    f"GRANT USAGE ON SCHEMA public TO {LOGIN}, {MEMBER}, {READER}",
    f"GRANT USAGE ON SCHEMA rowgate TO {LOGIN}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA rowgate TO {LOGIN}",
    f"GRANT SELECT, INSERT, UPDATE, DELETE ON item TO {MEMBER}",
    f"GRANT SELECT ON item TO {READER}",
    "ALTER TABLE item ENABLE ROW LEVEL SECURITY",
    f"CREATE POLICY of_tenant ON item USING ({_TENANT})",
    "INSERT INTO item (id, tenant, text, version) SELECT n, 'acme', 'a', 1 FROM generate_series(2, 10, 2) n",
    "INSERT INTO item (id, tenant, text, version) SELECT n, 'evil', 'e', 1 FROM generate_series(1, 9, 2) n",
)
ACME, EVIL = {2, 4, 6, 8, 10}, {1, 3, 5, 7, 9}


@dataclass(frozen=True, slots=True)
class Walled:
    """The served items, and a client for each caller."""

    gateway: RunningGateway
    clients: Mapping[str, Client]
    dsn: str
    """Of the owner."""

    async def call(self, name: str, method: str, **fields: Any) -> Any:
        """Call a method of the items on behalf of a caller."""
        return await self.clients[name].call(f"{ITEMS}/{method}", **fields)

    async def refused(self, name: str, method: str, **fields: Any) -> tuple[str, str]:
        """Return the code and reason of the refusal of such a call."""
        with pytest.raises(RpcFailed) as failed:
            await self.call(name, method, **fields)
        return failed.value.code.name, failed.value.reason

    async def listed(self, name: str) -> set[int]:
        """Return the keys of all items that are there for a caller."""
        return {item.id for item in (await self.call(name, "ListItems", page_size=1000)).items}

    async def stored(self) -> list[tuple[Any, ...]]:
        """Return what is stored."""
        rows = await fetch(self.dsn, "SELECT id, tenant, text FROM item ORDER BY id")
        return [tuple(row.values()) for row in rows]


async def walled_database(databases: Databases) -> str:
    """Create the items' database with its policies; return its owner's DSN."""
    dsn = await databases.copy_of("walled", build_tables(schema_of("walled")).metadata)
    for statement in SETUP:
        await fetch(dsn, statement)
    return dsn


@asynccontextmanager
async def walled_items(
    dsn: str,
    folder: Path,
    transport: str,
    callers: Sequence[Caller] = CALLERS,
    schema: str = "walled",
    **settings: Any,
) -> AsyncIterator[Walled]:
    """Serve the items, by another `login` (a DSN) where one is given; `walled_queries` has queries beside."""
    path = folder / "keys.json"
    keys = write_keys(path, callers)
    given = {
        "auth_providers": "api_key",
        "auth_api_keys": path,
        "auth_row_security": "postgres",
        "auth_database_role": MEMBER,
        "auth_database_role_claim": "role",
        "auth_database_roles": READER,
        **settings,
    }
    login = given.pop("login", dsn.replace("//postgres@", f"//{LOGIN}@"))
    gateway = await serve(schema, login, transport=transport, **given)
    try:
        async with clients_of(gateway, schema, keys) as clients:
            yield Walled(gateway, clients, dsn)
    finally:
        await gateway.stop()
