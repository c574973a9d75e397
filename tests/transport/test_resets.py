"""A caller that goes away takes its query along, at once, over each transport."""

import asyncio
from collections.abc import AsyncIterator
from time import monotonic

import asyncpg
import grpc
import pytest

from gateway.observe.call_record import CallRecord
from gateway.transport.exchange import Exchange
from gateway.transport.grpcio.handlers import _ContextChannel
from tests.conftest import gateways
from tests.harness.databases import Databases
from tests.harness.gateway import RunningGateway
from tests.transport.conftest import SERVICE, locked, until_waiting

PROMPT = 0.5
"""Seconds within which at least one of the rounds ends: how long the others take says more of the machine."""
ROUNDS = 9


@pytest.fixture(scope="module")
async def ledger(databases: Databases, transport: str) -> AsyncIterator[RunningGateway]:
    """Serve the ledger over each transport, once."""
    async with gateways(databases, transport=transport, apart=True) as start:
        yield await start("ledger")


async def _seconds_until_gone(ledger: RunningGateway, method: str, connection: asyncpg.Connection) -> float:
    request = ledger.client.message(f"ledger.v1.{method}Request").SerializeToString()
    call = ledger.client.channel.unary_unary(f"/{SERVICE}/{method}")(request, timeout=30)
    await until_waiting(connection, 1)
    began = monotonic()
    call.cancel()
    await until_waiting(connection, 0)
    return monotonic() - began


@pytest.mark.parametrize("method", ["ListAccounts", "CountAccounts", "GetAccount"])
async def test_a_reset_ends_the_query(ledger: RunningGateway, method: str) -> None:
    async with locked(ledger.dsn) as connection:
        seconds = [await _seconds_until_gone(ledger, method, connection) for _ in range(ROUNDS)]
    assert min(seconds) < PROMPT, seconds


async def test_a_caller_that_is_found_gone_while_writing_is_one_that_cancelled() -> None:
    class Gone:
        async def send_initial_metadata(self, _metadata: object) -> None:
            pass

        async def write(self, _message: bytes) -> None:
            raise grpc.aio.InternalError

    with pytest.raises(asyncio.CancelledError):
        await _ContextChannel(Gone(), Exchange(b"", CallRecord("", ""), 0.0), limit=0).send(b"")
