"""The supervisor's part, with workers that are no processes."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from gateway.cli.workers.supervisor import Supervisor


class Standing:
    """Stands for a worker: it starts, unless it is to fail, and serves until it is ended."""

    pid = status = None
    services = ()
    last_figures: Mapping[str, Any] = {}

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.started, self.ended = asyncio.Event(), asyncio.Event()

    async def start(self) -> None:
        """Start, or fail."""
        if self._error is not None:
            self.ended.set()
            raise self._error
        self.started.set()

    def open(self) -> None:
        """Take no connections: there are none."""

    async def failed(self) -> None:
        """Wait for its end."""
        await self.ended.wait()

    async def stop(self) -> None:
        """End."""
        self.ended.set()


@pytest.mark.parametrize("at_making", [True, False], ids=["making", "starting"])
async def test_a_worker_comes_back_where_the_system_had_no_room_at_first(
    *, at_making: bool, caplog: pytest.LogCaptureFixture
) -> None:
    full = OSError("no room")
    first, broken, last = Standing(), Standing(full), Standing()
    made = iter([first, full if at_making else broken, last])

    def make(_place: int) -> Any:
        one = next(made)
        if isinstance(one, OSError):
            raise one
        return one

    supervisor = Supervisor(make, 1)
    await supervisor.start()
    supervisor.open()
    first.ended.set()
    async with asyncio.timeout(60):
        await last.started.wait()
    assert "a worker doesn't start" in caplog.messages
    await supervisor.stop()
    assert last.ended.is_set()
