"""The four call kinds, metadata, deadlines and cancellation of the ASGI server, in Envoy."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import closing
from time import monotonic
from typing import Any

import grpc
import pytest

from gateway.config.load import settings_of
from gateway.transport.envoy.admin import is_accepting
from gateway.transport.envoy.bootstrap import Hosting
from gateway.transport.envoy.command import command
from gateway.transport.envoy.installed import find_installed
from gateway.transport.envoy.sockets import HeldAddresses
from tests.harness.mounted import lay_files
from tests.harness.polling import next_look
from tests.transport.echo import LIMIT

OK = grpc.StatusCode.OK
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@pytest.fixture(scope="module")
async def target(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Run the echo service in Envoy; return its address."""
    folder = tmp_path_factory.mktemp("envoy")
    installed, settings = find_installed(), settings_of(listen="127.0.0.1:0", log_format="json")
    with closing(HeldAddresses(settings.server.listen)) as held:
        hosting = Hosting("tests.transport.echo:application", installed.module, "admin.sock", held.numeric)
        lay_files(folder, hosting, settings)
        process = await asyncio.create_subprocess_exec(
            *command(installed, settings.log), cwd=folder, env={**os.environ, **installed.environment}
        )
        async with asyncio.timeout(30):
            while not await is_accepting(folder / "admin.sock"):  # noqa: ASYNC110 - another process's state
                await asyncio.sleep(0.01)
        yield str(held.told[0])
        process.terminate()
        assert await process.wait() == 0


@pytest.fixture
async def channel(target: str) -> AsyncIterator[grpc.aio.Channel]:
    """Return a channel to the echo service."""
    async with grpc.aio.insecure_channel(target, options=OPTIONS) as opened:
        yield opened


def unary(channel: Any, method: str = "Unary") -> Any:
    return channel.unary_unary(f"/echo.Echo/{method}")


async def counted(channel: Any) -> list[int]:
    """Return how many calls wait and how many were cancelled."""
    return [int(number) for number in (await unary(channel, "Count")(b"")).split()]


async def until_waiting(channel: Any, calls: int) -> None:
    async with asyncio.timeout(10):
        while (await counted(channel))[0] != calls:
            await next_look()


async def test_every_kind_of_call(channel: Any) -> None:
    async def sent() -> AsyncIterator[bytes]:
        for number in range(100):
            yield b"x" * number

    assert await unary(channel)(b"hello") == b"hello"
    assert await channel.stream_unary("/echo.Echo/In")(sent()) == b"4950"
    out = channel.unary_stream("/echo.Echo/Out")(b"1000")
    assert [int(number) async for number in out] == list(range(1000))
    both = channel.stream_stream("/echo.Echo/Both")(sent())
    assert [len(message) async for message in both] == list(range(100))


async def test_both_sides_of_a_stream_may_take_turns(channel: Any) -> None:
    call = channel.stream_stream("/echo.Echo/Both")()
    for message in (b"", b"a", b"b" * 100_000):
        await call.write(message)
        assert await call.read() == message
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is OK


async def test_metadata_comes_back_at_both_ends(channel: Any) -> None:
    sent = (("echo-text", "a, b"), ("echo-some-bin", bytes(range(256))), ("echo-text", "c"))
    call = unary(channel)(b"", metadata=sent)
    for metadata in (await call.initial_metadata(), await call.trailing_metadata()):
        assert sorted(item for item in metadata if item[0].startswith("echo")) == sorted(sent)


async def test_an_abort_keeps_its_text_and_metadata(channel: Any) -> None:
    call = unary(channel)(b"fail", metadata=(("echo-some-bin", b"\x00\xff"),))
    assert (await call.code(), await call.details()) == (grpc.StatusCode.DATA_LOSS, "gone: ümlaut\n%")
    assert dict(await call.trailing_metadata())["echo-some-bin"] == b"\x00\xff"


async def test_what_a_handler_raises_stays_inside(channel: Any) -> None:
    call = unary(channel)(b"raise")
    assert await call.code() is grpc.StatusCode.UNKNOWN
    assert "callers" not in await call.details()


async def test_a_message_of_any_size_up_to_the_limit(channel: Any) -> None:
    for size in (0, 1, 16_384, 65_536, LIMIT):
        message = os.urandom(size)
        assert await unary(channel)(message) == message
        assert await unary(channel)(message, compression=grpc.Compression.Gzip) == message
    assert await unary(channel)(b"large") == bytes(LIMIT)
    assert await unary(channel)(bytes(LIMIT + 1)).code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_the_deadline_is_the_caller_s(channel: Any) -> None:
    assert 8 < float(await unary(channel)(b"remaining", timeout=9)) < 9.1  # the loop's clock is coarse
    assert await unary(channel)(b"remaining") == b"None"
    began = monotonic()
    assert await unary(channel, "Wait")(b"", timeout=0.3).code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert monotonic() - began < 2
    await until_waiting(channel, 0)


async def test_a_reset_cancels_the_handler_at_once(channel: Any) -> None:
    _, before = await counted(channel)
    calls = [unary(channel, "Wait")(b"") for _ in range(50)]
    await until_waiting(channel, 50)
    for call in calls:
        call.cancel()
    began = monotonic()
    await until_waiting(channel, 0)
    assert monotonic() - began < 0.5
    assert (await counted(channel))[1] == before + 50


async def test_a_connection_that_goes_cancels_its_calls(channel: Any, target: str) -> None:
    async with grpc.aio.insecure_channel(target, options=[("grpc.use_local_subchannel_pool", 1)]) as other:
        waiting = unary(other, "Wait")(b"")
        stream = other.unary_stream("/echo.Echo/Out")(b"-1")
        assert await stream.read() == b"0"
        await until_waiting(channel, 1)
    await until_waiting(channel, 0)
    assert await waiting.code() is grpc.StatusCode.CANCELLED


async def test_other_kinds_of_requests_are_refused(target: str) -> None:
    host, _, port = target.rpartition(":")
    for head in ("GET /", "POST /echo.Echo/Unary"):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{head} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        assert (await reader.readline()).split()[1] == b"415"
        writer.close()
        await writer.wait_closed()
