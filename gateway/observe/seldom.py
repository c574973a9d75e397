"""Lines of the log about what may happen very often: at once, then one a second, with how often it was."""

import asyncio
import logging

_SECONDS = 1.0


class Seldom:
    """Writes one line of the log for all that happens within a second.

    Args:
        logger: where to.
        level: of the line.
        event: what happens.
        seconds: how long a line keeps the next from being written.

    """

    def __init__(self, logger: logging.Logger, level: int, event: str, seconds: float = _SECONDS) -> None:
        self._logger = logger
        self._level = level
        self._event = event
        self._seconds = seconds
        self._untold = 0
        self._facts: dict[str, object] = {}
        self._resting: asyncio.TimerHandle | None = None

    def happened(self, **facts: object) -> None:
        """Count it, and write a line with the facts unless the last one is too young."""
        self._untold += 1
        self._facts = facts
        if self._resting is None:
            self._tell()

    def close(self) -> None:
        """Write what hasn't been told."""
        if self._resting is not None:
            self._resting.cancel()
            self._resting = None
        if self._untold:
            self._write()

    def _tell(self) -> None:
        self._resting = None
        if self._untold:
            self._write()
            self._resting = asyncio.get_running_loop().call_later(self._seconds, self._tell)

    def _write(self) -> None:
        times, self._untold = self._untold, 0
        self._logger.log(self._level, self._event, extra={**self._facts, "times": times})
