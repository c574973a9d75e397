"""The keeping of workers: those that end come back, and all stop together."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import click

from gateway.cli.workers.rebalancing import Balance
from gateway.cli.workers.worker_process import WorkerProcess
from gateway.observe.call_record import CallsUnderWay
from gateway.observe.metrics.catalogue import cumulative, together
from gateway.observe.metrics.figures import Figures

_logger = logging.getLogger(__name__)
_FIRST_DELAY = 0.1
_MAX_DELAY = 10.0
_HEALTHY_SECONDS = 60.0
_BALANCE_SECONDS = 0.5
_NOBODY_TELLS: Figures = {"rowgate_ready": {(): 0.0}, "rowgate_workers": {(): 0.0}}
"""What no worker says of itself, which is an alert."""


class Supervisor:
    """Runs as many workers as asked.

    Args:
        make: makes the worker of a place, from 0 on, which isn't started.
        count: how many.
        rebalance_interval: seconds of clearly more work until a worker sends clients away; 0 is never.

    """

    def __init__(
        self, make: Callable[[int], WorkerProcess], count: int, rebalance_interval: float = 0.0
    ) -> None:
        self._make = make
        self._count = count
        self._rebalance_interval = rebalance_interval
        self._workers: dict[int, WorkerProcess] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._ended: Figures = {}
        """What workers have counted that have ended."""

    @property
    def services(self) -> Sequence[str]:
        """The services that are served."""
        return self._workers[0].services

    async def start(self) -> None:
        """Start the workers; they have no connections before `open`.

        Raises click.ClickException with what the first one said that failed, and with none left running.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for place in range(self._count):
                    group.create_task(self._add(place))
        except BaseException as error:
            await asyncio.gather(*(worker.kill() for worker in self._workers.values()))
            if isinstance(error, BaseExceptionGroup):
                raise error.exceptions[0] from error
            raise

    def open(self) -> None:
        """Let the workers have connections, and keep them running."""
        for worker in self._workers.values():
            worker.open()
        self._tasks = [asyncio.create_task(self._keep(place)) for place in range(self._count)]
        if self._rebalance_interval:
            self._tasks.append(asyncio.create_task(self._rebalance(Balance(self._rebalance_interval))))

    async def stop(self) -> None:
        """Drain and stop all of them, at the same time."""
        await self._end_tasks()
        await asyncio.gather(*(worker.stop() for worker in self._workers.values()))

    async def retire(self) -> None:
        """Have others take their connections, and stop them when their clients have left."""
        await self._end_tasks()
        await asyncio.gather(*(worker.retire() for worker in self._workers.values()))

    def force_stop(self) -> None:
        """Let `stop`, under way or to come, wait for nothing."""
        for worker in self._workers.values():
            worker.force_stop()

    async def figures(self) -> Figures:
        """Return the figures of the workers as one's, of those too that have ended."""
        ended, workers = self._ended, list(self._workers.values())  # who ends meanwhile isn't counted twice
        told = await asyncio.gather(*(worker.figures() for worker in workers))
        parts = (
            cumulative(worker.last_figures) if figures is None else figures
            for worker, figures in zip(workers, told, strict=True)
        )
        return together([ended, *parts, *([] if any(told) else [_NOBODY_TELLS])])

    async def calls(self) -> CallsUnderWay:
        """Return the workers' calls under way, worker by worker."""
        told = await asyncio.gather(*(worker.calls() for worker in self._workers.values()))
        return CallsUnderWay([call for calls in told for call in calls or ()], told.count(None))

    async def plan(self, statement: str) -> str | None:
        """Return the plan of a statement, of the first worker that has seen it."""
        told = await asyncio.gather(*(worker.plan(statement) for worker in self._workers.values()))
        return next((plan for plan in told if plan is not None), None)

    @property
    def counted(self) -> Figures:
        """What the workers have counted, as far as they have told."""
        last = (cumulative(worker.last_figures) for worker in self._workers.values())
        return together([self._ended, *last])

    async def _end_tasks(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _add(self, place: int) -> None:
        worker = self._make(place)
        await worker.start()
        self._workers[place] = worker

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
            ended = self._workers[place]
            worker = self._workers[place] = self._make(place)
            self._ended = together([self._ended, cumulative(ended.last_figures)])
            await worker.start()
        except click.ClickException as error:
            _logger.error("a worker doesn't start", extra={"error": error.message})  # noqa: TRY400 - it says why
        except Exception:
            # Such as no room for a process or its folder, which there may be the next time.
            _logger.exception("a worker doesn't start")
        else:
            worker.open()
            _logger.warning("a worker is ready again", extra={"worker_pid": worker.pid})

    async def _rebalance(self, balance: Balance) -> None:
        """Have workers that have clearly more to do than others send clients away, again and again."""
        while True:
            await asyncio.sleep(_BALANCE_SECONDS)
            workers = [one for one in self._workers.values() if one.load is not None]
            loads = [one.load for one in workers if one.load is not None]
            move = balance.next_move(loads, asyncio.get_running_loop().time())
            if move is not None:
                worker = workers[move.worker]
                worker.send_away(move.connections, move.weight)
                facts = {"worker_pid": worker.pid, "connections": move.connections}
                _logger.info("a worker has more to do than another, and sends clients away", extra=facts)
