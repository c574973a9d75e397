"""The way that the calls of real clients take: the short one, and their headers are looked at once."""

import asyncio
import json
import os
from asyncio.subprocess import PIPE, create_subprocess_exec
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bench import clients
from bench.clients import CLIENTS
from gateway.transport.wire.framing import frame as message_frame
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.errors import ErrorCode
from gateway.transport.wire.http2.frames import MAX_WINDOW, frame, window_update
from gateway.transport.wire.http2.request_head import HeadReader
from gateway.transport.wire.http2.settings import INITIAL_WINDOW_SIZE
from gateway.transport.wire.http2.streams import Streams
from tests.harness.tools import tool
from tests.transport.conftest import GET, Serve
from tests.transport.wire.http2.answering import Answering
from tests.transport.wire.http2.peer import peer_of

CALLS = 100
REAL_CALLS = 600
ROUNDS = 3
"""Of a real client; one has to take the short way. Where the machine is busy, calls come in two reads."""
PATH = f"/{GET}"


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls that go the general way, and the heads that are made anew."""
    counts: Counter[str] = Counter()

    def count(kind: type, name: str) -> None:
        original = getattr(kind, name)

        def counting(self: Any, *args: Any) -> Any:
            counts[name] += 1
            return original(self, *args)

        monkeypatch.setattr(kind, name, counting)

    count(Streams, "_open_stream")
    count(HeadReader, "__call__")
    return counts


async def test_calls_of_grpc_core_take_the_short_way(serving: Serve, counted: Counter[str]) -> None:
    """It sends a WINDOW_UPDATE between the headers and the request, and rounds its deadlines."""
    server = await serving(Answering())
    for n in range(CALLS):
        await server.get(book="b", number=1, timeout=90 - n / 2)
    assert counted["_open_stream"] == 0
    assert counted["__call__"] <= CALLS // 4


async def test_calls_of_grpc_go_take_the_short_way(serving: Serve, counted: Counter[str]) -> None:
    """It sends what remains of the deadline, to the microsecond."""
    answering = Answering()
    server = await serving(answering)
    process = await create_subprocess_exec(
        *(str(tool("ghz")), "--insecure", "--call", GET, "-n", str(CALLS), "-c", "4"),
        *("--connections", "1", "--timeout", "20s", "--format", "json"),
        *("-d", json.dumps({"book": "b", "number": 1}), server.target),
        stdout=PIPE,
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    assert json.loads(printed)["statusCodeDistribution"] == {"OK": CALLS}
    assert answering.calls >= CALLS
    # One asks what the methods are; and where the machine is busy, a call may come in two reads.
    assert counted["_open_stream"] <= CALLS // 4
    assert counted["__call__"] <= CALLS // 4


@pytest.mark.parametrize("name", CLIENTS)
async def test_calls_of_real_clients_take_the_short_way(
    serving: Serve, counted: Counter[str], name: str, tmp_path: Path
) -> None:
    """Each sends a trace of its own with every call, a token of 1 KB and a deadline, as it spells one."""
    if not clients.is_built(name):
        pytest.skip(f"the client of {name} isn't built: `make clients` does it where its language is")
    answering = Answering()
    server = await serving(answering)
    requests = clients.write_requests([b""], tmp_path / "requests")
    command = clients.command(name, server.target, PATH, requests, calls=REAL_CALLS, in_flight=16)
    for tries in range(1, ROUNDS + 1):
        counted.clear()
        assert await _answered(command) == REAL_CALLS
        assert answering.calls == tries * REAL_CALLS
        if counted["_open_stream"] <= REAL_CALLS // 4 and counted["__call__"] <= REAL_CALLS // 4:
            return
    pytest.fail(f"of {REAL_CALLS} calls in the last of {ROUNDS} rounds: {dict(counted)}")


async def _answered(command: Sequence[str]) -> int:
    """Run a client; return how many of its calls were answered."""
    process = await create_subprocess_exec(*command, env={**os.environ, **clients.ENVIRONMENT}, stdout=PIPE)
    async with asyncio.timeout(120):
        printed, _ = await process.communicate()
    return clients.answered(printed.decode())


async def test_credit_that_comes_before_the_request_counts(serving: Serve, counted: Counter[str]) -> None:
    server = await serving(Answering(letters=50))
    shut = frame(frames.SETTINGS, 0, 0, INITIAL_WINDOW_SIZE.to_bytes(2, "big") + bytes(4))
    async with peer_of(server.target, greet=[shut]) as peer:
        number = peer.begin(PATH)
        peer.send(window_update(number, 10), window_update(number, 90))
        peer.send(frame(frames.DATA, frames.END_STREAM, number, message_frame(b"")))
        answered = await peer.answer(number)
    assert (answered.headers[b"grpc-status"], len(answered.body)) == (b"0", 57)
    assert counted["_open_stream"] == 0


async def test_too_much_credit_before_the_request_ends_the_stream(serving: Serve) -> None:
    server = await serving(Answering())
    async with peer_of(server.target) as peer:
        number = peer.begin(PATH)
        peer.send(window_update(number, MAX_WINDOW))
        assert (await peer.answer(number)).reset == ErrorCode.FLOW_CONTROL_ERROR
        assert (await peer.answer(peer.call(PATH))).headers[b"grpc-status"] == b"0"
