"""Envoy's admin interface on its Unix socket: a few of its statistics, by which its state is known."""

import asyncio
import re
from pathlib import Path

_SECONDS = 5.0


async def is_accepting(socket: Path) -> bool:
    """Return whether Envoy's worker has begun to accept connections."""
    try:
        return await _statistic(socket, "listener_manager.workers_started") == 1
    except OSError:
        return False


async def calls_open(socket: Path) -> int:
    """Return the calls whose last byte hasn't left Envoy; raises OSError."""
    return await _statistic(socket, "http.rowgate.downstream_rq_active")


async def _statistic(socket: Path, name: str) -> int:
    try:
        async with asyncio.timeout(_SECONDS):
            answer = await _ask(socket, f"/stats?filter={name}")
    except TimeoutError as error:
        raise OSError("Envoy's admin interface doesn't answer") from error
    # Found in the answer as it comes, whose chunks need no unwrapping for that.
    found = re.search(rf"^{re.escape(name)}: (\d+)", answer, re.MULTILINE)
    if found is None:
        raise OSError(f"Envoy has no statistic {name}")
    return int(found[1])


async def _ask(socket: Path, path: str) -> str:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n".encode())
        return (await reader.read()).decode()
    finally:
        writer.close()
