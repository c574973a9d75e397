"""Calls that take long: what they ask, what PostgreSQL does meanwhile, and what the gateway's log says.

All of the gateways, their clients and the oracle are one process, whose garbage collector stops them all: on
a busy machine for many seconds. So it is told, too, how long that took.
"""

import asyncio
import gc
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from time import monotonic, process_time

import asyncpg

SLOW_SECONDS = 5.0
"""That no call is to take, however busy the machine is."""
_LOGGED = ("duration_ms", "statement", "spent_ms")
_SESSIONS = (
    "SELECT state, wait_event_type, wait_event, round(extract(epoch from now() - query_start), 1) AS seconds,"
    " query FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY query_start"
)


def _nowhere(_line: str) -> None:
    pass


@dataclass(slots=True)
class SlowCalls:
    """The calls that took long.

    Args:
        tell: takes lines about them.
        seconds: that a call may take.
        count: how many took longer.
        collecting: the seconds that the garbage collector took so far.

    """

    tell: Callable[[str], None] = _nowhere
    seconds: float = SLOW_SECONDS
    count: int = 0
    collecting: float = 0.0
    _collecting_since: float = 0.0

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the garbage collector's time, and what the log says of what was slow."""
        lines = _SlowLines(self)
        logging.getLogger().addHandler(lines)
        gc.callbacks.append(self._note)
        try:
            yield
        finally:
            gc.callbacks.remove(self._note)
            logging.getLogger().removeHandler(lines)

    def _note(self, phase: str, _facts: Mapping[str, int]) -> None:
        if phase == "start":
            self._collecting_since = monotonic()
        else:
            self.collecting += monotonic() - self._collecting_since


@asynccontextmanager
async def watched(sql: asyncpg.Connection, asked: str, slow: SlowCalls) -> AsyncIterator[None]:
    """Tell of a call that takes long, while it does and when it ends.

    Args:
        sql: a connection to the call's database, past the gateway.
        asked: the method and its request.
        slow: is told.

    """
    begun, spent, collecting = monotonic(), process_time(), slow.collecting
    looking = asyncio.create_task(_look(sql, asked, slow))
    try:
        yield
    finally:
        looking.cancel()
        await asyncio.wait([looking])
        seconds = monotonic() - begun
        if seconds >= slow.seconds:
            slow.count += 1
            own, collecting = process_time() - spent, slow.collecting - collecting
            slow.tell(
                f"slow: {seconds:.1f} s, in {collecting:.1f} of which garbage was collected,"
                f" with {own:.1f} s of the processor in all: {asked}"
            )


async def _look(sql: asyncpg.Connection, asked: str, slow: SlowCalls) -> None:
    """Tell, once a call has taken long, how late this is told, and what the database's sessions do."""
    begun = monotonic()
    await asyncio.sleep(slow.seconds)
    late = monotonic() - begun - slow.seconds
    slow.tell(f"load {os.getloadavg()[0]:.1f}, looked {late:.1f} s late at {asked[:200]}")
    for session in await sql.fetch(_SESSIONS):
        slow.tell(f"  {dict(session)}")


class _SlowLines(logging.Handler):
    """Tells what the gateway's log says of slow calls and statements, and nothing else that it says."""

    def __init__(self, slow: SlowCalls) -> None:
        super().__init__(logging.WARNING)
        self._slow = slow

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one line."""
        facts = {name: value for name, value in vars(record).items() if name in _LOGGED}
        if facts:
            self._slow.tell(f"  log: {record.getMessage()}: {facts}")
