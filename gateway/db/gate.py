"""Who may have a connection: so many at once, so many waiting, each for so long. First come, first served."""

import asyncio
from collections import OrderedDict
from time import monotonic

from gateway.errors import ResourceExhausted, Unavailable

_RETRY_SECONDS = 0.1


class Gate:
    """Hands out permits, one per connection.

    So a busy pool can be told from a server that is away: behind this gate, waiting means connecting.

    Args:
        permits: how many may be out at once.
        queue_size: how many may wait.
        timeout: seconds that one waits.

    """

    def __init__(self, permits: int, queue_size: int, timeout: float) -> None:
        self._permits = permits
        self._free = permits
        self._queue_size = queue_size
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._waiting: OrderedDict[asyncio.Future[None], float] = OrderedDict()
        """Who waits, and until when: the first gives up first."""
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._drained = asyncio.Event()

    @property
    def free(self) -> int:
        """Permits that are not out."""
        return self._free

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self._waiting)

    async def enter(self) -> None:
        """Take a permit; raises ResourceExhausted where none came free in time, Unavailable once closed."""
        if self._closed:
            raise closing()
        if self._free:
            self._free -= 1
        elif len(self._waiting) >= self._queue_size:
            raise self._exhausted(f"{self._queue_size} calls wait for a connection already")
        else:
            await self._wait()

    def leave(self) -> None:
        """Give a permit back: to the first that waits."""
        waiter = self._next()
        if waiter is not None:
            waiter.set_result(None)
            return
        self._free += 1
        if self._closed:
            self._note_drained()

    def close(self) -> None:
        """Refuse whoever waits, and whoever comes."""
        self._closed = True
        self._note_drained()
        while (waiter := self._next()) is not None:
            waiter.set_exception(closing())

    async def drained(self) -> None:
        """Wait, once closed, until all permits are back."""
        await self._drained.wait()

    def _note_drained(self) -> None:
        if self._free == self._permits:
            self._drained.set()

    def _next(self) -> "asyncio.Future[None] | None":
        """Take the first out of the queue who has not just given up."""
        while self._waiting:
            waiter, _ = self._waiting.popitem(last=False)
            if not waiter.done():
                return waiter
        return None

    async def _wait(self) -> None:
        waiter = self._loop.create_future()
        self._waiting[waiter] = until = monotonic() + self._timeout
        if self._timer is None:
            self._timer = self._loop.call_at(until, self._give_up)
        try:
            await waiter
        except BaseException:
            self._stop_waiting(waiter)
            raise

    def _give_up(self) -> None:
        """Refuse those whose time is up: they came first."""
        now = monotonic()
        while self._waiting:
            waiter, until = next(iter(self._waiting.items()))
            if until > now:
                self._timer = self._loop.call_at(until, self._give_up)
                return
            del self._waiting[waiter]
            if not waiter.done():
                waiter.set_exception(self._exhausted(f"no connection came free within {self._timeout:g} s"))
        self._timer = None

    def _stop_waiting(self, waiter: "asyncio.Future[None]") -> None:
        """Leave the queue; a permit that was handed over in the same moment goes to the next."""
        if self._waiting.pop(waiter, None) is None and not waiter.cancelled() and waiter.exception() is None:
            self.leave()

    def _exhausted(self, what: str) -> ResourceExhausted:
        return ResourceExhausted(
            f"the gateway is busy: {what}",
            reason="POOL_EXHAUSTED",
            metadata={"pool_size": str(self._permits), "waiting": str(len(self._waiting))},
            retry_delay=_RETRY_SECONDS,
        )


def closing() -> Unavailable:
    """Return the error of a call that came, or waited, when the gateway shut down."""
    return Unavailable("the gateway is shutting down", reason="SHUTTING_DOWN", retry_delay=1.0)
