"""What a change makes of stored rows is held to `update_check`, also where PostgreSQL alone knows it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import Client, RpcFailed
from tests.harness.databases import Databases
from tests.harness.gateway import start_gateway

SERVICE = "offices.v1.DeskService"
HIGHER = [{"field": "level", "increment": 4}]


@pytest.fixture
async def ann(databases: Databases, tmp_path: Path, transport: str) -> AsyncIterator[Client]:
    """Give the client of somebody with a desk of level 6; it may have none above 8."""
    keys = write_keys(tmp_path / "keys.json", [Caller("ann", ["editor"], {"tenant": "t"})])
    given = {"auth_providers": "api_key", "auth_api_keys": tmp_path / "keys.json"}
    gateway = await start_gateway("offices", databases, transport=transport, **given)
    await gateway.sql(
        "INSERT INTO desk (id, tenant, owner, label, badge, level, public, author)"
        " VALUES (1, 't', 'ann', 'a', 'b', 6, true, 'ann')"
    )
    async with clients_of(gateway, "offices", keys) as clients:
        yield clients["ann"]
    await gateway.stop()


CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "a transform": ("UpdateDesk", {"desk": {"id": 1}, "transforms": HIGHER}),
    "a batch's transform": (
        "BatchUpdateDesks",
        {"requests": [{"desk": {"id": 1}, "transforms": HIGHER}]},
    ),
    "a filter's transform": (
        "UpdateDesksByFilter",
        {"filter": "id = 1", "max_rows": 9, "transforms": HIGHER},
    ),
    "a filter's value": (
        "UpdateDesksByFilter",
        {"filter": "id = 1", "max_rows": 9, "desk": {"level": 9}, "update_mask": "level"},
    ),
}


@pytest.mark.parametrize(("method", "request_"), CHANGES.values(), ids=CHANGES)
async def test_what_is_made_is_checked(ann: Client, method: str, request_: dict[str, Any]) -> None:
    with pytest.raises(RpcFailed) as failed:
        await ann.call(f"{SERVICE}/{method}", request_)
    assert failed.value.reason == "ROW_NOT_ALLOWED", failed.value
    assert (await ann.call(f"{SERVICE}/GetDesk", {"id": 1})).level == 6
