"""Loads a method by bench/load: so many calls in flight, another request each time."""

import asyncio
import json
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from bench import golang

_CONNECTIONS = 4
_PATIENCE = 40.0


@dataclass(frozen=True, slots=True)
class Requests:
    """A method and the requests that are drawn from.

    Args:
        method: its path, /package.Service/Method.
        file: the requests as gRPC frames them.

    """

    method: str
    file: Path

    @classmethod
    def write(cls, method: str, messages: Iterable[Message], file: Path) -> "Requests":
        """Write the requests to a file."""
        with file.open("wb") as out:
            for message in messages:
                body = message.SerializeToString()
                out.write(struct.pack("!BI", 0, len(body)) + body)
        return cls(method, file)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the generator found. Latencies are µs, by percentile.

    Args:
        calls: all that were answered.
        rate: calls answered per second while there was load.
        cpu: CPU seconds of the generator.
        latency: p50, p90, p99, p999, mean and max.

    """

    calls: int
    rate: float
    cpu: float
    latency: Mapping[str, float]


async def load(address: str, requests: Requests, in_flight: int, seconds: float) -> Loaded:
    """Keep calls in flight for so long. Raises RuntimeError where a call fails."""
    process = await asyncio.create_subprocess_exec(
        str(golang.BUILD / "load"),
        *("-address", address, "-method", requests.method, "-requests", str(requests.file)),
        *("-connections", str(_CONNECTIONS), "-in-flight", str(in_flight), "-duration", f"{seconds}s"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), seconds + _PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(errors.decode().strip())
    return _as_loaded(json.loads(output))


def _as_loaded(found: Mapping[str, Any]) -> Loaded:
    if found["failures"]:
        raise RuntimeError(f"calls failed, by status: {found['failures']}")
    return Loaded(found["calls"], found["rate"], found["cpu_seconds"], found["latency"])
