"""bench/load makes the calls that it says, against a real server."""

import asyncio
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.wrappers_pb2 import Int64Value

from bench import golang
from bench.load_generator import Load, Requests, idle_connections, load
from gateway.config.load import settings_of
from gateway.transport.http_server import HttpServer
from gateway.transport.served_api import ServedApi

METHOD = "/test.Echo/Echo"
Behaviour = Callable[[bytes, Any], Awaitable[bytes]]

pytestmark = pytest.mark.usefixtures("programs")


@asynccontextmanager
async def serving(behaviour: Behaviour) -> AsyncIterator[str]:
    """Serve one method that takes and gives bytes; yield its address."""
    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(behaviour)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {"Echo": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def requests_of(folder: Path, count: int) -> Requests:
    """Write so many different requests."""
    return Requests.write(METHOD, (Int64Value(value=n + 1) for n in range(count)), folder / "requests")


def open_files() -> int:
    """Return how many files and sockets this process has open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_count_every_call_and_vary_the_request(tmp_path: Path) -> None:
    seen: Counter[int] = Counter()
    most = under_way = 0

    async def echo(request: bytes, _context: Any) -> bytes:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        seen[Int64Value.FromString(request).value] += 1
        await asyncio.sleep(0)
        under_way -= 1
        return request

    async with serving(echo) as address:
        found = await load(address, Load(requests_of(tmp_path, 5), 8, 1.0, connections=3))
    assert found.calls == seen.total() > 40
    assert set(seen) == {1, 2, 3, 4, 5}
    assert 1 < most <= 8
    assert found.failures == {}
    assert 0 < found.latency["p50"] <= found.latency["p99"] <= found.latency["p999"]


async def test_tell_many_failures(tmp_path: Path) -> None:
    async def refuse(request: bytes, context: Any) -> bytes:
        if Int64Value.FromString(request).value == 1:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is none")
        return request

    async with serving(refuse) as address:
        with pytest.raises(RuntimeError, match=r"failed, by status: {'5': \d+}"):
            await load(address, Load(requests_of(tmp_path, 2), 4, 0.2))


async def test_take_more_than_the_window(tmp_path: Path) -> None:
    size = 20 * 2**20  # the window is 16 MiB

    async def much(_request: bytes, _context: Any) -> bytes:
        return bytes(size)

    async with serving(much) as address:
        found = await load(address, Load(requests_of(tmp_path, 1), 2, 0.1, connections=1))
    assert found.calls >= 2


async def test_send_whole_requests_over_http1(tmp_path: Path) -> None:
    seen: Counter[bytes] = Counter()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                seen[asked] += 1
                body = b'{"errors": []}' if b"bad" in asked else b"{}"
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        writer.close()

    gets = [f"GET /{name} HTTP/1.1\r\nhost: a\r\n\r\n".encode() for name in ("one", "two", "bad")]
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        requests = Requests.write_http1(gets[:2], tmp_path / "requests")
        assert requests.first() == gets[0]
        found = await load(address, Load(requests, 16, 0.2))
        assert found.calls == seen.total() >= 16
        assert set(seen) == set(gets[:2])
        with pytest.raises(RuntimeError, match=r"failed, by status: {'graphql': \d+}"):
            await load(address, Load(Requests.write_http1(gets, tmp_path / "bad"), 16, 0.2))


async def test_send_whole_requests_over_http2(tmp_path: Path) -> None:
    given = settings_of(listen="127.0.0.1:0")
    api = ServedApi({}, FileDescriptorSet(), given.server, given.limits, authorization=None)
    server = HttpServer(api, given)
    await server.start()
    address = str(server.addresses[0])
    gets = [
        f"GET {path} HTTP/1.1\r\nhost: localhost\r\nx-more: a\r\n\r\n".encode()
        for path in ("/openapi.json", "/openapi.json?again", "/nowhere")
    ]
    try:
        requests = Requests.write_http1(gets[:2], tmp_path / "requests")
        found = await load(address, Load(replace(requests, http2=True), 16, 0.2, connections=3))
        assert (found.calls >= 16, found.failures) == (True, {})
        missed = replace(Requests.write_http1(gets, tmp_path / "bad"), http2=True)
        with pytest.raises(RuntimeError, match=r"failed, by status: {'http 404': \d+}"):
            await load(address, Load(missed, 16, 0.2))
    finally:
        await server.stop(0)


async def test_tell_that_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="refused"):
        await load("127.0.0.1:1", Load(requests_of(tmp_path, 1), 1, 0.1))


async def test_hold_idle_connections(tmp_path: Path) -> None:
    async def echo(request: bytes, _context: Any) -> bytes:
        return request

    async with serving(echo) as address:
        before = open_files()
        async with idle_connections(address, 50):
            assert open_files() >= before + 50
            assert (await load(address, Load(requests_of(tmp_path, 1), 1, 0.1))).calls


def test_pass_gos_own_checks() -> None:
    for command in (["vet", "./..."], ["test", "./load"]):
        done = subprocess.run(
            ["go", *command], cwd=golang.FOLDER, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
