"""Statements are shared by those whom they answer in time; who would wait in vain is refused."""

import asyncio
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce.batch_queue import Batch, BatchQueue, Place
from gateway.db.coalesce.batch_statements import KeyRead
from gateway.db.coalesce.concurrency import BatchConcurrency
from gateway.db.coalesce.reads import PointReads
from gateway.db.coalesce.statistics import Outcomes
from gateway.db.pool.duration_forecast import Forecast
from gateway.errors import ResourceExhausted
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

STATEMENT = Statement("", ("id",), (), writes=False, name="test", constants={})


class SlowDoor:
    """A database that takes so long for each row."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sent: list[int] = []

    async def fetch(self, _statement: Statement, args: list[Any], _call: Call) -> list[tuple[int, ...]]:
        """Take the time that the rows take."""
        keys = args[0] if isinstance(args[0], list) else [args[0]]
        self.sent.append(len(keys))
        await asyncio.sleep(self.seconds * len(keys))
        return [(n, key) for n, key in enumerate(keys, 1)] if isinstance(args[0], list) else [(args[0],)]


@pytest.mark.parametrize(("fixed", "each"), [(0.0, 0.05), (0.1, 0.0), (0.01, 0.001)])
def test_a_forecast_learns_what_any_statement_takes_and_what_each_row(fixed: float, each: float) -> None:
    forecast = Forecast()
    for rows in (*range(1, 9), *range(1, 9), *range(1, 9)):
        forecast.took(rows, fixed + each * rows)
    assert forecast.seconds(1) == pytest.approx(fixed + each)
    assert forecast.seconds(20) == pytest.approx(fixed + 20 * each)
    expected = (0.5 - fixed) / each if each else inf
    assert forecast.rows_in(0.5) == pytest.approx(expected) or forecast.rows_in(0.5) > 1e6


def test_before_it_knows_of_several_rows_each_costs_as_the_first() -> None:
    forecast = Forecast()
    assert (forecast.seconds(9), forecast.rows_in(1)) == (0, inf)
    forecast.took(1, 0.1)
    assert forecast.seconds(5) == pytest.approx(0.5)


@given(st.lists(st.tuples(st.integers(1, 512), st.floats(0, 100)), min_size=1))
def test_no_forecast_is_less_than_nothing_and_more_rows_take_no_less(times: list[tuple[int, float]]) -> None:
    forecast = Forecast()
    for rows, seconds in times:
        forecast.took(rows, seconds)
    told = [forecast.seconds(rows) for rows in range(1, 513)]
    assert told == sorted(told)
    assert told[0] >= -1e-9


async def test_a_statement_takes_as_many_as_it_answers_in_time() -> None:
    """Thirty rows of 50 ms are too many for deadlines of 400 ms: of half of that there are four at most."""
    executor = SlowDoor(0.05)
    reads = PointReads(executor, CoalesceSettings(max_concurrent_batches=1))
    read = KeyRead(STATEMENT, STATEMENT)
    now = asyncio.get_running_loop().time()
    first = asyncio.create_task(reads.fetch(read, [0], Call("Get", deadline=now + 10)))
    await asyncio.sleep(0)
    calls = [Call("Get", deadline=now + 0.4) for _ in range(30)]
    tasks = [asyncio.create_task(reads.fetch(read, [n], call)) for n, call in enumerate(calls)]
    answers = await asyncio.gather(first, *tasks, return_exceptions=True)

    refused = [one for one in answers if isinstance(one, ResourceExhausted)]
    answered = [one for one in answers if isinstance(one, tuple)]
    assert len(refused) + len(answered) == 31
    assert all(one.retry_delay for one in refused)
    assert refused
    assert max(executor.sent) <= 4
    assert sum(executor.sent) == len(answered)
    await reads.close()


async def test_who_comes_when_too_much_waits_is_refused_at_once() -> None:
    executor = SlowDoor(0.05)
    reads = PointReads(executor, CoalesceSettings(max_concurrent_batches=1))
    read = KeyRead(STATEMENT, STATEMENT)
    loop = asyncio.get_running_loop()
    patient = Call("Get", deadline=loop.time() + 60)
    before = [asyncio.create_task(reads.fetch(read, [n], patient)) for n in range(12)]
    await asyncio.sleep(0.12)  # the first statements tell how long they take
    begun = len(executor.sent)
    with pytest.raises(ResourceExhausted) as refused:
        await reads.fetch(read, [99], Call("Get", deadline=loop.time() + 0.01))
    assert (refused.value.reason, len(executor.sent)) == ("TOO_MANY_READS", begun)
    assert len(await asyncio.gather(*before)) == 12
    await reads.close()


async def test_statements_that_are_quick_again_are_shared_again() -> None:
    """Also where nobody could wait for them: what is under way shows that the forecast is wrong."""
    executor = SlowDoor(0.5)
    reads = PointReads(executor, CoalesceSettings())
    read = KeyRead(STATEMENT, STATEMENT)
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(reads.fetch(read, [n], Call("Get")) for n in range(2)))
    executor.seconds = 0.0

    async def two() -> int:
        calls = (Call("Get", deadline=loop.time() + 0.1) for _ in range(2))
        answers = await asyncio.gather(
            *(reads.fetch(read, [n], call) for n, call in enumerate(calls)), return_exceptions=True
        )
        return sum(isinstance(one, tuple) for one in answers)

    assert 2 in [await two() for _ in range(200)]
    await reads.close()


async def test_who_came_behind_another_is_looked_at_when_the_row_is_free() -> None:
    loop = asyncio.get_running_loop()
    batch_queue = BatchQueue(
        KeyRead(STATEMENT, STATEMENT), BatchConcurrency(maximum=1, max_batch_size=10), Outcomes("test")
    )
    batch_queue.concurrency.forecast.took(1, 1.0)
    now = loop.time()
    first, behind = (
        Place([7], Call("Update", deadline=now + left), 7, loop.create_future()) for left in (60, 0.1)
    )
    batch_queue.join(first)
    batch_queue.join(behind)
    assert batch_queue.board(Batch(now), 10) == 1
    batch_queue.let_go(7)
    assert batch_queue.in_time(now) == (1, [behind])
