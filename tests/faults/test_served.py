"""A failure, a cancellation or a delay at an await of gateway/db or gateway/transport leaves nothing."""

import asyncio
import gc
from typing import Any

import pytest

from gateway.cli.servers import SERVERS
from tests.faults.opcodes import faults
from tests.faults.served import ACTS, ENDS, PROTOCOLS, STREAMS, served
from tests.harness.databases import Databases

EVERY = {**dict.fromkeys(SERVERS, 61), "bulk": 97, "web": 211}
"""The soak tries them all; none goes into the number of acts, nor that of the times. Nearly all awaits of
pages' calls are come by over gRPC too."""
EVERY_END = 23
"""As above."""


@pytest.mark.parametrize("protocols", PROTOCOLS)
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_calls_end_whatever_happens_where_they_wait(databases: Databases, protocols: str) -> None:
    """No caller hangs; no connection, permit, place or task is left; what was told as stored is stored."""
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    async with served(databases, protocols) as gateway:
        sites = await gateway.sites()
        wrong = [await gateway.fails(fault) for fault in faults(sites, ACTS, every=EVERY[protocols])]
    assert not list(filter(None, wrong))
    gc.collect()
    assert not [context for context in complaints if "never retrieved" in context["message"]]


@pytest.mark.parametrize("transport", sorted(SERVERS))
@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
async def test_nothing_is_left_of_a_stream_that_is_ended_anywhere(
    databases: Databases, transport: str
) -> None:
    """Its client leaves, or its time is up: no connection, cursor, place or task is left."""
    async with served(databases, transport) as gateway:
        wrong = [
            await gateway.leaves(method, fault)
            for method in STREAMS
            for fault in faults(await gateway.sites_of(method), ENDS, every=EVERY_END)
        ]
    assert not list(filter(None, wrong))
