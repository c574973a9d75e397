"""More calls than the processor answers: as many are answered as ever, and the others are refused in time."""

import asyncio
from collections import deque
from time import monotonic, sleep, thread_time

import pytest

from gateway.errors import ResourceExhausted
from gateway.transport import processor
from gateway.transport.processor import Processor
from tests.overload.conftest import StartBusy
from tests.overload.papers import capacity_of, papers
from tests.overload.slow import fill_papers

MEMBERS = 200
"""Of a document, so that to make its message takes much more than all else about a call."""
SECONDS = 2.0
DEADLINES = (0.2, 0.4)
LEAST = 0.4
"""Of the capacity, as it was a moment before: the machine is shared. On one of its own it is 0.85 and more,
which the soak holds it to."""


async def test_twice_what_the_processor_answers(start_busy: StartBusy) -> None:
    # Not over grpcio: there calls wait in grpc core, which hands them over one by one, past their deadlines.
    gateway = await start_busy(transport="http")
    await fill_papers(gateway, MEMBERS)
    await papers(gateway, 100, 0.5)
    capacity = await capacity_of(gateway)
    load = await papers(gateway, 2 * capacity, SECONDS, DEADLINES)
    capacity = min(capacity, await capacity_of(gateway))

    assert load.goodput >= LEAST * capacity, (capacity, load.codes, load.messages)
    assert all(call.retry_after for call in load.calls if call.refused)
    assert load.codes["DEADLINE_EXCEEDED"] <= 0.2 * len(load.calls), load.codes


def run(seconds: float) -> None:
    """Keep this thread running, so that nothing else runs in its loop."""
    until = thread_time() + seconds
    while thread_time() < until:
        pass


async def busy(own: Processor, calls: int) -> list[int]:
    """Keep the loop without a rest until a bound holds; return the calls that are under way then."""
    under_way = [begun for _ in range(calls) if (begun := own.begin()) is not None]
    while (begun := own.begin()) is not None:
        own.end(begun)
        run(2 * processor._BEAT)
        await asyncio.sleep(0)
    return under_way


async def test_timers_that_others_make_late_hold_nobody_back() -> None:
    """A machine that is busy with other processes, or a quota: this thread isn't what runs."""
    own = Processor()
    under_way = deque(own.begin() for _ in range(100))
    for _ in range(20):
        sleep(2 * processor._BEAT)  # noqa: ASYNC251 - so long the thread doesn't run
        await asyncio.sleep(0)
        begun = under_way.popleft()
        assert begun is not None
        own.end(begun)
        under_way.append(own.begin())
    assert None not in under_way


async def test_connections_wait_in_turn() -> None:
    own, order = Processor(), list[str]()
    under_way = await busy(own, 20)

    async def come(connection: str) -> None:
        begun = await own.wait(connection, monotonic() + 60)
        order.append(connection)
        own.end(begun)

    waiting = [asyncio.create_task(come("loud")) for _ in range(100)]
    await asyncio.sleep(0)
    waiting += [asyncio.create_task(come(name)) for name in ("one", "two")]
    await asyncio.sleep(0)
    for begun in under_way:
        own.end(begun)
    await asyncio.gather(*waiting)
    assert {"one", "two"} <= set(order[:6])


async def test_a_connection_whose_calls_have_left_is_forgotten() -> None:
    own = Processor()
    await busy(own, 20)
    waiting = [asyncio.create_task(own.wait(str(number), monotonic() + 60)) for number in range(100)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert not own._lines
    assert own._waiting == 0


async def test_what_would_be_answered_too_late_is_refused_and_all_begin_when_the_loop_rests() -> None:
    own = Processor()
    await busy(own, 20)
    own.look("a", monotonic() + 60)
    with pytest.raises(ResourceExhausted) as refused:
        own.look("a", monotonic() + 0.001)
    assert refused.value.reason == "GATEWAY_BUSY"
    assert refused.value.retry_delay
    # Those under way may wait for whatever they like: a loop that rests lets others begin.
    async with asyncio.timeout(20):
        await asyncio.gather(*(own.wait("a", monotonic() + 60) for _ in range(1000)))


async def test_calls_that_take_long_keep_nobody_from_the_processor() -> None:
    own = Processor()
    for _ in range(100):
        own.begin()
    async with asyncio.timeout(20):
        while own._under_way:  # noqa: ASYNC110 - only there it shows
            await asyncio.sleep(processor._BEAT)
