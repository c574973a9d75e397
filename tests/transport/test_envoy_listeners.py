"""Addresses and TLS of the Envoy transport."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import grpc
import pytest

from gateway.schema.tables import build_tables
from gateway.transport.envoy.installed import find_installed
from tests.harness.certificates import Certificate
from tests.harness.databases import Databases
from tests.harness.gateway import descriptors_of, schema_of
from tests.harness.process import ServerProcess

SERVING = b"\x08\x01"
CHECK = "/grpc.health.v1.Health/Check"
Start = Callable[..., Coroutine[Any, Any, ServerProcess]]


@pytest.fixture
async def start(databases: Databases) -> AsyncIterator[Start]:
    """Give what serves the ledger over Envoy, with settings by their flat names."""
    running: list[ServerProcess] = []
    dsn = await databases.copy_of("ledger", build_tables(schema_of("ledger")).metadata)

    async def started(**settings: Any) -> ServerProcess:
        given = {"dsn": dsn, "transport": "envoy", "listen": "127.0.0.1:0", "log_level": "error", **settings}
        running.append(await ServerProcess.start(descriptors_of("ledger"), given))
        return running[-1]

    yield started
    for server in running:
        await server.stop()


@pytest.fixture
def authority(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path, "authority")


async def health(channel: grpc.aio.Channel) -> bytes:
    async with channel:
        answer: bytes = await channel.unary_unary(CHECK)(b"", timeout=10)
        return answer


def test_what_is_needed_is_installed_here() -> None:
    installed = find_installed()
    assert installed.envoy.exists()
    assert installed.module.exists()
    assert installed.libpython.exists()


async def test_mutual_tls_serves_those_with_a_certificate_alone(
    start: Start, authority: Certificate, tmp_path: Path
) -> None:
    certificate = Certificate(tmp_path, "server", authority)
    files = {"tls_cert": certificate.cert_path, "tls_key": certificate.key_path}
    server = await start(**files, tls_client_ca=authority.cert_path)
    root = authority.cert_path.read_bytes()
    pair = (certificate.key_path.read_bytes(), certificate.cert_path.read_bytes())
    known = grpc.ssl_channel_credentials(root, *pair)
    assert await health(grpc.aio.secure_channel(server.target, known)) == SERVING
    unknown = grpc.aio.secure_channel(server.target, grpc.ssl_channel_credentials(root))
    for channel in (unknown, grpc.aio.insecure_channel(server.target)):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await health(channel)
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_several_addresses_are_one_server(start: Start, tmp_path: Path) -> None:
    socket = tmp_path / "rowgate.sock"
    server = await start(listen=f"127.0.0.1:0,unix:{socket}", max_connection_age=60)
    for target in (server.target, f"unix:{socket}"):
        assert await health(grpc.aio.insecure_channel(target)) == SERVING
    assert socket.stat().st_mode & 0o777 == 0o600
    assert len(await server.workers()) == 1


async def test_connections_past_the_limit_are_refused(start: Start) -> None:
    server = await start(max_connections=2)
    host, _, port = server.target.rpartition(":")
    held = [await asyncio.open_connection(host, int(port)) for _ in range(2)]
    reader, writer = await asyncio.open_connection(host, int(port))
    async with asyncio.timeout(10):
        assert await reader.read() == b""
    for _, opened in [*held, (reader, writer)]:
        opened.close()
