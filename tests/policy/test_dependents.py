"""Rows that refer to one that is deleted, where their table has a policy of its own."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.harness.callers import Caller, clients_of, write_keys
from tests.harness.client import RpcFailed
from tests.harness.gateway import RunningGateway

LEASES = "estates.v1.LeaseService"


async def test_force_is_not_advised_to_who_sent_it(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> None:
    keys = write_keys(tmp_path / "keys.json", [Caller("ann", claims={"org": {"tenant": "acme"}})])
    gateway = await gateway_for("estates", auth_providers="api_key", auth_api_keys=tmp_path / "keys.json")
    async with clients_of(gateway, "estates", keys) as clients:
        mine: dict[str, Any] = {"tenant": "acme", "holder": "ann"}
        await clients["ann"].call(f"{LEASES}/CreateLease", lease={"id": "a", **mine})
        await clients["ann"].call(f"{LEASES}/CreateLease", lease={"id": "b", "after": "a", **mine})
        for force in (False, True):
            with pytest.raises(RpcFailed) as failed:
                await clients["ann"].call(f"{LEASES}/DeleteLease", id="a", force=force)
            assert (failed.value.reason, failed.value.metadata) == ("ROW_IS_REFERENCED", {"table": "lease"})
            assert ("force" in failed.value.message) is not force
