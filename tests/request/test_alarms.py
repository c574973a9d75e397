"""Deadlines that share one timer."""

import asyncio

import pytest

from gateway.errors import DeadlineExceeded
from gateway.request.calls.deadline_timer import TICK, Deadline, DeadlineTimer


async def until(alarms: DeadlineTimer, when: float) -> None:
    """Wait inside a deadline."""
    with Deadline(alarms, when):
        await asyncio.Event().wait()


async def test_each_rings_in_time_and_none_early() -> None:
    """Within a few ticks, by a timer of the loop's: a machine that others keep busy makes both late."""
    loop, alarms = asyncio.get_running_loop(), DeadlineTimer()

    async def one(seconds: float) -> None:
        when = loop.time() + seconds
        late = asyncio.create_task(asyncio.sleep(seconds + 5 * TICK))
        with pytest.raises(DeadlineExceeded):
            await until(alarms, when)
        assert loop.time() >= when
        assert not late.done()
        late.cancel()

    async with asyncio.timeout(60):
        await asyncio.gather(*(one(0.002 * n) for n in (50, 1, 20, 1, 0, -10, 35)))


async def test_what_comes_too_late_is_not_begun() -> None:
    with pytest.raises(DeadlineExceeded), Deadline(DeadlineTimer(), asyncio.get_running_loop().time() - 1):
        pytest.fail("it was begun")


async def test_what_ends_before_is_left_alone() -> None:
    loop, alarms = asyncio.get_running_loop(), DeadlineTimer()
    with Deadline(alarms, loop.time() + 0.001):
        pass
    await asyncio.sleep(5 * TICK)
    current = asyncio.current_task()
    assert current is not None
    assert not current.cancelling()


async def test_a_cancellation_from_elsewhere_is_not_the_deadline_s() -> None:
    loop, alarms = asyncio.get_running_loop(), DeadlineTimer()
    soon = asyncio.create_task(until(alarms, loop.time() + 60))
    await asyncio.sleep(0)
    soon.cancel()
    with pytest.raises(asyncio.CancelledError):
        await soon


async def test_who_is_cancelled_by_both_stays_cancelled() -> None:
    loop, alarms = asyncio.get_running_loop(), DeadlineTimer()
    deadline = Deadline(alarms, loop.time() + 60)

    async def waiting() -> None:
        with deadline:
            await asyncio.Event().wait()

    task = asyncio.create_task(waiting())
    await asyncio.sleep(0)
    task.cancel()
    deadline.ring()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1
