"""A Prometheus that scrapes a gateway, and is asked."""

import asyncio
import json
import signal
from asyncio.subprocess import DEVNULL, Process, create_subprocess_exec
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.harness.http import ask
from tests.harness.polling import next_poll
from tests.harness.sample import free_port
from tests.harness.tools import tool

_INTERVAL = "200ms"


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs.

    Args:
        target: its address.
        process: its own.

    """

    target: str
    process: Process

    async def get(self, path: str, **parameters: str) -> Any:
        """Ask its API; return the data of the answer."""
        answer = (await ask(self.target, "GET", f"/api/v1/{path}?{urlencode(parameters)}")).json
        assert answer["status"] == "success", answer
        return answer["data"]

    async def query(self, query: str) -> list[Mapping[str, Any]]:
        """Return the series that a query gives."""
        series: list[Mapping[str, Any]] = (await self.get("query", query=query))["result"]
        return series


@asynccontextmanager
async def prometheus(folder: Path, scraped: str, rules: Path) -> AsyncIterator[Prometheus]:
    """Run one that scrapes an address and evaluates rules, until the context ends."""
    config = folder / "prometheus.json"  # JSON is YAML
    job = {"job_name": "rowgate", "static_configs": [{"targets": [scraped]}]}
    times = {"scrape_interval": _INTERVAL, "scrape_timeout": _INTERVAL, "evaluation_interval": _INTERVAL}
    config.write_text(json.dumps({"global": times, "rule_files": [str(rules)], "scrape_configs": [job]}))
    target = f"127.0.0.1:{free_port()}"
    process = await create_subprocess_exec(
        *(str(tool("prometheus")), f"--config.file={config}", f"--web.listen-address={target}"),
        f"--storage.tsdb.path={folder / 'data'}",
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        async with asyncio.timeout(60):
            while not await _is_ready(target):
                assert process.returncode is None
                await next_poll()
        yield Prometheus(target, process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _is_ready(target: str) -> bool:
    try:
        return (await ask(target, "GET", "/-/ready")).status == 200
    except OSError:
        return False
