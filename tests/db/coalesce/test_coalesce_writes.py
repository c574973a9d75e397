"""The contract of coalesced writes, clause by clause, on a real database."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.auth.principal import Principal
from gateway.config.settings import CoalesceSettings
from gateway.db.coalesce import RowWrites
from gateway.db.database_settings import RetrySettings
from gateway.db.embedded import EmbeddedPostgres
from gateway.errors import (
    DeadlineExceeded,
    Internal,
    InvalidArgument,
    OutcomeUnknown,
    ResourceExhausted,
    RowgateError,
    Unavailable,
)
from gateway.request.calls.bulkheads import share_of
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement
from tests.db.coalesce.coalesced_reads import answers, queued
from tests.db.coalesce.coalesced_writes import (
    ACCOUNTS,
    FRESH_LIMIT,
    HANDED_BACK,
    NEW,
    SOFT_DELETE,
    CoalescedWrites,
    make_accounts,
    open_writes,
    row_write,
)
from tests.db.coalesce.watched import Watched
from tests.db.proxy import proxied
from tests.db.servers import kill_server, make_database, sql
from tests.harness.databases import Open
from tests.harness.polling import next_poll

WAITING_FOR_LOCK = (
    "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)
ALONE, SHARED = "update order", "update each order"


@pytest.fixture
async def stored(fragile: EmbeddedPostgres) -> str:
    """Create a database with a hundred accounts."""
    dsn = await make_database(fragile.start())
    await make_accounts(dsn)
    return dsn


@pytest.fixture
async def coalesced(stored: str, open_database: Open) -> AsyncIterator[CoalescedWrites]:
    coalesced = await open_writes(stored, open_database, max_concurrent_batches=1, max_delay=60)
    yield coalesced
    coalesced.executor.answers.set()
    await coalesced.writes.close()


async def test_an_idle_gateway_writes_singly(coalesced: CoalescedWrites) -> None:
    assert [await coalesced.change(number, 7) for number in (3, 1)] == [(7, 2), (7, 2)]
    assert coalesced.executor.names == [ALONE, ALONE]


async def test_those_who_arrive_meanwhile_share_a_statement(coalesced: CoalescedWrites) -> None:
    """And its one commit: each gets its own row, however they are ordered for the locks."""
    tasks = await coalesced.busy(1, 10) + coalesced.start((4, 40), (2, 20), (3, 30))
    await queued()
    coalesced.executor.answers.set()

    assert await answers(tasks) == [(10, 2), (40, 2), (20, 2), (30, 2)]
    assert coalesced.executor.names == [ALONE, SHARED]
    xmins = await sql(coalesced.dsn, f"SELECT DISTINCT xmin::text FROM {ACCOUNTS} WHERE number IN (2, 3, 4)")  # noqa: S608
    assert len(xmins) == 1


async def test_rows_come_in_the_order_of_their_keys(stored: str, open_database: Open) -> None:
    """Gateways that create the same rows, each in an order of its own, never wait in a circle."""
    desks = [
        await open_writes(stored, open_database, max_concurrent_batches=1, max_delay=60) for _ in range(2)
    ]
    locker = await asyncpg.connect(stored)
    tasks = []
    try:
        transaction = locker.transaction()
        await transaction.start()
        await locker.execute(f"UPDATE {ACCOUNTS} SET number = 202 WHERE number = 99")  # noqa: S608
        for coalesced, numbers in zip(desks, ((201, 202, 203), (203, 202, 201)), strict=True):
            tasks += coalesced.start((300, 1), write=NEW)
            await queued()
            tasks += coalesced.start(*((number, 1) for number in numbers), write=NEW)
        while len(await sql(stored, WAITING_FOR_LOCK)) < 2:
            await next_poll()
        await transaction.rollback()
    finally:
        await locker.close()
    await answers(tasks)
    assert sorted(await desks[0].stored())[-3:] == [202, 203, 300]
    statistics = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await sql(stored, statistics) == [(0,)]


async def test_changes_of_a_row_keep_their_order_and_never_share(coalesced: CoalescedWrites) -> None:
    tasks = await coalesced.busy(5, 1) + coalesced.start((5, 2), (6, 1), (5, 3), (5, 4), (6, 2))
    await queued()
    coalesced.executor.answers.set()

    assert await answers(tasks) == [(1, 2), (2, 3), (1, 2), (3, 4), (4, 5), (2, 3)]
    assert coalesced.batches() == [1, 2, 2, 1] or coalesced.batches() == [1, 1, 2, 1, 1]
    assert not coalesced.handed_back


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(st.tuples(st.integers(95, 103), st.integers(-1, 9)), min_size=1, max_size=60),
    max_batch_size=st.integers(1, 20),
)
async def test_any_changes_are_carried_out_as_one_after_the_other(
    stored: str, open_database: Open, changes: list[tuple[int, int]], max_batch_size: int
) -> None:
    """Whatever arrives together: rows named again and again, missing rows, refused values."""
    await sql(stored, f'UPDATE {ACCOUNTS} SET "limit" = 0, revision = 1')  # noqa: S608
    coalesced = await open_writes(
        stored, open_database, max_concurrent_batches=2, max_delay=0.001, max_batch_size=max_batch_size
    )

    found = await answers(coalesced.start(*changes))

    model = dict.fromkeys(range(100), (0, 1))
    for (number, limit), told in zip(changes, found, strict=True):
        if number not in model:
            assert told == HANDED_BACK
        elif limit < 0:
            assert isinstance(told, InvalidArgument)
            assert told.reason == "CHECK_VIOLATION"
        else:
            model[number] = (limit, model[number][1] + 1)
            assert told == model[number]
    assert await coalesced.stored() == model
    assert not coalesced.writes.in_use
    await coalesced.database.close()


async def test_writes_of_several_principals_share_a_statement(coalesced: CoalescedWrites) -> None:
    """A write is under way; those that come meanwhile go together, whoever sends them."""
    calls = [Call("Update", Principal(name, "jwt")) for name in ("ann", "bob")]
    coalesced.executor.answers.clear()
    tasks = coalesced.start((0, 1), call=calls[0])
    await coalesced.executor.until_carried_out(1)
    for call, row in zip(calls, (1, 3), strict=True):
        tasks += coalesced.start((row, 1), (row + 1, 1), call=call)
    await queued()
    coalesced.executor.answers.set()
    await answers(tasks)

    assert coalesced.batches() == [1, 4]


@pytest.mark.parametrize("bad", [[5], [1, 5, 9], list(range(1, 11))])
async def test_the_fault_of_a_row_is_its_callers_alone(coalesced: CoalescedWrites, bad: list[int]) -> None:
    """The others' changes are made, once each."""
    tasks = await coalesced.busy(0, 1) + coalesced.start(*((i, -1 if i in bad else i) for i in range(1, 11)))
    await queued()
    coalesced.executor.answers.set()
    found = await answers(tasks)

    assert [i for i in range(1, 11) if isinstance(found[i], InvalidArgument)] == bad
    assert {i: found[i] for i in range(1, 11) if i not in bad} == {
        i: (i, 2) for i in range(1, 11) if i not in bad
    }
    stored = await coalesced.stored()
    assert [stored[i] for i in range(1, 11)] == [(0, 1) if i in bad else (i, 2) for i in range(1, 11)]


async def test_many_faults_make_small_batches(stored: str, open_database: Open) -> None:
    """Until there are none any more: who sends bad rows makes it expensive for nobody for long."""
    coalesced = await open_writes(stored, open_database, max_concurrent_batches=1, max_delay=60)
    for _ in range(4):
        await answers(await first(coalesced) + coalesced.start(*((i, -1) for i in range(1, 41))))
    before = len(coalesced.executor.sent)
    await answers(await first(coalesced) + coalesced.start(*((i, 1) for i in range(1, 41))))
    assert coalesced.batches()[before:] == [1, 8, 16, 16]


async def first(coalesced: CoalescedWrites) -> list["asyncio.Task[Any]"]:
    """Start a change; what is started next shares the next statement."""
    tasks = coalesced.start((0, 1))
    await queued()
    return tasks


async def test_what_finds_nothing_to_do_is_handed_back(coalesced: CoalescedWrites) -> None:
    """No row, a deleted one, another version: in a batch, and alone."""
    await sql(coalesced.dsn, f"UPDATE {ACCOUNTS} SET closed_at = now() WHERE number = 3")  # noqa: S608
    assert await coalesced.change(1000, 1) == HANDED_BACK
    tasks = await coalesced.busy(0, 1) + coalesced.start((1000, 1), (2, 1), (3, 1))
    await queued()
    coalesced.executor.answers.set()
    assert await answers(tasks) == [(1, 2), HANDED_BACK, (1, 2), HANDED_BACK]

    fresh = [coalesced.start((number, 5), write=FRESH_LIMIT, expected=2)[0] for number in (0, 1, 2)]
    assert await answers(fresh) == [(5, 3), HANDED_BACK, (5, 3)]


async def test_writes_of_a_row_wait_for_the_one_that_was_handed_back(coalesced: CoalescedWrites) -> None:
    """It comes first, so it is the first to find out what there is."""
    found_out = asyncio.Event()

    async def find_out() -> str:
        await found_out.wait()
        return "found out"

    tasks = await coalesced.busy(0, 1)
    slow = coalesced.start((1000, 1), otherwise=find_out)
    later = coalesced.start((1000, 2), (1, 2))
    await queued()
    coalesced.executor.answers.set()
    await answers([*tasks, later[1]])
    await queued(5)
    assert not later[0].done()
    found_out.set()
    assert await answers(slow + later) == ["found out", HANDED_BACK, (2, 2)]


async def at_once() -> str:
    """Return what a caller might find out without waiting."""
    return "at once"


async def test_a_row_that_is_locked_keeps_nobody_else_waiting(stored: str, open_database: Open) -> None:
    """Neither in a batch, nor when the caller who came alone waits for it."""
    coalesced = await open_writes(stored, open_database, max_concurrent_batches=1, max_delay=0.001)
    connection = await asyncpg.connect(stored)
    try:
        async with connection.transaction():
            await connection.execute(f"SELECT FROM {ACCOUNTS} WHERE number IN (0, 1) FOR UPDATE")
            alone = coalesced.start((0, 1))
            await queued()
            tasks = coalesced.start((1, 1), otherwise=at_once) + coalesced.start((2, 1), (3, 1))
            assert await answers(tasks) == ["at once", (1, 2), (1, 2)]
            assert await answers(coalesced.start((4, 1), (5, 1))) == [(1, 2), (1, 2)]
            assert not alone[0].done()
    finally:
        await connection.close()
    assert await answers(alone) == [(1, 2)]


async def test_a_cancelled_write_is_dropped_if_it_was_not_sent(coalesced: CoalescedWrites) -> None:
    tasks = await coalesced.busy(0, 1)
    gone, *others = coalesced.start((1, 9), (1, 2), (2, 2))
    await queued()
    gone.cancel()
    await queued(2)
    coalesced.executor.answers.set()
    assert await answers([*tasks, *others]) == [(1, 2), (2, 2), (2, 2)]


async def test_a_write_cancelled_in_the_last_moment_is_not_sent(stored: str, open_database: Open) -> None:
    """When its batch is about to set out, and it has had no turn yet to leave."""
    coalesced = await open_writes(
        stored, open_database, max_concurrent_batches=1, max_delay=60, max_batch_size=2
    )
    tasks = await coalesced.busy(0, 1)
    (gone,) = coalesced.start((1, 9))
    await queued()

    async def cancel() -> None:
        gone.cancel()

    tasks += coalesced.start((2, 2))
    await asyncio.create_task(cancel())
    later = coalesced.start((1, 1))
    await queued()
    coalesced.executor.answers.set()
    assert await answers([*tasks, *later]) == [(1, 2), (2, 2), (1, 2)]
    assert gone.cancelled()


async def test_a_caller_cancelled_when_handed_back_leaves_its_row(coalesced: CoalescedWrites) -> None:
    """In the moment in which it was told that nothing was done, before it could look."""
    tasks = await coalesced.busy(0, 1)

    async def cancel() -> str:
        gone.cancel()
        return "done"

    tasks += coalesced.start((1000, 1), otherwise=cancel)
    (gone,) = coalesced.start((1001, 1), otherwise=at_once)
    await queued()
    coalesced.executor.answers.set()
    assert await answers(tasks) == [(1, 2), "done"]
    assert await answers(coalesced.start((1001, 1), otherwise=at_once)) == ["at once"]
    assert gone.cancelled()
    assert not coalesced.writes.in_use


@pytest.mark.parametrize("cancelled", [[1], [1, 2, 3]])
async def test_a_write_that_was_sent_runs_on(coalesced: CoalescedWrites, cancelled: list[int]) -> None:
    """Also when all of its batch have left; and the next write of its row waits for it."""
    tasks = await coalesced.busy(0, 1) + coalesced.start((1, 1), (2, 1), (3, 1))
    await queued()
    coalesced.executor.answers.set()
    await answers(tasks[:1])
    coalesced.executor.answers.clear()
    await coalesced.executor.until_carried_out(2)
    for number in cancelled:
        tasks[number].cancel()
    later = coalesced.start((1, 2))
    await queued(2)
    coalesced.executor.answers.set()

    found = await answers(tasks)
    assert [i for i in range(4) if isinstance(found[i], asyncio.CancelledError)] == cancelled
    assert await answers(later) == [(2, 3)]
    stored = await coalesced.stored()
    assert [stored[i] for i in (1, 2, 3)] == [(2, 3), (1, 2), (1, 2)]


async def test_a_caller_out_of_time_leaves_the_others(coalesced: CoalescedWrites) -> None:
    """The statement has the time of who has most."""
    now = asyncio.get_running_loop().time()
    tasks = await coalesced.busy(0, 1)
    for number, after in ((1, 50), (2, 90)):
        tasks += coalesced.start((number, 1), call=Call("Update", deadline=now + after))
    # Where the machine is slow its time is up before it waits.
    with pytest.raises((TimeoutError, ResourceExhausted)):
        async with asyncio.timeout(0.01):
            await coalesced.change(3, 1, Call("Update", deadline=now + 0.01))
    coalesced.executor.answers.set()

    assert await answers(tasks) == [(1, 2), (1, 2), (1, 2)]
    assert coalesced.executor.sent[1][2].deadline == now + 90
    assert (await coalesced.stored())[3] == (0, 1)


async def test_a_full_queue_refuses(stored: str, open_database: Open) -> None:
    """Also those who wait for one row."""
    coalesced = await open_writes(
        stored, open_database, max_concurrent_batches=1, max_delay=60, max_waiting=3
    )
    tasks = await coalesced.busy(0, 1) + coalesced.start((1, 1), (1, 2), (0, 2))
    await queued()
    with pytest.raises(ResourceExhausted) as refused:
        await coalesced.change(4)
    assert refused.value.reason == "TOO_MANY_WRITES"
    assert refused.value.retry_delay

    tasks.pop().cancel()
    await queued(2)
    tasks += coalesced.start((5, 1))
    await queued()
    coalesced.executor.answers.set()
    assert await answers(tasks) == [(1, 2), (1, 2), (2, 3), (1, 2)]


async def test_those_who_wait_for_one_row_leave_places_to_others(stored: str, open_database: Open) -> None:
    coalesced = await open_writes(
        stored, open_database, max_concurrent_batches=1, max_delay=60, max_waiting=8
    )
    rename = row_write("Title")
    tasks = await coalesced.busy(0, 1) + await coalesced.busy(1, write=rename)
    tasks += coalesced.start(*[(0, 2)] * share_of(8))
    await queued()
    with pytest.raises(ResourceExhausted):
        await asyncio.wait_for(coalesced.change(0, 3), 60)
    tasks += coalesced.start((2, 0), write=rename)
    await queued()
    coalesced.executor.answers.set()
    assert len([one for one in await answers(tasks) if isinstance(one, tuple)]) == 3 + share_of(8)


@pytest.mark.parametrize("delivered", [True, False])
async def test_a_lost_answer_leaves_everyone_in_doubt_and_writes_nothing_twice(
    stored: str, open_database: Open, *, delivered: bool
) -> None:
    async with proxied(stored) as (proxy, through):
        coalesced = await open_writes(through, open_database, max_concurrent_batches=1, max_delay=60)
        await answers(await first(coalesced) + coalesced.start((7, 1), (8, 1)))
        tasks = await coalesced.busy(0, 2) + coalesced.start(*((i, i) for i in range(1, 6)))
        await queued()
        proxy.cut_at(b"\x00\x00\x00\x05", delivered=delivered)
        coalesced.executor.answers.set()
        found = await answers(tasks)
        await coalesced.writes.close()

    assert found[0] == (2, 3)
    assert {type(error) for error in found[1:]} == {OutcomeUnknown}
    rows = await CoalescedWrites(coalesced.writes, coalesced.executor, coalesced.database, stored).stored()
    assert [rows[i] for i in range(1, 6)] == [(i, 2) if delivered else (0, 1) for i in range(1, 6)]


class Unsure:
    """An executor that breaks after the statements went through it."""

    def __init__(self, executor: Watched) -> None:
        self._door = executor

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Any:
        """Run the statement; raise where it was shared."""
        rows = await self._door.fetch(statement, args, call)
        if "each" in statement.name:
            raise Internal("broken", reason="INTERNAL")
        return rows


async def test_what_may_have_been_written_is_not_tried_again(stored: str, open_database: Open) -> None:
    """Whatever the error is: only the server's word is a proof."""
    coalesced = await open_writes(stored, open_database)
    settings_ = CoalesceSettings(max_concurrent_batches=1, max_delay=60)
    unsure = replace(coalesced, writes=RowWrites(Unsure(coalesced.executor), settings_))
    found = await answers(await first(unsure) + unsure.start((4, 1), (5, 1)))
    assert {type(error) for error in found[1:]} == {Internal}
    rows = await coalesced.stored()
    assert (rows[4], rows[5]) == ((1, 2), (1, 2))


async def test_a_batch_that_never_reached_the_server_is_sent_again(stored: str, open_database: Open) -> None:
    """The connection was lost before; where none is to be had, all hear that."""
    coalesced = await open_writes(stored, open_database, max_concurrent_batches=1, max_delay=60, pool_size=1)
    tasks = await coalesced.busy(0, 1) + coalesced.start((1, 1), (2, 1))
    await queued()
    others = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
    await sql(stored, f"{others} AND pid <> pg_backend_pid()")
    coalesced.executor.answers.set()
    assert await answers(tasks) == [(1, 2), (1, 2), (1, 2)]


async def test_without_a_database_everyone_hears_it(fragile: EmbeddedPostgres, open_database: Open) -> None:
    dsn = await make_database(fragile.start())
    await make_accounts(dsn, 10)
    coalesced = await open_writes(
        dsn, open_database, RetrySettings(attempts=1), max_concurrent_batches=1, max_delay=60
    )
    tasks = await coalesced.busy(0, 1) + coalesced.start((1, 1), (2, 1))
    await queued()
    await asyncio.to_thread(fragile.stop)
    try:
        coalesced.executor.answers.set()
        found = await answers(tasks)
    finally:
        await asyncio.to_thread(fragile.start)
    assert found[0] == (1, 2)
    assert {type(error) for error in found[1:]} == {Unavailable}
    assert await coalesced.stored() == {0: (1, 2)} | dict.fromkeys(range(1, 10), (0, 1))


async def test_acknowledged_writes_survive_the_death_of_the_server(
    fragile: EmbeddedPostgres, stored: str, open_database: Open
) -> None:
    """Killed in the middle of batches: what was told as done is there, and nothing is there twice."""
    coalesced = await open_writes(stored, open_database, max_delay=0.001)
    attempts: Counter[int] = Counter()
    done = dict.fromkeys(range(100), 1)
    over = asyncio.Event()

    async def writer(number: int) -> None:
        while not over.is_set():
            attempts[number] += 1
            with suppress(OutcomeUnknown, Unavailable):
                _, done[number] = await coalesced.change(number, attempts[number])

    async def until_done(more: int) -> None:
        enough = sum(done.values()) + more
        async with asyncio.timeout(30):
            while sum(done.values()) < enough:
                await queued()

    writers = [asyncio.create_task(writer(number)) for number in range(100)]
    await until_done(2000)
    await asyncio.to_thread(kill_server, fragile)
    await asyncio.to_thread(fragile.start)
    await until_done(2000)
    over.set()
    await answers(writers)

    for number, (_, revision) in (await coalesced.stored()).items():
        assert done[number] <= revision <= attempts[number] + 1
    assert max(coalesced.batches()) > 20


async def test_closing_refuses_who_waits(coalesced: CoalescedWrites) -> None:
    """What is under way ends, unless that takes too long."""
    under_way = await coalesced.busy(0, 1)
    waiting = coalesced.start((0, 2), (1, 2))
    await queued()
    await coalesced.writes.close()
    await coalesced.writes.close()

    refused = await answers(waiting)
    assert {error.reason for error in refused if isinstance(error, RowgateError)} == {"SHUTTING_DOWN"}
    with pytest.raises(Unavailable):
        await coalesced.change(4)
    coalesced.executor.answers.set()
    assert await answers(under_way) == [(1, 2)]
    assert not coalesced.writes.in_use


@pytest.mark.parametrize("grace", [0.0, 20.0])
async def test_closing_gives_a_batch_its_time(coalesced: CoalescedWrites, grace: float) -> None:
    """Whose batch is broken off is left in doubt: it may have been committed, and here it was."""
    tasks = await coalesced.busy(0, 1) + coalesced.start((1, 2), (2, 2))
    await queued()
    coalesced.executor.answers.set()
    await answers(tasks[:1])
    coalesced.executor.answers.clear()
    await coalesced.executor.until_carried_out(2)
    closing = asyncio.create_task(coalesced.writes.close(grace))
    if grace:
        await queued(3)
        coalesced.executor.answers.set()
    await asyncio.wait_for(closing, 60)

    found = await answers(tasks[1:])
    assert found == [(2, 2), (2, 2)] if grace else {type(error) for error in found} == {OutcomeUnknown}
    assert (await coalesced.stored())[1] == (2, 2)


async def test_a_batch_without_time_is_over(stored: str, open_database: Open) -> None:
    """Nobody cancels these callers: the latest deadline of the batch ends it."""
    coalesced = await open_writes(stored, open_database, max_concurrent_batches=1, max_delay=60)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    tasks = await coalesced.busy(0, 1)
    connection = await asyncpg.connect(stored)
    try:
        async with connection.transaction():
            await connection.execute(f"LOCK TABLE {ACCOUNTS}")
            now = loop.time()
            # The first statement counts as having taken so long: to less the others would be refused at once.
            ample = 10 * (now - begun)
            for number in (1, 2):
                tasks += coalesced.start((number, 1), call=Call("Update", deadline=now + ample + number / 10))
            await queued()
            coalesced.executor.answers.set()
            found = await answers(tasks)
    finally:
        await connection.close()
    assert {type(error) for error in found[1:]} == {DeadlineExceeded}
    assert (await coalesced.stored())[1] == (0, 1)


async def test_switched_off_every_write_is_alone(stored: str, open_database: Open) -> None:
    coalesced = await open_writes(stored, open_database, writes=False)

    assert await answers(coalesced.start(*((i, 1) for i in range(20)), (1000, 1))) == [(1, 2)] * 20 + [
        HANDED_BACK
    ]
    assert coalesced.batches() == [1] * 21


async def test_soft_deletes_share_too(coalesced: CoalescedWrites) -> None:
    tasks = await coalesced.busy(0, 0, write=SOFT_DELETE) + coalesced.start(
        (0, 0), (1, 0), (2, 0), write=SOFT_DELETE
    )
    await queued()
    coalesced.executor.answers.set()
    assert await answers(tasks) == [(0, 2), HANDED_BACK, (0, 2), (0, 2)]


async def test_nothing_is_left_behind(stored: str, open_database: Open) -> None:
    """Neither batch queues, nor rows that stay taken, nor tasks, nor places in the queue."""
    coalesced = await open_writes(stored, open_database, max_concurrent_batches=2, max_delay=0.001)
    draw = random.Random(2)  # noqa: S311 - a seed, so that a failure comes again
    for n in range(40):
        changes = [(draw.randrange(95, 103), draw.randrange(-1, 5)) for _ in range(20)]
        tasks = coalesced.start(*changes, call=Call("Update", Principal(f"{n % 3}", "jwt")))
        await queued(draw.randrange(12))
        for task in draw.sample(tasks, draw.randrange(12)):
            task.cancel()
        await answers(tasks)
        async with asyncio.timeout(60):
            while coalesced.writes.in_use:  # noqa: ASYNC110 - what was sent runs on; the loop's turns are waited for
                await asyncio.sleep(0)


async def test_changes_that_come_together_are_one_commit_where_the_last_ones_came_so(
    coalesced: CoalescedWrites,
) -> None:
    await answers(coalesced.start((0, 1), (1, 1)))
    coalesced.executor.sent.clear()
    await answers(coalesced.start((0, 2), (1, 2), (2, 2)))
    assert coalesced.batches() == [3]


async def test_figures_tell_what_was_shared(
    coalesced: CoalescedWrites, caplog: pytest.LogCaptureFixture
) -> None:
    """While it runs, and in the log when it ends."""
    tasks = await coalesced.busy(0, 1) + coalesced.start((1, 1), (2, -1), (3, 1))
    await queued()
    coalesced.executor.answers.set()
    await answers(tasks)
    (figures,) = coalesced.writes.figures
    assert (figures.name, figures.calls, figures.alone, figures.statements) == (SHARED, 4, 1, 1)
    assert (figures.divided, figures.sizes) == (2, (0, 1))
    assert 0 < figures.longest_wait == figures.wait_seconds

    with caplog.at_level("DEBUG", logger="gateway.db.coalesce"):
        await coalesced.writes.close()
    assert [record.__dict__["figures"] for record in caplog.records] == [figures]
