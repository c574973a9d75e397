"""All ways to change rows, one after the other: what is kept is as fresh as what is stored."""

import pytest

from tests.cache.garden import Gardener, changed, seen, stored
from tests.conftest import GatewayFor
from tests.replicas.caller import Caller

STEPS = 80


@pytest.mark.parametrize("seed", range(2))
async def test_whatever_this_process_changes_is_forgotten(gateway_for: GatewayFor, seed: int) -> None:
    gateway = await gateway_for("plots")
    caller, gardener = Caller(gateway.client), Gardener(seed)
    for _ in range(STEPS):
        request = gardener.change()
        await changed(caller, request)
        assert await seen(caller, "any") == await stored(gateway), request
