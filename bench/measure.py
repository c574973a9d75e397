"""What is measured: seconds of a bulk upsert, calls per second of Get."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.message import Message

from bench.contenders import ROOT

IN_FLIGHT = 128
_SIZE = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


async def seconds_of(work: Callable[[], Awaitable[Any]]) -> float:
    """Return how long `work` takes."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def bulk_call(address: str, path: str, request: Message) -> float:
    """Return the seconds of one BulkUpsert as its client sees them, the message's bytes included."""
    async with grpc.aio.insecure_channel(address, options=_SIZE) as channel:
        upsert: grpc.aio.UnaryUnaryMultiCallable[Message, bytes] = channel.unary_unary(
            path, request_serializer=type(request).SerializeToString
        )
        await channel.channel_ready()
        return await seconds_of(lambda: upsert(request, timeout=120))


async def get_rate(address: str, keys: Sequence[str], seconds: float, folder: Path) -> float:
    """Return GetFlight's calls per second at IN_FLIGHT calls in flight, another random key each time."""
    ghz = ROOT / ".tools" / "bin" / "ghz"
    if ghz.exists():
        return await _by_ghz(ghz, address, keys, seconds, folder)
    listed = folder / "keys.txt"
    listed.write_text("\n".join(keys))
    module = ["-m", "bench.load", address, str(listed), str(IN_FLIGHT), str(seconds)]
    return float(await _output(sys.executable, *module))


async def _by_ghz(ghz: Path, address: str, keys: Sequence[str], seconds: float, folder: Path) -> float:
    listed = folder / "keys.json"
    listed.write_text(json.dumps([{"id": key} for key in keys]))
    command = [
        *(str(ghz), "--insecure", "--format", "json", "--call", "flights.v1.FlightService/GetFlight"),
        *("--protoset", str(protoset(folder)), "--data-file", str(listed)),
        *("--concurrency", str(IN_FLIGHT), "--connections", "8", "--duration", f"{seconds}s"),
        *("--duration-stop", "wait", address),
    ]
    report = json.loads(await _output(*command))
    failed = {code: n for code, n in report["statusCodeDistribution"].items() if code != "OK"}
    if failed:
        message = f"calls failed: {failed}"
        raise RuntimeError(message)
    return float(report["rps"])


def protoset(folder: Path) -> Path:
    """Write the flights' descriptor set for ghz; return its path."""
    path = folder / "flights.binpb"
    if not path.exists():
        from gateway.schema.sources import compile_protos  # noqa: PLC0415 - only ghz needs it

        path.write_bytes(compile_protos(ROOT / "protos").SerializeToString())
    return path


async def _output(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        message = f"{command[0]} ended with {process.returncode}"
        raise RuntimeError(message)
    return output.decode()
