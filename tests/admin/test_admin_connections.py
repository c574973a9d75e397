"""Connections of the admin address: who uses them up keeps no probe out, and pages of others read nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.admin.server import MOST, AdminServer
from gateway.config.load import settings_of
from gateway.observe.call_record import CallsUnderWay
from gateway.observe.metrics.figures import Figures
from tests.harness.http import ask

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class _Nothing:
    """Tells nothing, once it may."""

    def __init__(self) -> None:
        self.may_tell = asyncio.Event()

    async def figures(self) -> Figures:
        await self.may_tell.wait()
        return {}

    async def calls(self) -> CallsUnderWay:
        return CallsUnderWay(())

    async def plan(self, statement: str) -> str | None:
        return statement

    async def is_ready(self) -> bool:
        return True


@pytest.fixture
async def admin() -> AsyncIterator[str]:
    """Return the address of a server that is asked for what it never has."""
    server = AdminServer(_Nothing(), settings_of(admin_listen="0"))
    await server.start()
    yield str(server.address)
    await server.stop()


@asynccontextmanager
async def _connected(admin: str, data: bytes) -> AsyncIterator[Streams]:
    host, _, port = admin.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(data)
        yield reader, writer
    finally:
        writer.transport.abort()


async def _live(admin: str, streams: Streams) -> bool:
    reader, writer = streams
    writer.write(f"GET /live HTTP/1.1\r\nhost: {admin}\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    return head.startswith(b"HTTP/1.1 200 ") and await reader.readexactly(5) == b"live\n"


@pytest.mark.parametrize(
    "data", [b"", b"G", b"GET /live HTTP/1.1\r\nx: ", b"GET /metrics HTTP/1.1\r\nhost: {}\r\n\r\n"]
)
async def test_connections_without_an_end_make_way_for_who_asks(admin: str, data: bytes) -> None:
    async with AsyncExitStack() as stack:
        sent = data.replace(b"{}", admin.encode())
        first = [await stack.enter_async_context(_connected(admin, sent)) for _ in range(MOST)]
        asking = await stack.enter_async_context(_connected(admin, b""))
        assert await _live(admin, asking)
        for _ in range(3):
            assert (await ask(admin, "GET", "/live")).body == b"live\n"
        # Those that have waited for longest have gone, and who has asked lately stays.
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await first[0][0].readexactly(1)
        for _ in range(MOST // 2):
            await stack.enter_async_context(_connected(admin, sent))
        assert await _live(admin, asking)


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
        ("https://{}", 403),
        ("http://{}.evil.example", 403),
        ("http://{}", 200),
        (None, 200),
    ],
)
async def test_a_page_of_another_origin_reads_no_calls_and_no_plans(
    admin: str, origin: str | None, status: int
) -> None:
    headers = {} if origin is None else {"origin": origin.format(admin)}
    for path in ("/debug/calls", "/debug/plan?statement=x"):
        assert (await ask(admin, "GET", path, headers=headers)).status == status
    assert (await ask(admin, "GET", "/ready", headers=headers)).status == 200
