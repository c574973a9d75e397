"""The gate in front of the pool: never more inside than allowed, first come first served, nothing lost."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.db.gate import Gate
from gateway.errors import ResourceExhausted, Unavailable

STEPS = st.lists(st.sampled_from(["enter", "leave", "cancel", "turn"]), max_size=60)


class Visitors:
    """Plays steps on a gate and counts who is inside."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside = 0
        self.coming: list[asyncio.Task[None]] = []

    async def step(self, step: str) -> None:
        """Let one come, leave or give up, or let the loop turn."""
        if step == "enter":
            self.coming.append(asyncio.create_task(self.gate.enter()))
        elif step == "leave" and self.inside:
            self.gate.leave()
            self.inside -= 1
        elif step == "cancel" and self.coming:
            self.coming[0].cancel()
        elif step == "turn":
            await self.turn()

    async def turn(self) -> None:
        """Let everything happen that can happen now."""
        for _ in range(3):
            await asyncio.sleep(0)
        ended = [task for task in self.coming if task.done()]
        self.coming = [task for task in self.coming if not task.done()]
        self.inside += sum(1 for task in ended if not task.cancelled() and task.exception() is None)


@given(st.integers(1, 3), st.integers(0, 4), STEPS)
@settings(deadline=None)
def test_any_order_of_coming_going_and_giving_up(permits: int, queue_size: int, steps: list[str]) -> None:
    async def play() -> None:
        gate = Gate(permits, queue_size, timeout=60)
        visitors = Visitors(gate)
        for step in steps:
            await visitors.step(step)
            assert visitors.inside <= permits
        await visitors.turn()
        assert gate.waiting == len(visitors.coming) <= queue_size
        assert gate.free == permits - visitors.inside
        assert not visitors.coming or gate.free == 0
        gate.close()
        await asyncio.gather(*visitors.coming, return_exceptions=True)

    asyncio.run(play())


async def test_first_come_first_served() -> None:
    gate = Gate(1, 10, timeout=60)
    order: list[int] = []
    await gate.enter()

    async def come(number: int) -> None:
        await gate.enter()
        order.append(number)
        gate.leave()

    tasks = [asyncio.create_task(come(number)) for number in range(5)]
    await asyncio.sleep(0)
    gate.leave()
    await asyncio.gather(*tasks)

    assert order == [0, 1, 2, 3, 4]


async def test_a_full_queue_refuses_at_once_and_a_long_wait_ends() -> None:
    gate = Gate(1, 1, timeout=0.05)
    await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)

    with pytest.raises(ResourceExhausted) as refused:
        await gate.enter()
    with pytest.raises(ResourceExhausted) as late:
        await waiting
    gate.leave()
    await gate.enter()

    assert refused.value.reason == late.value.reason == "POOL_EXHAUSTED"
    assert gate.waiting == 0


async def test_a_permit_handed_to_one_who_just_gave_up_goes_on() -> None:
    gate = Gate(1, 10, timeout=60)
    await gate.enter()
    first, second = (asyncio.create_task(gate.enter()) for _ in range(2))
    await asyncio.sleep(0)
    gate.leave()
    first.cancel()

    await asyncio.wait_for(second, 5)
    assert first.cancelled()
    assert gate.free == 0


async def test_closing_refuses_who_waits_and_who_comes() -> None:
    gate = Gate(1, 10, timeout=60)
    await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    gate.close()

    for entering in (waiting, gate.enter()):
        with pytest.raises(Unavailable):
            await entering


async def test_who_came_first_gives_up_first_and_the_others_wait_on() -> None:
    gate = Gate(1, 10, timeout=0.2)
    loop = asyncio.get_running_loop()
    await gate.enter()
    gave_up: list[tuple[int, float]] = []

    async def come(number: int) -> None:
        begun = loop.time()
        with pytest.raises(ResourceExhausted):
            await gate.enter()
        gave_up.append((number, loop.time() - begun))

    tasks = []
    for number in range(3):
        tasks.append(asyncio.create_task(come(number)))
        await asyncio.sleep(0.05)
    await asyncio.wait_for(asyncio.gather(*tasks), 5)

    assert [number for number, _ in gave_up] == [0, 1, 2]
    assert all(waited > 0.19 for _, waited in gave_up)
    gate.leave()
    await gate.enter()
