"""Rows that are kept: which reads they answer, and what has them forgotten."""

import itertools
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cache.shelf import SHELVES, Shelves
from tests.conftest import GatewayFor
from tests.harness.callers import Caller as Key
from tests.harness.callers import clients_of, write_keys
from tests.harness.client import RpcFailed
from tests.harness.polling import next_poll
from tests.replicas.caller import Caller

CHANGES: Mapping[str, Mapping[str, Any]] = {
    "UpdateShelf": {"shelf": {"id": 1, "name": "new"}},
    "UpdateShelf once": {
        "shelf": {"id": 1, "name": "new"},
        "request_id": "0e6b5c3a-40d5-4e6b-8d14-5a6a2f1f7c11",
    },
    "BulkUpsertShelves": {"shelves": [{"id": 1, "name": "new"}, {"id": 2, "name": "other"}]},
    "Rename": {"name": "new"},
}


@pytest.fixture
async def shelves(gateway_for: GatewayFor) -> Shelves:
    """Serve a shelf that was read once."""
    gateway = await gateway_for("shelves")
    await gateway.sql("INSERT INTO shelf VALUES (1, 'old')")
    found = Shelves(gateway)
    assert await found.name() == "old"
    return found


async def test_reads_that_need_not_be_of_the_primary_are_answered_from_memory(shelves: Shelves) -> None:
    await shelves.rename_unheard("unheard")
    assert [await shelves.name(one) for one in ("any", "bounded=60s")] == ["old", "old"]
    assert await shelves.name("strong") == "unheard"
    assert await shelves.name("any") == "unheard"  # what was read since is kept


async def test_ways_to_read_a_row_are_kept_apart(shelves: Shelves) -> None:
    await shelves.rename_unheard("unheard")
    masked = await shelves.caller.call(f"{SHELVES}/GetShelf", consistency="any", id=1, read_mask="name")
    assert [masked.name, await shelves.name()] == ["unheard", "old"]


@pytest.mark.parametrize("change", CHANGES)
async def test_what_the_gateway_changes_is_forgotten(shelves: Shelves, change: str) -> None:
    await shelves.caller.call(f"{SHELVES}/{change.partition(' ')[0]}", **CHANGES[change])
    assert await shelves.name() == "new"


async def test_a_row_that_is_gone_is_forgotten_with_those_that_go_along(shelves: Shelves) -> None:
    tome = {"shelf": 1, "place": 1}
    caller = shelves.caller
    await caller.call(f"{SHELVES}/CreateTome", tome={**tome, "title": "T"})
    assert (await caller.call(f"{SHELVES}/GetTome", consistency="any", **tome)).title == "T"
    await caller.call(f"{SHELVES}/DeleteShelf", id=1, force=True)
    for read in (shelves.name(), caller.call(f"{SHELVES}/GetTome", consistency="any", **tome)):
        with pytest.raises(RpcFailed) as missing:
            await read
        assert missing.value.reason == "ROW_NOT_FOUND"


async def test_a_token_is_answered_by_rows_that_were_read_since(shelves: Shelves) -> None:
    await shelves.rename_unheard("unheard")
    _, told = await shelves.caller.told(f"{SHELVES}/CreateShelf", shelf={"id": 2, "name": "another"})
    assert told.startswith("at-least=")
    assert await shelves.name("any") == "old"
    assert await shelves.name(told) == "unheard"
    for number in itertools.count():  # once the log goes on, and the primary was heard of
        found = await shelves.name(told)
        await shelves.rename_unheard(f"again {number}")
        if await shelves.name(told) == found:
            break
        await next_poll()


async def test_a_bound_is_met(shelves: Shelves) -> None:
    await shelves.rename_unheard("unheard")
    while await shelves.name("bounded=500ms") != "unheard":
        await next_poll()


async def test_nothing_is_kept_where_there_is_no_room(gateway_for: GatewayFor) -> None:
    gateway = await gateway_for("shelves", cache_max_bytes=0)
    await gateway.sql("INSERT INTO shelf VALUES (1, 'old')")
    found = Shelves(gateway)
    assert await found.name() == "old"
    await found.rename_unheard("unheard")
    assert await found.name() == "unheard"


@pytest.fixture
async def readers(gateway_for: GatewayFor, tmp_path: Path) -> AsyncIterator[Mapping[str, Caller]]:
    """Serve a tome of ann's, to her and to bob."""
    keys = write_keys(tmp_path / "keys.json", [Key("ann"), Key("bob")])
    gateway = await gateway_for("shelves", auth_providers="api_key", auth_api_keys=tmp_path / "keys.json")
    await gateway.sql("INSERT INTO shelf VALUES (1, 'old')")
    await gateway.sql("INSERT INTO tome VALUES (1, 1, 'mine', 'ann')")
    async with clients_of(gateway, "shelves", keys) as clients:
        yield {name: Caller(client) for name, client in clients.items()}


async def test_nobody_is_answered_with_another_s_row(readers: Mapping[str, Caller]) -> None:
    for _ in range(2):
        found = await readers["ann"].call(f"{SHELVES}/GetTome", consistency="any", shelf=1, place=1)
        assert found.title == "mine"
        with pytest.raises(RpcFailed) as missing:
            await readers["bob"].call(f"{SHELVES}/GetTome", consistency="any", shelf=1, place=1)
        assert missing.value.reason == "ROW_NOT_FOUND"
