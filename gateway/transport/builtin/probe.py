"""Asks the database, again and again, whether it answers, and tells health."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.background_task import BackgroundTask
from gateway.errors import ResourceExhausted, RowgateError

Probe = Callable[[], Awaitable[None]]
"""Returns when the database answers, and raises RowgateError when it doesn't, within a bound of its own."""

_logger = logging.getLogger(__name__)


class DatabaseWatch:
    """Probes in the background. `stop` before `start`, and twice, is safe.

    Args:
        probe: asks the database.
        tell: told of each answer.
        interval: seconds between two probes.

    """

    def __init__(self, probe: Probe, tell: Callable[[bool], None], interval: float) -> None:
        self._probe = probe
        self._tell = tell
        self._interval = interval
        self._answers = True
        self._task = BackgroundTask("database watch")

    def start(self) -> None:
        """Begin; the database counts as answering until a probe fails."""
        self._tell(self._answers)
        self._task.start(self._run())

    async def stop(self) -> None:
        """End, and wait for the end."""
        await self._task.stop()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            answers = await self._ask()
            if answers != self._answers:
                self._answers = answers
                _logger.warning("the database answers again" if answers else "the database doesn't answer")
                self._tell(answers)

    async def _ask(self) -> bool:
        try:
            await self._probe()
        except ResourceExhausted:
            return True  # busy is not away
        except RowgateError:
            return False
        except Exception:
            _logger.exception("the database probe failed unexpectedly")
            return False
        return True
