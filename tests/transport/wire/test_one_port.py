"""HTTP/1.1 and HTTP/2 on one port, as clients ask for them."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from ssl import create_default_context
from time import monotonic
from typing import Any

import pytest

from gateway.transport import http_server
from gateway.transport.http_server import HttpServer
from tests.harness.certificates import Certificate
from tests.harness.polling import next_poll
from tests.transport.conftest import GET, Gate, Serve, Served, serving_by
from tests.transport.wire.http1.conftest import Client, until
from tests.transport.wire.http2.answering import Answering

PATH = f"/{GET}"
HEADERS = {"content-type": "application/json"}
SECONDS = 60


@pytest.fixture
async def serving() -> AsyncIterator[Serve]:
    """Give what starts a server around a handler, with settings by their flat names."""
    async with serving_by(HttpServer) as start:
        yield start


@asynccontextmanager
async def connected(target: str) -> AsyncIterator[Client]:
    """Give a client of raw bytes."""
    name, port = target.split(":")
    reader, writer = await asyncio.open_connection(name, int(port))
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


def connections_of(served: Served) -> set[Any]:
    """Return those that are open."""
    assert isinstance(served.server, HttpServer)
    return served.server._context.connections


def call_to(target: str) -> bytes:
    """Return a call over HTTP/1.1."""
    head = f"POST {PATH} HTTP/1.1\r\nhost: {target}\r\ncontent-type: application/json\r\n"
    return f"{head}content-length: 2\r\n\r\n{{}}".encode()


async def curl(*arguments: str) -> tuple[str, str]:
    """Return the version and the status that curl tells."""
    command = ("curl", "--silent", "--max-time", str(SECONDS), "--output", "-", *arguments)
    out = ("--write-out", "\n%{http_version} %{http_code}")
    done = await asyncio.to_thread(
        subprocess.run, (*command, *out), capture_output=True, text=True, check=False
    )
    version, status = done.stdout.rpartition("\n")[2].split()
    return version, status


@pytest.mark.parametrize("version", ["--http1.1", "--http1.0", "--http2-prior-knowledge", "--http2"])
async def test_curl_is_answered_in_its_version(serving: Serve, version: str) -> None:
    """Where it asks for an upgrade, it is answered in the version that it asks in."""
    server = await serving(Answering())
    told = {"--http2-prior-knowledge": "2", "--http1.0": "1.1"}.get(version, "1.1")
    body = ("--json", "{}", f"http://{server.target}{PATH}")
    assert await curl(version, *body) == (told, "200")
    assert (await curl(version, f"http://{server.target}/nowhere"))[1] == "404"
    misdirected = ("--header", "host: evil.example", f"http://{server.target}/nowhere")
    assert (await curl(version, *misdirected))[1] == "421"


@pytest.mark.parametrize(("version", "told"), [("--http1.1", "1.1"), ("--http2", "2"), ("--no-alpn", "1.1")])
async def test_curl_is_answered_over_tls(serving: Serve, tmp_path: Path, version: str, told: str) -> None:
    authority = Certificate(tmp_path, "authority")
    own = Certificate(tmp_path, "server", authority)
    server = await serving(Answering(), tls_cert=own.cert_path, tls_key=own.key_path)
    trust = ("--cacert", str(authority.cert_path))
    assert await curl(version, *trust, "--json", "{}", f"https://{server.target}{PATH}") == (told, "200")


async def test_a_server_takes_up_changed_tls_files_and_keeps_its_connections(
    serving: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "_TICK_SECONDS", 0.02)
    authority = Certificate(tmp_path, "authority")
    own = Certificate(tmp_path, "server", authority)
    server = await serving(Answering(), tls_cert=own.cert_path, tls_key=own.key_path)
    name, port = server.target.split(":")
    context = create_default_context(cafile=authority.cert_path)

    async def serial() -> str:
        _, writer = await asyncio.open_connection(name, int(port), ssl=context)
        writer.transport.abort()
        return str(writer.get_extra_info("peercert")["serialNumber"])

    reader, writer = await asyncio.open_connection(name, int(port), ssl=context)
    before = await serial()
    Certificate(tmp_path, "server", authority)
    async with asyncio.timeout(SECONDS):
        while await serial() == before:
            await next_poll()
    writer.write(call_to(server.target))
    assert (await Client(reader, writer).answer()).startswith(b"HTTP/1.1 200 ")
    writer.transport.abort()


async def test_a_client_of_the_standard_library_calls_over_and_over(serving: Serve, tmp_path: Path) -> None:
    own = Certificate(tmp_path, "server")
    trust = create_default_context(cafile=own.cert_path)
    plain = await serving(Answering())
    tls = await serving(Answering(), tls_cert=own.cert_path, tls_key=own.key_path)

    def ask(client: HTTPConnection) -> list[int]:
        statuses = []
        for _ in range(20):
            client.request("POST", PATH, b"{}", HEADERS)
            response = client.getresponse()
            json.loads(response.read())
            statuses.append(response.status)
        client.close()
        return statuses

    for client in (
        HTTPConnection(plain.target, timeout=SECONDS),
        HTTPSConnection(tls.target, timeout=SECONDS, context=trust),
    ):
        assert await asyncio.to_thread(ask, client) == [200] * 20


async def test_a_client_over_http_1_1_that_goes_away_cancels_its_call(serving: Serve) -> None:
    gate = Gate()
    server = await serving(gate)
    async with connected(server.target) as client:
        client.write(call_to(server.target))
        await gate.arrived(1)
    async with asyncio.timeout(SECONDS):
        await gate.cancelled.wait()


async def test_a_stop_waits_for_a_call_over_http_1_1(serving: Serve) -> None:
    gate = Gate()
    server = await serving(gate)
    async with connected(server.target) as idle, connected(server.target) as client:
        client.write(call_to(server.target))
        await gate.arrived(1)
        stopping = asyncio.ensure_future(server.server.stop(SECONDS))
        await until(lambda: any(getattr(one, "closes", False) for one in connections_of(server)))
        gate.opened.set()
        answer = await client.rest()
        assert await idle.rest() == b""
        async with asyncio.timeout(SECONDS):
            await stopping
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nconnection: close\r\n" in answer


@pytest.mark.parametrize("sent", [b"", b"PR"])
async def test_the_first_bytes_have_to_come_in_time(serving: Serve, sent: bytes) -> None:
    server = await serving(Answering())
    async with connected(server.target) as client:
        client.write(sent)
        await until(lambda: len(connections_of(server)) == 1)
        (connection,) = connections_of(server)
        connection.tick(monotonic() + 9)
        assert connections_of(server)
        connection.tick(monotonic() + 11)
        with suppress(ConnectionError):
            assert await client.rest() == b""
