"""Keeps workers running: those that end come back, and all stop together."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import click

from gateway.cli.workers.process import WorkerProcess

_logger = logging.getLogger(__name__)
_FIRST_DELAY = 0.1
_MAX_DELAY = 10.0
_HEALTHY_SECONDS = 60.0


class Supervisor:
    """Runs as many workers as asked.

    Args:
        make: makes a worker that isn't started.
        count: how many.

    """

    def __init__(self, make: Callable[[], WorkerProcess], count: int) -> None:
        self._make = make
        self._count = count
        self._workers: list[WorkerProcess] = []
        self._keepers: list[asyncio.Task[None]] = []

    @property
    def services(self) -> Sequence[str]:
        """The services that are served."""
        return self._workers[0].services

    async def start(self) -> None:
        """Start the workers, the first one alone: what is wrong is wrong for all of them, and told once.

        Raises click.ClickException, with none left running.
        """
        try:
            await self._add()
            async with asyncio.TaskGroup() as group:
                for _ in range(self._count - 1):
                    group.create_task(self._add())
        except BaseException as error:
            await asyncio.gather(*(worker.kill() for worker in self._workers))
            if isinstance(error, BaseExceptionGroup):
                raise error.exceptions[0] from error
            raise
        self._keepers = [asyncio.create_task(self._keep(place)) for place in range(self._count)]

    async def stop(self) -> None:
        """Drain and stop all of them, at the same time."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))

    def hurry(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""
        for worker in self._workers:
            worker.hurry()

    async def _add(self) -> None:
        worker = self._make()
        await worker.start()
        self._workers.append(worker)

    async def _keep(self, place: int) -> None:
        loop, delay = asyncio.get_running_loop(), _FIRST_DELAY
        while True:
            worker, since = self._workers[place], loop.time()
            await worker.failed()
            if loop.time() - since > _HEALTHY_SECONDS:
                delay = _FIRST_DELAY
            facts = {"worker_pid": worker.pid, "status": worker.status, "restart_seconds": delay}
            _logger.error("a worker ended, and is started again", extra=facts)
            await asyncio.sleep(delay)
            delay = min(2 * delay, _MAX_DELAY)
            await self._restart(place)

    async def _restart(self, place: int) -> None:
        try:
            worker = self._workers[place] = self._make()
            await worker.start()
        except click.ClickException as error:
            _logger.error("a worker doesn't start", extra={"error": error.message})  # noqa: TRY400 - it says why
        except Exception:
            # Such as no room for a process or its folder, which there may be the next time.
            _logger.exception("a worker doesn't start")
        else:
            _logger.warning("a worker is ready again", extra={"worker_pid": worker.pid})
