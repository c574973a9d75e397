"""Rows that gateways keep together, of callers who may see different ones."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.schema.tables.metadata import build_tables
from tests.cache.conftest import ALONE, SECRET
from tests.cache.shelf import SHELVES
from tests.cache.store import Store
from tests.harness.callers import Caller as Key
from tests.harness.callers import clients_of, write_keys
from tests.harness.client import RpcFailed
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import schema_of, serve
from tests.harness.polling import next_poll
from tests.replicas.caller import Caller

TOME = {"shelf": 1, "place": 1}


@pytest.fixture
async def readers(
    databases: Databases, store: Store, transport: str, tmp_path: Path
) -> AsyncIterator[tuple[Mapping[str, Caller], Mapping[str, Caller]]]:
    """Serve a tome of ann's twice, to her and to bob."""
    keys = write_keys(tmp_path / "keys.json", [Key("ann"), Key("bob")])
    dsn = await databases.copy_of("shelves", build_tables(schema_of("shelves")).metadata)
    await fetch(dsn, "INSERT INTO shelf VALUES (1, 'old')")
    await fetch(dsn, "INSERT INTO tome VALUES (1, 1, 'mine', 'ann')")
    common = {"secret": SECRET, "cache_url": store.url, "cache_timeout": 10, **ALONE}
    auth = {"auth_providers": "api_key", "auth_api_keys": tmp_path / "keys.json"}
    async with AsyncExitStack() as opened:
        callers = []
        for _ in range(2):
            gateway = await serve("shelves", dsn, transport=transport, **common, **auth)
            opened.push_async_callback(gateway.stop)
            clients = await opened.enter_async_context(clients_of(gateway, "shelves", keys))
            callers.append({name: Caller(client) for name, client in clients.items()})
        yield callers[0], callers[1]


async def test_nobody_is_answered_with_another_s_shared_row(
    store: Store, readers: tuple[Mapping[str, Caller], Mapping[str, Caller]]
) -> None:
    one, _ = readers
    while not store.rows():
        await one["ann"].call(f"{SHELVES}/GetTome", consistency="any", **TOME)
        await next_poll()
    for each in readers:
        found = await each["ann"].call(f"{SHELVES}/GetTome", consistency="any", **TOME)
        assert found.title == "mine"
        with pytest.raises(RpcFailed) as missing:
            await each["bob"].call(f"{SHELVES}/GetTome", consistency="any", **TOME)
        assert missing.value.reason == "ROW_NOT_FOUND"
