"""Envoy's admin interface on its Unix socket: its state, by a few of its statistics, and its drain."""

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


async def drain(socket: Path) -> None:
    """Have Envoy tell each caller, with the next answer to it, to connect anew (GOAWAY); raises OSError.

    Calls under way go on, and new ones are still told that this server is about to go.
    """
    await _ask(socket, "POST /drain_listeners?graceful&skip_exit")


async def _statistic(socket: Path, name: str) -> int:
    answer = await _ask(socket, f"GET /stats?filter={name}")
    # Found in the answer as it comes, whose chunks need no unwrapping for that.
    found = re.search(rf"^{re.escape(name)}: (\d+)", answer, re.MULTILINE)
    if found is None:
        raise OSError(f"Envoy has no statistic {name}")
    return int(found[1])


async def _ask(socket: Path, what: str) -> str:
    """Return the answer to `METHOD /path`; raises OSError."""
    try:
        async with asyncio.timeout(_SECONDS):
            return await _exchange(socket, what)
    except TimeoutError as error:
        raise OSError("Envoy's admin interface doesn't answer") from error


async def _exchange(socket: Path, what: str) -> str:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        head = f"{what} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        writer.write(head.encode())
        return (await reader.read()).decode()
    finally:
        writer.close()
