"""The processor's time, shared among the calls where they want more of it than there is."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic

from gateway.errors import ResourceExhausted
from gateway.errors.retry_delay import RetryDelay
from gateway.observe.metrics.figures import Distribution
from gateway.transport.limits.loop_load import LoopLoad, ThreadClock, ThreadTimes

_BEAT = 0.02
_LATENESS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Bounds of the seconds that a beat is late."""
_STUCK = 25
"""Beats after which a call waits for something else: a lock, a queue, its client."""
_WINDOW = 0.06
"""Seconds' worth of calls that are under way at once where the loop has no rest: they share statements."""
_LEAST = 8
_MARGIN = 2.0
"""So many times what a call is expected to wait has to fit into its time: others' work comes in bursts."""
_READ = 4
"""So many times the calls that may be under way are read in a turn: it costs less to refuse the others."""
_TURN = 64
"""Calls that are read of one connection in a turn, at most: whoever comes beside it waits for so many."""
_UNBOUNDED = 1 << 30

Line = OrderedDict["asyncio.Future[int]", float]
"""Calls that wait by one connection, first come first, with their deadlines."""


class Processor:
    """Lets calls begin: all of them at once, as long as the event loop has rests.

    Where it has none, each turn of it grows with all that comes, and everybody waits for it, past their
    deadlines, refusals included. So no more are under way then than are answered in a moment; the others
    wait, a line for each connection, served in turn. One that would wait too long is refused when it comes,
    or when its turn does. And of each connection no more calls are read in a turn than can be refused beside
    those that are answered: what is more waits in its socket, and then at the client.

    Calls that are under way for long wait for something else than the processor: they aren't counted.

    Args:
        loop: the event loop; the one that runs by default.
        clock: tells the time, in seconds.
        times: tells those of the loop's thread.

    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop | None = None,
        clock: Callable[[], float] = monotonic,
        times: Callable[[], ThreadTimes] | None = None,
    ) -> None:
        self._loop = loop or asyncio.get_running_loop()
        self._clock = clock
        self._times_now = times or ThreadClock()
        self._load = LoopLoad()
        self.lateness = Distribution(_LATENESS)
        """How late the event loop came to its beats, while calls were under way."""
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._readers: deque[Callable[[], None]] = deque()
        self._under_way = 0
        self._beats = 0
        self._begun = {0: 0}
        """How many of those that are under way began in which beat."""
        self._ended = 0
        self._most = _UNBOUNDED
        """How many may be under way."""
        self._waiting = 0
        self._times = ThreadTimes(0.0, 0.0)
        self._rate = 0.0
        """Calls that are answered in a second, where `_most` is a bound."""
        self._due = 0.0
        self._beaten = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._retry_delay = RetryDelay()
        self.share = _TURN
        """How many calls may be read of one connection in a turn."""

    @property
    def is_bounded(self) -> bool:
        """Whether no more calls may be under way than are answered in a moment."""
        return self._most < _UNBOUNDED

    @property
    def waiting(self) -> int:
        """Calls that wait to begin."""
        return self._waiting

    @property
    def is_full(self) -> bool:
        """Whether as many calls are under way as may be."""
        return self._under_way >= self._most

    def check_deadline(self, connection: str, deadline: float) -> None:
        """Raise ResourceExhausted for a call that wouldn't be answered by its deadline."""
        if self.is_full and self._clock() + _MARGIN * self._seconds_before(connection) > deadline:
            raise self._refusal("has")

    def begin(self) -> int | None:
        """Let a call begin; return what `end` takes, None where it has to `wait`."""
        if self._under_way >= self._most:
            return None
        if self._timer is None:
            self._start()
        return self._add()

    async def wait(self, connection: str, deadline: float) -> int:
        """Wait until a call may begin, as `begin`; raises ResourceExhausted where that is too late for it."""
        line = self._lines.setdefault(connection, OrderedDict())
        future: asyncio.Future[int] = self._loop.create_future()
        line[future] = deadline
        self._waiting += 1
        try:
            return await future
        except asyncio.CancelledError:
            if line.pop(future, None) is not None:
                self._waiting -= 1
                if not line:
                    del self._lines[connection]
            elif not future.cancelled() and future.exception() is None:
                self.end(future.result())
            raise

    def end(self, begun: int) -> None:
        """Note that a call has ended that began."""
        if begun in self._begun:
            self._begun[begun] -= 1
            self._under_way -= 1
        self._ended += 1
        if self._waiting:
            self._hand_on()

    def read_later(self, reader: Callable[[], None]) -> None:
        """Have a connection go on reading in the next turn of the loop."""
        if not self._readers:
            self._loop.call_soon(self._read_on)
        self._readers.append(reader)

    def _read_on(self) -> None:
        readers, self._readers = self._readers, deque()
        self._divide(len(readers))
        for read in readers:
            read()

    def _divide(self, readers: int) -> None:
        if self._most < _UNBOUNDED:
            self.share = min(_TURN, max(_LEAST, _READ * self._most // max(1, readers)))

    def _add(self) -> int:
        self._under_way += 1
        self._begun[self._beats] += 1
        return self._beats

    def _start(self) -> None:
        self._beaten, self._times, self._ended = self._clock(), self._times_now(), 0
        self._load.begin()
        self._wait_for_beat()

    def _wait_for_beat(self) -> None:
        self._due = self._clock() + _BEAT
        self._timer = self._loop.call_later(_BEAT, self._beat)

    def _beat(self) -> None:
        """Look whether the loop has rests, and how many calls it answers."""
        self._timer = None
        self._beats += 1
        self._begun[self._beats] = 0
        self._under_way -= self._begun.pop(self._beats - _STUCK, 0)
        self._measure()
        self._bound()
        self._hand_on()
        if self._under_way or self._waiting:
            self._wait_for_beat()

    def _measure(self) -> None:
        now, times, before = self._clock(), self._times_now(), self._times
        self.lateness.add(max(0.0, now - self._due))
        self._load.note(
            late=now - self._due,
            elapsed=now - self._beaten,
            ran=times.ran - before.ran,
            waited=times.waited - before.waited,
            ended=self._ended,
        )
        self._beaten, self._times, self._ended = now, times, 0

    def _bound(self) -> None:
        """Bound the calls under way, unless the loop has rests, or it isn't known what it answers."""
        self._rate = 0.0 if self._load.has_rest else self._load.rate
        if self._rate:
            self._most = max(_LEAST, int(_WINDOW * self._rate))
            self._divide(len(self._readers))
        else:
            self._most, self.share = _UNBOUNDED, _TURN

    def _hand_on(self) -> None:
        """Let those begin whose turn it is, and who have the time."""
        if not self._waiting:
            return
        now = self._clock()
        while self._lines and self._under_way < self._most:
            connection, line = self._lines.popitem(last=False)
            future, deadline = line.popitem(last=False)
            self._waiting -= 1
            if line:
                self._lines[connection] = line
            if future.done():
                continue
            if self._most < _UNBOUNDED and now + self._under_way / self._rate > deadline:
                future.set_exception(self._refusal("had"))
            else:
                future.set_result(self._add())

    def _seconds_before(self, connection: str) -> float:
        """Return how long one more of a connection is expected to take, by what is under way and waits."""
        line = self._lines.get(connection)
        turns = len(line) if line else 0
        others = len(self._lines) - (line is not None)
        ahead = min(self._waiting, turns + others * (turns + 1))
        return (self._under_way + ahead) / self._rate

    def _refusal(self, has: str) -> ResourceExhausted:
        return ResourceExhausted(
            f"the gateway is busy: it {has} more calls to answer than time for them",
            reason="GATEWAY_BUSY",
            retry_delay=self._retry_delay(),
        )
