"""The contract of coalesced reads, clause by clause, on a real database."""

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.auth.principal import Principal
from gateway.db.coalesce import KeysRead
from gateway.db.database_settings import RetrySettings
from gateway.db.embedded import EmbeddedPostgres
from gateway.errors import DeadlineExceeded, InvalidArgument, ResourceExhausted, RowgateError, Unavailable
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement
from tests.db.coalesce.coalesced_reads import (
    CALL,
    READ,
    CoalescedReads,
    answers,
    key_read,
    open_reads,
    queued,
)
from tests.db.servers import make_database, sql
from tests.harness.databases import Open
from tests.harness.polling import next_poll

ROWS = {i: f"row {i}" for i in range(100)}
WAITING_FOR_LOCK = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture(scope="module")
async def stored(fragile: EmbeddedPostgres) -> str:
    """Create a database with rows."""
    dsn = await make_database(fragile.start())
    await sql(dsn, "CREATE TABLE item (id int PRIMARY KEY, text text)")
    await sql(dsn, "INSERT INTO item SELECT i, 'row ' || i FROM generate_series(0, 99) i")
    return dsn


@pytest.fixture
async def coalesced(stored: str, open_database: Open) -> AsyncIterator[CoalescedReads]:
    coalesced = await open_reads(stored, open_database, max_concurrent_batches=1)
    yield coalesced
    coalesced.executor.answers.set()
    await coalesced.reads.close()


async def test_an_idle_gateway_reads_singly(coalesced: CoalescedReads) -> None:
    """One after the other, nothing is waited for and no statement is added."""
    found = [await coalesced.get(key) for key in (3, 1, 1000)]

    assert found == ["row 3", "row 1", None]
    assert coalesced.executor.names == ["read", "read", "read"]


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(keys=st.lists(st.integers(90, 105), min_size=1, max_size=60), max_batch_size=st.integers(1, 20))
async def test_each_caller_gets_its_own_row(
    stored: str, open_database: Open, keys: list[int], max_batch_size: int
) -> None:
    """Whatever keys arrive together: repeated, missing, more than a batch."""
    coalesced = await open_reads(
        stored, open_database, max_concurrent_batches=1, max_batch_size=max_batch_size
    )

    found = await answers(coalesced.start(*keys))

    assert found == [ROWS.get(key) for key in keys]
    full, rest = divmod(len(keys) - 1, max_batch_size)
    assert coalesced.batches() == [1, *[max_batch_size] * full, *[rest] * bool(rest)]


async def test_those_who_arrive_meanwhile_share_a_statement(coalesced: CoalescedReads) -> None:
    tasks = await coalesced.busy(1) + coalesced.start(2, 3, 2, 1000)
    await queued()
    coalesced.executor.answers.set()

    assert await answers(tasks) == ["row 1", "row 2", "row 3", "row 2", None]
    assert coalesced.executor.names == ["read", "many read"]
    assert list(coalesced.executor.sent[1][1]) == [[2, 3, 2, 1000]]


async def test_shared_reads_leave_nothing_to_the_garbage_collector(coalesced: CoalescedReads) -> None:
    await answers(coalesced.start(*range(100)))
    gc.collect()
    gc.disable()
    try:
        await answers(coalesced.start(*range(100)))
        coalesced.executor.sent.clear()
        assert gc.collect() < 50
    finally:
        gc.enable()


async def test_one_who_waits_alone_reads_singly(coalesced: CoalescedReads) -> None:
    tasks = await coalesced.busy(1) + coalesced.start(2)
    await queued()
    coalesced.executor.answers.set()

    assert await answers(tasks) == ["row 1", "row 2"]
    assert coalesced.executor.names == ["read", "read"]


async def test_who_comes_together_sets_out_together_where_the_last_ones_did(
    coalesced: CoalescedReads,
) -> None:
    """Until one comes alone, who waits for a turn of the loop."""
    for keys, batches in [
        ((1, 2, 3), [1, 2]),
        ((4, 5, 6), [3]),
        ((7,), [1]),
        ((8, 9), [1, 1]),
        ((1, 2), [2]),
    ]:
        coalesced.executor.sent.clear()
        assert await answers(coalesced.start(*keys)) == [ROWS[key] for key in keys]
        assert coalesced.batches() == batches
    (figures,) = coalesced.reads.figures
    assert (figures.calls, figures.alone) == (11, 2)
    assert not coalesced.reads.in_use


async def test_who_is_refused_when_nobody_is_there_leaves_nothing_behind(
    coalesced: CoalescedReads,
) -> None:
    assert len(await answers(coalesced.start(1, 2))) == 2  # so the next ones are taken to come together
    late = Call("Get", deadline=asyncio.get_running_loop().time() - 1)
    (refused,) = await answers(coalesced.start(3, call=late))
    assert isinstance(refused, ResourceExhausted)
    assert not coalesced.reads.in_use
    assert await answers(coalesced.start(3)) == ["row 3"]


async def test_a_full_batch_takes_another_lane(stored: str, open_database: Open) -> None:
    """As many as allowed."""
    coalesced = await open_reads(
        stored, open_database, max_concurrent_batches=3, max_batch_size=4, max_delay=60
    )

    found = await answers(coalesced.start(*range(50)))

    assert found == [ROWS[key] for key in range(50)]
    assert coalesced.executor.most_under_way == 3
    assert max(coalesced.batches()) == 4


async def test_reads_pass_a_statement_that_is_stuck(stored: str, open_database: Open) -> None:
    """They wait for it no longer than `max_delay`, and then share the other batch as if it weren't there."""
    coalesced = await open_reads(stored, open_database, max_concurrent_batches=2, max_delay=0.5)
    stuck = await coalesced.busy(1)
    tasks = coalesced.start(2, 3)
    await coalesced.executor.until_carried_out(2)
    assert coalesced.batches() == [1, 2]
    coalesced.executor.answers.set()

    assert await answers(stuck + tasks) == ["row 1", "row 2", "row 3"]


async def test_one_statement_is_waited_for(stored: str, open_database: Open) -> None:
    """However many batches may be under way: what arrives meanwhile makes one batch."""
    coalesced = await open_reads(stored, open_database, max_concurrent_batches=8, max_delay=60)

    assert await answers(coalesced.start(*range(50))) == [ROWS[key] for key in range(50)]
    assert coalesced.batches() == [1, 49]


async def test_statements_are_apart_and_principals_are_not(coalesced: CoalescedReads) -> None:
    """Each statement's first read is under way; further ones, whoever sends them, join those of their own."""
    other = key_read("other", "upper(text)")
    callers = [Call("Get", Principal(name, "jwt")) for name in ("ann", "bob")]
    tasks = []
    for _ in range(3):
        for call in callers:
            tasks += coalesced.start(1, 2, call=call) + coalesced.start(1, 2, call=call, read=other)

    assert await answers(tasks) == ["row 1", "row 2", "ROW 1", "ROW 2"] * 6
    assert sorted(coalesced.batches()) == [1, 1, 11, 11]
    assert {statement.name for statement, _, _ in coalesced.executor.sent[2:]} == {"many read", "many other"}


@pytest.mark.parametrize("bad", [[5], [0, 5, 9], list(range(10))])
async def test_the_fault_of_a_row_is_its_callers_alone(coalesced: CoalescedReads, bad: list[int]) -> None:
    places = ", ".join(map(str, bad))
    faulty = key_read("faulty", f"1 / CASE WHEN id IN ({places}) THEN 0 ELSE 1 END")

    found = await answers(coalesced.start(1000, *range(10), read=faulty))

    assert [i for i in range(10) if isinstance(found[i + 1], InvalidArgument)] == bad
    assert [found[i + 1] for i in range(10) if i not in bad] == [1] * (10 - len(bad))


async def test_a_fault_of_ours_is_answered_too(coalesced: CoalescedReads) -> None:
    """An exception that no driver raises (a key without its value) hangs nobody either."""
    tasks = coalesced.start(1, 2, 3)
    tasks.append(asyncio.create_task(coalesced.reads.fetch(READ, [], CALL)))

    *found, failed = await answers(tasks)

    assert found == ["row 1", "row 2", "row 3"]
    assert isinstance(failed, Exception)


async def end_session_in_lock(dsn: str) -> None:
    """Wait for a session that waits for a lock; end it."""
    while not (found := await sql(dsn, WAITING_FOR_LOCK)):
        await next_poll()
    await sql(dsn, "SELECT pg_terminate_backend($1)", found[0][0])


@pytest.mark.parametrize("attempts", [1, 6])
async def test_a_lost_connection_hangs_nobody(
    fragile: EmbeddedPostgres, open_database: Open, attempts: int
) -> None:
    """The batch is read again on another connection; where that is not to be, all of its callers hear."""
    dsn = await make_database(fragile.start())
    await sql(dsn, "CREATE TABLE item AS SELECT i AS id, 'row ' || i AS text FROM generate_series(0, 9) i")
    coalesced = await open_reads(
        dsn, open_database, RetrySettings(attempts=attempts), max_concurrent_batches=1
    )
    tasks = await coalesced.busy(1) + coalesced.start(2, 3, 4)
    locker = await open_database(dsn, pool_size=1)

    async def locked(transaction: Any) -> None:
        await transaction.fetch(Statement("LOCK TABLE item", (), (), writes=True, name="", constants={}), [])
        coalesced.executor.answers.set()
        await end_session_in_lock(dsn)

    await locker.transact(locked, CALL)
    found = await answers(tasks)

    assert found[0] == "row 1"
    if attempts > 1:
        assert found[1:] == ["row 2", "row 3", "row 4"]
    else:
        assert {type(error) for error in found[1:]} == {Unavailable}
    assert coalesced.batches() == [1, 3]
    assert await coalesced.get(5) == "row 5"


async def test_a_cancelled_caller_drops_its_own_place(coalesced: CoalescedReads) -> None:
    """Also once its statement is under way."""
    first = await coalesced.busy(1)
    gone, *others = coalesced.start(2, 3, 4)
    await queued()
    gone.cancel()
    await queued(2)
    coalesced.executor.answers.set()
    assert await answers([*first, *others]) == ["row 1", "row 3", "row 4"]
    assert list(coalesced.executor.sent[1][1]) == [[3, 4]]

    first = await coalesced.busy(1)
    coalesced.executor.answers.set()
    gone, *others = coalesced.start(2, 3, 4)
    await answers(first)
    coalesced.executor.answers.clear()
    await coalesced.executor.until_carried_out(4)
    gone.cancel()
    coalesced.executor.answers.set()
    assert await answers(others) == ["row 3", "row 4"]


async def test_a_caller_out_of_time_leaves_the_others(coalesced: CoalescedReads) -> None:
    """The statement has the time of who has most."""
    now = asyncio.get_running_loop().time()
    tasks = await coalesced.busy(1)
    tasks += coalesced.start(2, call=Call("Get", deadline=now + 50)) + coalesced.start(
        3, call=Call("Get", deadline=now + 90)
    )
    # Where the machine is slow its time is up before it waits.
    with pytest.raises((TimeoutError, ResourceExhausted)):
        async with asyncio.timeout(0.01):
            await coalesced.get(4, Call("Get", deadline=now + 0.01))
    coalesced.executor.answers.set()

    assert await answers(tasks) == ["row 1", "row 2", "row 3"]
    assert list(coalesced.executor.sent[1][1]) == [[2, 3]]
    assert coalesced.executor.sent[1][2].deadline == now + 90


async def test_a_batch_without_time_is_over(fragile: EmbeddedPostgres, open_database: Open) -> None:
    """Nobody cancels these callers: the latest deadline of the batch ends it."""
    coalesced = await open_reads(
        await make_database(fragile.start()), open_database, max_concurrent_batches=1
    )
    slow = key_read("slow", "pg_sleep(30)")
    await sql(coalesced.dsn, "CREATE TABLE item AS SELECT 1 AS id")
    calls = [Call("Get", deadline=asyncio.get_running_loop().time() + after) for after in (0.05, 2, 2.1)]

    found = await answers([coalesced.start(1, call=call, read=slow)[0] for call in calls])

    assert {type(error) for error in found} == {DeadlineExceeded}
    assert coalesced.batches() == [1, 2]


async def test_a_statement_without_callers_is_broken_off(
    fragile: EmbeddedPostgres, open_database: Open
) -> None:
    """It gives its connection and its place among the batches back: the next read doesn't wait for it."""
    coalesced = await open_reads(
        await make_database(fragile.start()), open_database, max_concurrent_batches=1
    )
    await sql(coalesced.dsn, "CREATE TABLE item AS SELECT i AS id FROM generate_series(1, 3) i")
    slow = key_read("slow", "pg_sleep(CASE WHEN id < 3 THEN 30 ELSE 0 END)")
    tasks = coalesced.start(1000, 1, 2, read=slow)
    asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    while await sql(coalesced.dsn, asleep) != [(1,)]:
        await next_poll()
    for task in tasks[1:]:
        task.cancel()
    await answers(tasks)

    assert await asyncio.wait_for(coalesced.reads.fetch(slow, [3], CALL), 60) is not None
    while await sql(coalesced.dsn, asleep) != [(0,)]:
        await next_poll()


async def test_a_full_queue_refuses(stored: str, open_database: Open) -> None:
    coalesced = await open_reads(stored, open_database, max_concurrent_batches=1, max_waiting=2)
    tasks = await coalesced.busy(1) + coalesced.start(2, 3)
    await queued()
    with pytest.raises(ResourceExhausted) as refused:
        await coalesced.get(4)
    assert refused.value.reason == "TOO_MANY_READS"
    assert refused.value.retry_delay

    tasks.pop().cancel()
    await queued(2)
    tasks += coalesced.start(5)
    await queued()
    coalesced.executor.answers.set()
    assert await answers(tasks) == ["row 1", "row 2", "row 5"]
    assert await answers(coalesced.start(1, 2)) == ["row 1", "row 2"]


async def test_a_read_after_a_write_sees_it(fragile: EmbeddedPostgres, open_database: Open) -> None:
    """Statements that were carried out before the write answer nobody who came after it."""
    dsn = await make_database(fragile.start())
    await sql(dsn, "CREATE TABLE item AS SELECT i AS id, 'old' AS text FROM generate_series(0, 9) i")
    coalesced = await open_reads(dsn, open_database, max_concurrent_batches=2, max_delay=0.001)
    before = await coalesced.busy(1)
    before += coalesced.start(1, 2)
    await coalesced.executor.until_carried_out(2)
    await sql(dsn, "UPDATE item SET text = 'new'")
    after = coalesced.start(1, 2)
    await queued()
    coalesced.executor.answers.set()

    assert await answers(before) == ["old", "old", "old"]
    assert await answers(after) == ["new", "new"]


async def test_closing_refuses_who_waits(coalesced: CoalescedReads) -> None:
    """What is under way ends, unless that takes too long."""
    under_way = await coalesced.busy(1)
    waiting = coalesced.start(2, 3)
    await queued()
    await coalesced.reads.close()
    await coalesced.reads.close()

    refused = await answers(waiting)
    assert {type(error) for error in refused} == {Unavailable}
    assert {error.reason for error in refused if isinstance(error, RowgateError)} == {"SHUTTING_DOWN"}
    with pytest.raises(Unavailable):
        await coalesced.get(4)
    coalesced.executor.answers.set()
    assert await answers(under_way) == ["row 1"]


@pytest.mark.parametrize("grace", [0.0, 20.0])
async def test_closing_gives_a_batch_its_time(coalesced: CoalescedReads, grace: float) -> None:
    tasks = await coalesced.busy(1) + coalesced.start(2, 3)
    await queued()
    coalesced.executor.answers.set()
    await answers(tasks[:1])
    coalesced.executor.answers.clear()
    await coalesced.executor.until_carried_out(2)
    closing = asyncio.create_task(coalesced.reads.close(grace))
    if grace:
        await queued(3)
        coalesced.executor.answers.set()
    await asyncio.wait_for(closing, 60)

    found = await answers(tasks[1:])
    assert found == ["row 2", "row 3"] if grace else {type(error) for error in found} == {Unavailable}


async def test_switched_off_every_read_is_alone(stored: str, open_database: Open) -> None:
    coalesced = await open_reads(stored, open_database, reads=False)

    assert await answers(coalesced.start(*range(20))) == [ROWS[key] for key in range(20)]
    assert coalesced.batches() == [1] * 20


async def test_nothing_is_left_behind(coalesced: CoalescedReads) -> None:
    """Neither batch queues of principals who went away, nor tasks, nor places in the queue."""
    for n in range(20):
        tasks = coalesced.start(*range(10), call=Call("Get", Principal(f"{n}", "jwt")))
        await queued(n % 4)
        for task in tasks[:: 1 + n % 3]:
            task.cancel()
        await answers(tasks)
        await queued(50)
        assert not coalesced.reads.in_use


KEYS_READ = KeysRead(READ.together([[1], [2]])[0], ["id"])


async def test_callers_of_some_keys_each_get_their_rows(coalesced: CoalescedReads) -> None:
    """By the places of their own keys: repeated, missing, none there at all."""
    wanted = [[(3,), (1000,), (3,)], [(1000,)], [(4,), (3,)], [(i,) for i in range(9)]]
    first = await coalesced.busy_with(KEYS_READ, [(1,), (2,)])
    tasks = [asyncio.create_task(coalesced.reads.fetch(KEYS_READ, keys, CALL)) for keys in wanted]
    await queued()
    coalesced.executor.answers.set()

    found = await answers([*first, *tasks])
    assert found == [
        {1: ("row 1",), 2: ("row 2",)},
        {1: ("row 3",), 3: ("row 3",)},
        {},
        {1: ("row 4",), 2: ("row 3",)},
        {i + 1: (f"row {i}",) for i in range(9)},
    ]
    assert coalesced.batches() == [2, 15]


async def test_a_statement_is_for_so_many_keys_however_few_callers(stored: str, open_database: Open) -> None:
    """But for all of one caller's."""
    coalesced = await open_reads(
        stored, open_database, max_concurrent_batches=1, max_delay=60, max_batch_size=10
    )
    first = await coalesced.busy_with(KEYS_READ, [(1,)])
    counts = [4, 4, 4, 30, 2, 8, 1]
    tasks = [
        asyncio.create_task(coalesced.reads.fetch(KEYS_READ, [(i,) for i in range(count)], CALL))
        for count in counts
    ]
    await queued()
    coalesced.executor.answers.set()
    assert [len(found) for found in await answers(first + tasks)] == [1, *counts]
    assert coalesced.batches() == [1, 8, 4, 30, 10, 1]
