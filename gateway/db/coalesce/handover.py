"""The handover of shared answers: no more in a turn of the loop than a moment has room for."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from time import thread_time
from typing import Any

_TURN = 0.004
"""Seconds of the loop's thread in which callers go on with what they were given in a turn."""
_FEW = 4
"""Answers that are given without a look at the clock."""
_MOST = 1024


class Handover:
    """Gives callers their answers.

    Whoever gets one goes on in the loop's next turn. Where that takes them long, so many have a turn as fit
    into a moment: between two turns the loop reads what has come, refuses what it has no time for, and sends
    the next statements.

    Args:
        loop: the event loop.
        clock: tells the seconds that the loop's thread has run.

    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float] = thread_time) -> None:
        self._loop = loop
        self._clock = clock
        self._waiting: deque[tuple[asyncio.Future[Any], Any]] = deque()
        self._at_once = _MOST
        self._given = 0
        """To how many, where the time of their turn is taken."""
        self._begun = 0.0

    def give(self, callers: Sequence["asyncio.Future[Any]"], answers: Sequence[Any]) -> None:
        """Give each caller its answer, now or in one of the next turns; who has left gets none."""
        self._waiting.extend(zip(callers, answers, strict=True))
        if not self._given:
            self._give()

    def _give(self) -> None:
        """Give as many as a turn has room for."""
        given = min(len(self._waiting), self._at_once)
        self._hand_out(given)
        if self._waiting or given > _FEW:
            self._begun = self._clock()
            self._loop.call_soon(self._go_on)
            self._given = given

    def _hand_out(self, number: int) -> None:
        waiting = self._waiting
        for _ in range(number):
            caller, answer = waiting[0]
            if not caller.done():
                caller.set_result(answer)
            waiting.popleft()

    def _go_on(self) -> None:
        """Give the next, as those before have had their turn; whatever is raised, nobody is left waiting."""
        given, self._given = self._given, 0
        try:
            self._learn(given, self._clock() - self._begun)
            self._give()
        except BaseException:
            self._hand_out(len(self._waiting))
            raise

    def _learn(self, given: int, took: float) -> None:
        """Learn how many fit into a turn, from one that so many had."""
        if took > _TURN:
            self._at_once = max(1, int(given * _TURN / took))
        elif given == self._at_once:
            self._at_once = min(_MOST, 2 * given)
