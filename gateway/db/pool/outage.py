"""Lines of the log about a database that can't be reached."""

import asyncio
import logging
from time import monotonic

_logger = logging.getLogger(__name__)
_SILENT_SECONDS = 1.0
_SECONDS = 10.0
NO_ANSWER = "no answer comes"


class Outage:
    """Tells why no connection can be made: at once, when that changes, and every ten seconds.

    Args:
        event: what the lines are about.
        where: the database, without secrets.
        seconds: how long a line with the same reason keeps the next from being written.

    """

    def __init__(self, event: str, where: str, seconds: float = _SECONDS) -> None:
        self._event = event
        self._where = where
        self._seconds = seconds
        self._begun: float | None = None
        self._told_at = float("-inf")
        self._is_told = False
        self.why = ""
        """The last reason; empty before there was one."""

    def failed(self, why: str) -> None:
        """Note a failed attempt, and tell it unless that has just been done."""
        now = monotonic()
        self._begun = now if self._begun is None else self._begun
        if why != self.why or now - self._told_at >= self._seconds:
            facts = {"database": self._where, "why": why, "seconds": round(now - self._begun, 1)}
            _logger.warning(self._event, extra=facts)
            self._told_at, self._is_told = now, True
        self.why = why

    def over(self) -> None:
        """Note a connection; tell of it where an outage was told."""
        if self._begun is None:
            return
        if self._is_told:
            facts = {"database": self._where, "seconds": round(monotonic() - self._begun, 1)}
            _logger.warning("the database can be reached again", extra=facts)
        self._begun, self._is_told = None, False

    async def keep_telling(self) -> None:
        """Tell again and again, for as long as it runs, also of a server that doesn't say anything."""
        await asyncio.sleep(_SILENT_SECONDS)
        while True:
            self.failed(self.why or NO_ANSWER)
            await asyncio.sleep(self._seconds)
