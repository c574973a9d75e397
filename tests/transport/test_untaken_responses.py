"""A stream whose client has no room for its first response: whatever ends the call, its caller is told."""

import asyncio
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import grpc
import pytest

from gateway.app import Gateway
from gateway.config.load import settings_of
from gateway.schema.tables.metadata import build_tables
from gateway.transport.server import ServerFactory
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.frames import frame
from gateway.transport.wire.http2.settings import INITIAL_WINDOW_SIZE
from tests.harness.databases import Databases, fetch
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.polling import next_poll
from tests.transport.wire.http2.peer import Peer, peer_of

STREAM = "/flow.v1.EventService/StreamEvents"
ROOM = 2**20
OPEN = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
    "AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
)


@dataclass(frozen=True, slots=True)
class Untaken:
    """A call whose response is made and can't be sent.

    Args:
        target: the gateway's address.
        peer: its client.
        stream: the number of its stream.
        database: a connection past the gateway.

    """

    target: str
    peer: Peer
    stream: int
    database: asyncpg.Connection

    async def given_up(self) -> None:
        """Wait until the call has no query open any more."""
        async with asyncio.timeout(60):
            while await self.database.fetch(OPEN):
                await next_poll()
                await self.database.execute("SELECT pg_stat_clear_snapshot()")

    async def status(self) -> grpc.StatusCode:
        """Make room; return the status that comes after the response."""
        self.peer.send(_windows(ROOM))
        answered = await self.peer.answer(self.stream)
        assert answered.body
        code = int(answered.headers[b"grpc-status"])
        return next(status for status in grpc.StatusCode if status.value[0] == code)


def _windows(size: int) -> bytes:
    """Return a SETTINGS frame that gives each stream so much room."""
    return frame(frames.SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, size))


@asynccontextmanager
async def untaken(
    databases: Databases, make_server: ServerFactory, **settings: float
) -> AsyncIterator[Untaken]:
    """Serve an event, and call for it."""
    dsn = await databases.copy_of("flow", build_tables(schema_of("flow")).metadata)
    await fetch(dsn, "INSERT INTO event (id, name, amount, version) VALUES (1, 'only', 1, 1)")
    given = {"dsn": dsn, "listen": "127.0.0.1:0", "log_access": "none", **settings}
    gateway = await Gateway.start(descriptors_of("flow"), settings_of(**given), make_server)
    database = await asyncpg.connect(dsn)
    try:
        target = f"127.0.0.1:{gateway.port}"
        async with peer_of(target, greet=(_windows(0),)) as peer:
            stream = peer.call(STREAM)
            # Its headers come when the response is made.
            await peer.until(lambda: bool(peer.outcome(stream).headers))
            yield Untaken(target, peer, stream, database)
    finally:
        await database.close()
        await gateway.stop(grace=0)


async def test_a_client_that_takes_nothing(databases: Databases, make_server: ServerFactory) -> None:
    async with untaken(databases, make_server, stream_send_timeout=0.2) as call:
        await call.given_up()
        assert await call.status() is grpc.StatusCode.UNAVAILABLE


async def test_a_deadline(databases: Databases, make_server: ServerFactory) -> None:
    async with untaken(databases, make_server, stream_deadline=0.5) as call:
        await call.given_up()
        assert await call.status() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_client_that_leaves_before_it_is_told_why_leaves_nothing_in_the_log(
    databases: Databases, make_server: ServerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async with untaken(databases, make_server, stream_send_timeout=0.2) as call:
        await call.given_up()
        # The status waits behind the response; grpc core fails to send it.
        call.peer.leave()
        async with peer_of(call.target) as other:
            assert (await other.answer(other.call("/nothing.v1.Nothing/Nothing"))).ended
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []
