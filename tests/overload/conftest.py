"""Gateways to be loaded: in processes of their own, so that what makes the calls doesn't slow them down."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.overload.slow import fill

StartBusy = Callable[..., Awaitable[RunningGateway]]


@pytest.fixture
async def start_busy(databases: Databases) -> AsyncIterator[StartBusy]:
    """Serve tests/schemas/busy with rows in both tables, by settings; it is stopped after the test."""
    async with gateways(databases, apart=True) as start:

        async def start_filled(**settings: object) -> RunningGateway:
            gateway = await start("busy", **settings)
            await fill(gateway)
            return gateway

        yield start_filled
