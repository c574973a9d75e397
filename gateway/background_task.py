"""Work that goes on beside the calls until it is stopped."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_logger = logging.getLogger(__name__)


class BackgroundTask:
    """A task of the event loop. `stop` before `start`, and twice, is safe.

    Args:
        name: what the task is called.

    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin the work, which ends at `stop` alone."""
        self._task = asyncio.get_running_loop().create_task(work, name=self._name)

    async def stop(self) -> None:
        """Cancel the work, and wait for its end; where it had ended by an error, that is logged."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))
            if not task.cancelled() and task.exception() is not None:
                _logger.error("%s had failed", self._name, exc_info=task.exception())
