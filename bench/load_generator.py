"""Loads a method by bench/load: so many calls in flight, another request each time."""

import asyncio
import json
import struct
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from bench import golang

_START_SECONDS = 300.0
_GRACE = 20.0
_TOLERATED = 0.001
_FRAME = "!BI"  # a byte for compression, the length


@dataclass(frozen=True, slots=True)
class Requests:
    """A method and the requests that are drawn from.

    Args:
        method: its path, /package.Service/Method; none where each request is a whole one of HTTP/1.1.
        file: the requests as gRPC frames them.
        http2: whether those of HTTP/1.1 are sent over HTTP/2.

    """

    method: str
    file: Path
    http2: bool = False

    @classmethod
    def write(cls, method: str, messages: Iterable[Message], file: Path) -> "Requests":
        """Write the requests to a file."""
        return cls._write(method, (message.SerializeToString() for message in messages), file)

    @classmethod
    def write_http1(cls, requests: Iterable[bytes], file: Path) -> "Requests":
        """Write whole requests of HTTP/1.1."""
        return cls._write("", requests, file)

    @property
    def version(self) -> Sequence[str]:
        """The load generator's option for what isn't gRPC."""
        if self.method:
            return []
        return ["-http2" if self.http2 else "-http1"]

    def first(self) -> bytes:
        """Return the first request."""
        with self.file.open("rb") as requests:
            _, size = struct.unpack(_FRAME, requests.read(struct.calcsize(_FRAME)))
            return requests.read(size)

    @classmethod
    def _write(cls, method: str, requests: Iterable[bytes], file: Path) -> "Requests":
        with file.open("wb") as out:
            for request in requests:
                out.write(struct.pack(_FRAME, 0, len(request)) + request)
        return cls(method, file)


@dataclass(frozen=True, slots=True)
class Load:
    """How a method is loaded.

    Args:
        requests: the method and its requests.
        in_flight: calls at any time, over all connections.
        seconds: how long new calls are made.
        connections: at most one a call in flight; over HTTP/1.1 always one, as it answers one call at a time.
        timeout: seconds of one call, below 100: it is sent in microseconds, of eight digits at most.
        values: a file of a header's values, a line each, of which each call draws one.
        header: that header.

    """

    requests: Requests
    in_flight: int
    seconds: float
    connections: int = 8
    timeout: float = 20.0
    values: Path | None = None
    header: str = "authorization"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the generator found.

    Args:
        calls: all that were answered.
        failures: those that failed, by status.
        rate: calls answered per second while new ones were made.
        cpu: CPU seconds of the generator.
        latency: µs by name: p50, p90, p99, p999, mean and max.

    """

    calls: int
    failures: Mapping[str, int]
    rate: float
    cpu: float
    latency: Mapping[str, float]


async def load(address: str, asked: Load) -> Loaded:
    """Load a server. Raises RuntimeError where it can't be done, or many calls fail."""
    async with _running(
        *("-address", address, "-method", asked.requests.method, "-requests", str(asked.requests.file)),
        *("-connections", str(asked.connections), "-in-flight", str(asked.in_flight)),
        *("-duration", f"{asked.seconds}s", "-timeout", f"{asked.timeout}s"),
        *asked.requests.version,
        *([] if asked.values is None else ["-header", asked.header, "-values", str(asked.values)]),
    ) as process:
        bound = asked.seconds + asked.timeout + _GRACE
        output, errors = await asyncio.wait_for(process.communicate(), bound)
    if process.returncode:
        raise RuntimeError(errors.decode().strip())
    found = json.loads(output)
    loaded = Loaded(found["calls"], found["failures"], found["rate"], found["cpu_seconds"], found["latency"])
    if sum(loaded.failures.values()) > _TOLERATED * loaded.calls:
        raise RuntimeError(f"of {loaded.calls} calls failed, by status: {loaded.failures}")
    return loaded


@asynccontextmanager
async def idle_connections(address: str, count: int) -> AsyncIterator[None]:
    """Hold so many connections that do nothing."""
    async with _running("-address", address, "-idle", str(count)) as process:
        if process.stdout is None or process.stderr is None:
            raise RuntimeError("its output isn't read")
        if not await asyncio.wait_for(process.stdout.readline(), _START_SECONDS):
            raise RuntimeError((await process.stderr.read()).decode().strip())
        yield


@asynccontextmanager
async def _running(*arguments: Any) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        str(golang.BUILD / "load"), *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
