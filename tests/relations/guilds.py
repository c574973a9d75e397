"""The guilds of tests/schemas/guilds: rows, what callers see of them, and gateways that serve them."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway, serve, start_gateway
from tests.rpc.readside import insert

Key = tuple[Any, ...]


class Stored:
    """Rows that are served, and what each caller sees of them. No dataclass: hypothesis prints those."""

    def __init__(self, gateway: RunningGateway, clients: Mapping[str, Client]) -> None:
        self.gateway, self.clients = gateway, clients
        self._seen: dict[str, asyncpg.Connection[Any]] = {}

    async def look(self, opened: AsyncExitStack, caller: str, views: str) -> None:
        """Make the views of a caller, in a schema of its own."""
        await self.gateway.sql(f"CREATE SCHEMA of_{caller}")
        path = {"search_path": f"of_{caller}, public"}
        self._seen[caller] = await asyncpg.connect(self.gateway.dsn, server_settings=path)
        opened.push_async_callback(self._seen[caller].close)
        await self._seen[caller].execute(views)

    async def keys(self, caller: str, query: str) -> list[Key]:
        """Return the rows of a query, as a caller sees tables."""
        return [(*row.values(),) for row in await self._seen[caller].fetch(query)]


@asynccontextmanager
async def serving_guilds(
    databases: Databases, transport: str, folder: Path, callers: Sequence[Caller]
) -> AsyncIterator[Stored]:
    """Serve guilds to callers."""
    keys = write_keys(folder / "keys.json", callers)
    async with AsyncExitStack() as opened:
        unlimited = await start_gateway("guilds", databases, transport=transport)
        opened.push_async_callback(unlimited.stop)
        await fill_guilds(unlimited)
        limits = {"auth_providers": "api_key", "auth_api_keys": folder / "keys.json"}
        gateway = await serve("guilds", unlimited.dsn, transport=transport, **limits)
        opened.push_async_callback(gateway.stop)
        stored = Stored(gateway, await opened.enter_async_context(clients_of(gateway, "guilds", keys)))
        for one in callers:
            await stored.look(opened, one.name, seen_of_guilds(one.name))
        yield stored


def seen_of_guilds(caller: str) -> str:
    """Return the views of what a caller sees, by the policies' words; of deleted guilds nobody sees any."""
    return f"""
        CREATE VIEW seen_member AS SELECT * FROM "user" u WHERE u.known OR u."from" = '{caller}';
        CREATE VIEW stored_guild AS SELECT * FROM "group" g WHERE g.open OR EXISTS (
            SELECT FROM seen_member m WHERE (m.realm, m.guild_number) = (g.realm, g."order")
            AND m."from" = '{caller}');
        CREATE VIEW seen_guild AS SELECT * FROM stored_guild WHERE deleted_at IS NULL;
        CREATE VIEW seen_task AS SELECT * FROM "table" t WHERE EXISTS (
            SELECT FROM seen_guild g WHERE (g.realm, g."order") = (t.realm, t.guild_number) AND g.open)
            OR EXISTS (SELECT FROM seen_member m WHERE m.id = t.owner_id AND m."from" = '{caller}')
    """  # noqa: S608 - the test's own names


async def fill_guilds(gateway: RunningGateway, seed: int = 3) -> None:
    """Store guilds, some of them closed, deleted or without a parent; people in them; and tasks."""
    draw = random.Random(seed)  # noqa: S311 - the same each time
    resources = {one.name: one for one in gateway.schema.resources.values()}
    keys = [(realm, number) for realm in ("east", "west") for number in (1, 2, 3, 4)]
    guilds = [_guild(i, key, keys[:i], draw) for i, key in enumerate(keys)]
    await insert(gateway, resources["Guild"], guilds)
    members = [_member(i, keys, draw) for i in range(1, 61)]
    await insert(gateway, resources["Member"], members)
    await insert(gateway, resources["Task"], [_task(i, keys, draw) for i in range(1, 41)])


def _guild(
    i: int, key: tuple[str, int], others: list[tuple[str, int]], draw: random.Random
) -> dict[str, Any]:
    realm, number = draw.choice([*others, (None, None), ("east", None)])
    return {
        "realm": key[0],
        "order": key[1],
        "select": f"G{i}",
        "open": i % 3 > 0,
        "parent_realm": realm,
        "parent_number": number,
        "deleted_at": "2024-01-01T00:00:00Z" if i == 5 else None,
    }


def _member(i: int, keys: list[tuple[str, int]], draw: random.Random) -> dict[str, Any]:
    realm, number = draw.choice([*keys, (None, 1)])
    return {
        "id": i,
        "realm": realm,
        "guild_number": number,
        "from": draw.choice(["ann", "bob", "cyd", "dan", ""]),
        "order": draw.choice([None, 0, 1, 2, 3]),
        "known": draw.random() < 0.6,
        "wage": draw.choice([None, 10, 20, 30]),
        "house": draw.choice(["", "red", "blue"]),
    }


def _task(i: int, keys: list[tuple[str, int]], draw: random.Random) -> dict[str, Any]:
    realm, number = draw.choice([*keys, (None, None)])
    return {
        "id": i,
        "realm": realm,
        "guild_number": number,
        "owner_id": draw.choice([None, *range(1, 61)]),
        "title": draw.choice(["", "dig", f"T{i}", "T1"]),
        "cost": draw.choice([None, 1, 4, 9]),
        "tags": draw.sample(["a", "b", "c"], draw.randrange(3)),
    }
