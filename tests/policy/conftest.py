"""What the tests of policies share."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.harness.callers import clients_of, write_keys
from tests.harness.gateway import RunningGateway
from tests.policy.shared_notes import CALLERS, STORED, Shared


@pytest.fixture
async def shared(
    gateway_for: Callable[..., Awaitable[RunningGateway]], tmp_path: Path
) -> AsyncIterator[Shared]:
    path = tmp_path / "keys.json"
    keys = write_keys(path, CALLERS)
    gateway = await gateway_for("shared", auth_providers="api_key", auth_api_keys=path)
    for number, tenant, owner, title, public in STORED:
        await gateway.sql(
            "INSERT INTO note (id, tenant, owner, title, public, text, version) "
            "VALUES ($1, $2, $3, $4, $5, '', 1)",
            *(number, tenant, owner, title, public),
        )
    async with clients_of(gateway, "shared", keys) as clients:
        yield Shared(gateway, clients)
