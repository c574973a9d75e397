"""Callers of shared statements take turns by connection."""

import asyncio
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce.batch_queue import Batch, BatchQueue, Place
from gateway.db.coalesce.batch_statements import KeyRead, KeysRead
from gateway.db.coalesce.concurrency import BatchConcurrency
from gateway.db.coalesce.reads import PointReads
from gateway.db.coalesce.statistics import Outcomes
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

STATEMENT = Statement("", ("id",), (), writes=False, name="test", constants={})
CROWD, KEYS = 100, 10


class QueryExecutor:
    """Answers nothing, and tells the keys of each statement."""

    def __init__(self) -> None:
        self.sent: list[int] = []

    async def fetch(self, _statement: Statement, args: list[list[int]], _call: Call) -> list[tuple[int, ...]]:
        """Take a turn."""
        self.sent.append(args[0][-1])
        await asyncio.sleep(0)
        return []


async def test_one_that_comes_after_a_crowd_waits_for_a_statement_or_two() -> None:
    """Each caller's keys fill a statement, so that a hundred have to wait for each other."""
    executor, small = QueryExecutor(), -1
    reads = PointReads(
        executor, CoalesceSettings(max_concurrent_batches=1, max_batch_size=KEYS, max_delay=60)
    )
    read = KeysRead(STATEMENT, ["id"])
    crowd = [
        asyncio.create_task(reads.fetch(read, [(n,)] * KEYS, Call("Get", caller="a"))) for n in range(CROWD)
    ]
    await asyncio.sleep(0)
    before = len(executor.sent)
    await reads.fetch(read, [(small,)], Call("Get", caller="b"))
    assert executor.sent.index(small) - before <= 3
    await asyncio.gather(*crowd)
    await reads.close()


@given(st.lists(st.one_of(st.sampled_from("abc"), st.integers(1, 4)), max_size=60))
def test_each_connections_callers_keep_their_order_and_the_first_of_each_is_passed_by_no_other_twice(
    steps: list[str | int],
) -> None:
    async def play() -> None:
        batch_queue = BatchQueue(KeyRead(STATEMENT, STATEMENT), BatchConcurrency(1, 10), Outcomes("test"))
        waiting: dict[str, list[Place]] = {"a": [], "b": [], "c": []}
        passed: dict[str, Counter[str]] = {connection: Counter() for connection in waiting}
        for n, step in enumerate([*steps, len(steps) + 1]):
            if isinstance(step, str):
                call = Call("Get", caller=step)
                batch_queue.join(Place([n], call, None, asyncio.get_running_loop().create_future()))
                waiting[step].append(next(reversed(batch_queue.queue)))
                continue
            batch = Batch(0.0)
            batch_queue.board(batch, step)
            for taken in batch.places:
                connection = taken.call.caller
                assert waiting[connection].pop(0) is taken
                passed[connection].clear()
                for other, places in waiting.items():
                    passed[other][connection] += bool(places) and other != connection
                    assert passed[other][connection] <= 2
        assert not batch_queue.queue

    asyncio.run(play())
