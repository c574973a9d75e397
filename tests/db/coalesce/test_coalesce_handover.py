"""Shared answers are handed over in as many turns of the loop as it takes, while others have theirs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from gateway.db.coalesce import handover
from gateway.db.coalesce.handover import Handover

MANY = 64


@dataclass
class Turns:
    """What callers do with the loop's turns, by a clock that only they move.

    Args:
        seconds: what each takes to make its response.

    """

    seconds: float
    clock: float = 0.0
    longest: float = 0.0
    order: list[int] = field(default_factory=list)

    async def answer(self, number: int, future: "asyncio.Future[int]") -> None:
        """Wait for an answer, and go on with it."""
        assert await future == number
        self.clock += self.seconds
        self.order.append(number)

    async def have(self, own: Handover, callers: int = MANY) -> list["asyncio.Task[None]"]:
        """Give so many callers their answers; return when all have them, and note how long a turn took."""
        futures = [asyncio.get_running_loop().create_future() for _ in range(callers)]
        tasks = [asyncio.create_task(self.answer(n, future)) for n, future in enumerate(futures)]
        await asyncio.sleep(0)
        own.give(futures, range(callers))
        self.longest = 0.0
        for _ in range(2 * callers):
            before = self.clock
            await asyncio.sleep(0)
            self.longest = max(self.longest, self.clock - before)
        return tasks

    def handover(self) -> Handover:
        """Return one that knows no other time."""
        return Handover(asyncio.get_running_loop(), lambda: self.clock)


def left(tasks: Sequence["asyncio.Task[Any]"]) -> int:
    """Return how many haven't got their answer."""
    return sum(not task.done() for task in tasks)


@pytest.mark.parametrize("cost", [handover._TURN / 8, handover._TURN / 2])
async def test_dear_answers_take_turns_of_a_moment_in_their_order(cost: float) -> None:
    turns = Turns(cost)
    own = turns.handover()
    await turns.have(own)  # the first tell what they cost
    for _ in range(5):
        turns.order.clear()
        assert not left(await turns.have(own))
        assert turns.order == list(range(MANY))
        assert turns.longest <= 2 * handover._TURN


async def test_cheap_answers_are_given_at_once_again_after_dear_ones() -> None:
    turns = Turns(handover._TURN)
    own = turns.handover()
    await turns.have(own)
    turns.seconds = handover._TURN / MANY / 4
    for _ in range(2):
        await turns.have(own)
    assert turns.longest == pytest.approx(MANY * turns.seconds)


async def test_who_has_left_gets_no_answer_and_keeps_none_from_theirs() -> None:
    turns = Turns(handover._TURN)
    own = turns.handover()
    await turns.have(own)
    futures = [asyncio.get_running_loop().create_future() for _ in range(MANY)]
    own.give(futures, range(MANY))
    for future in futures[1::2]:
        future.cancel()
    assert await asyncio.gather(*futures[::2]) == list(range(0, MANY, 2))


async def test_whatever_fails_in_a_later_turn_nobody_is_left_waiting(
    caplog: pytest.LogCaptureFixture,
) -> None:
    turns = Turns(handover._TURN)
    own = turns.handover()
    await turns.have(own)

    def fail() -> float:
        raise RuntimeError

    futures = [asyncio.get_running_loop().create_future() for _ in range(MANY)]
    own.give(futures, range(MANY))
    own._clock = fail
    assert await asyncio.wait_for(asyncio.gather(*futures), 60) == list(range(MANY))
    assert "RuntimeError" in caplog.text
    own._clock = lambda: turns.clock
    assert not left(await turns.have(own))
