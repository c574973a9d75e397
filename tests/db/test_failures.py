"""The query executor while the server, or the way there, breaks."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from gateway.db.database import Database, Transaction
from gateway.db.database_settings import RetrySettings
from gateway.db.embedded import EmbeddedPostgres
from gateway.errors import DeadlineExceeded, OutcomeUnknown, ResourceExhausted, RowgateError, Unavailable
from gateway.request.calls.call import Call
from tests.db.proxy import proxied
from tests.db.servers import CALL, kill_server, sql, statement, write
from tests.harness.databases import Open
from tests.harness.polling import next_poll

ONE = statement("SELECT 1")
PID = statement("SELECT pg_backend_pid()")
SLEEP = statement("SELECT pg_sleep(30)")
ADD = write("INSERT INTO item (id) VALUES ($1)")
HERE = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
ASLEEP = f"{HERE} AND wait_event = 'PgSleep'"
ITEM = "CREATE TABLE item (id bigint)"


def soon(seconds: float) -> Call:
    return Call("test", deadline=asyncio.get_running_loop().time() + seconds)


async def until(dsn: str, query: str, *args: Any, seconds: float = 60) -> None:
    """Wait until the query, asked again and again, returns a row."""
    async with asyncio.timeout(seconds):
        while not await sql(dsn, query, *args):
            await next_poll()


async def whole(database: Database, size: int) -> None:
    """Check that every slot of the pool can be used at the same time."""
    together = asyncio.Barrier(size)

    async def meet(transaction: Transaction) -> None:
        await transaction.fetch(ONE, [])
        await together.wait()

    await asyncio.gather(*(database.transact(meet, soon(60)) for _ in range(size)))


async def test_nothing_is_doubled_or_lost_when_the_server_is_killed(
    fragile: EmbeddedPostgres, dsn: str, open_database: Open
) -> None:
    await sql(dsn, ITEM)
    database = await open_database(dsn, pool_size=4)
    load = Load(database, seconds=3.0)
    workers = [asyncio.create_task(load.work(worker)) for worker in range(8)]
    try:
        await load.until_done(200)
        await asyncio.to_thread(kill_server, fragile)
        await load.until_failed(20)
        await asyncio.to_thread(fragile.start)
        await load.until_done(200)
    finally:
        load.over = True
        await asyncio.gather(*workers)

    stored = Counter(number for (number,) in await sql(dsn, "SELECT id FROM item"))
    assert max(stored.values()) == 1, "a write was doubled"
    assert load.done <= stored.keys(), "a write that was reported as done is lost"
    assert not load.refused & stored.keys(), "a write that was reported as not done is there"
    assert load.slowest < load.seconds + 5
    assert len(load.unknown) < len(load.done)
    await whole(database, 4)


class Load:
    """Reads and writes, over and over, and what became of them."""

    def __init__(self, database: Database, seconds: float) -> None:
        self.seconds = seconds
        self.done: set[int] = set()
        self.unknown: set[int] = set()
        self.refused: set[int] = set()
        self.slowest = 0.0
        self.over = False
        self._database = database
        self._reads = 0
        self._failed = 0
        self._next = 0
        self._news = asyncio.Condition()

    async def work(self, worker: int) -> None:
        """Write in transactions, write in single statements, or read, by the worker's number."""
        kind: Callable[[], Awaitable[None]] = (self._transact, self._write, self._read)[worker % 3]
        while not self.over:
            begun = asyncio.get_running_loop().time()
            await kind()
            self.slowest = max(self.slowest, asyncio.get_running_loop().time() - begun)
            async with self._news:
                self._news.notify_all()
            # A server that is away refuses a Unix socket at once, so nothing above gives way to others.
            await asyncio.sleep(0)

    async def until_done(self, more: int) -> None:
        """Wait for so many more reads and writes to succeed."""
        done, reads = len(self.done) + more, self._reads + more
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: len(self.done) >= done and self._reads >= reads)

    async def until_failed(self, more: int) -> None:
        """Wait for so many more failures."""
        failed = self._failed + more
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: self._failed >= failed)

    async def _transact(self) -> None:
        number = self._number()

        async def work(transaction: Transaction) -> None:
            await transaction.fetch(ADD, [number])
            await transaction.fetch(ONE, [])

        await self._note(number, self._database.transact(work, soon(self.seconds)))

    async def _write(self) -> None:
        number = self._number()
        await self._note(number, self._database.fetch(ADD, [number], soon(self.seconds)))

    async def _read(self) -> None:
        try:
            await self._database.fetch(ONE, [], soon(self.seconds))
            self._reads += 1
        except (Unavailable, DeadlineExceeded, ResourceExhausted):
            self._failed += 1

    async def _note(self, number: int, writing: Awaitable[object]) -> None:
        try:
            await writing
            self.done.add(number)
        except (OutcomeUnknown, DeadlineExceeded):
            self.unknown.add(number)
            self._failed += 1
        except RowgateError:
            self.refused.add(number)
            self._failed += 1

    def _number(self) -> int:
        self._next += 1
        return self._next


async def test_a_terminated_session_is_replaced_in_a_pool_of_one(dsn: str, open_database: Open) -> None:
    database = await open_database(dsn, pool_size=1)
    reading = asyncio.create_task(database.fetch(SLEEP, [], soon(20)))
    await until(dsn, f"SELECT 1 {ASLEEP}")
    [[first, _]] = await sql(dsn, f"SELECT pid, pg_terminate_backend(pid) {ASLEEP}")
    # The read is run again, in a session of its own.
    await until(dsn, f"SELECT 1 {ASLEEP} AND pid <> $1", first)
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)

    assert await database.fetch(ONE, [], soon(60)) == [(1,)]


async def test_a_single_write_in_a_terminated_session_is_of_unknown_outcome(
    dsn: str, open_database: Open
) -> None:
    await sql(dsn, ITEM)
    database = await open_database(dsn, pool_size=1)
    slow = write("INSERT INTO item SELECT 1 FROM pg_sleep(30)")
    writing = asyncio.create_task(database.fetch(slow, [], soon(20)))
    await until(dsn, f"SELECT 1 {ASLEEP}")
    await sql(dsn, f"SELECT pg_terminate_backend(pid) {ASLEEP}")

    with pytest.raises(OutcomeUnknown) as failed:
        await writing
    assert failed.value.reason == "COMMIT_OUTCOME_UNKNOWN"


async def test_a_transaction_in_a_terminated_session_is_run_again(dsn: str, open_database: Open) -> None:
    await sql(dsn, ITEM)
    database = await open_database(dsn, pool_size=1)
    pids: list[int] = []

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(ADD, [len(pids)])
        [[pid]] = await transaction.fetch(PID, [])
        pids.append(pid)
        if len(pids) == 1:
            await sql(dsn, "SELECT pg_terminate_backend($1, 5000)", pid)
        await transaction.fetch(ONE, [])

    await database.transact(work, soon(60))

    assert len(set(pids)) == 2
    assert await sql(dsn, "SELECT id FROM item") == [(1,)]


async def test_a_last_word_without_an_end_is_a_lost_connection(dsn: str, open_database: Open) -> None:
    """The server says that it ends the session; the end of the stream isn't there yet when a call comes."""
    await sql(dsn, ITEM)
    async with proxied(dsn) as (proxy, through):
        database = await open_database(through, pool_size=1)
        proxy.hides_ends = True

        async def terminated() -> None:
            [[pid]] = await database.fetch(PID, [], soon(60))
            proxy.last_word.clear()
            await sql(dsn, "SELECT pg_terminate_backend($1, 5000)", pid)
            await proxy.last_word.wait()

        async def work(transaction: Transaction) -> None:
            await transaction.fetch(ADD, [1])

        await terminated()
        assert await database.fetch(ONE, [], soon(60)) == [(1,)]
        await terminated()
        await database.transact(work, soon(60))
        assert await sql(dsn, "SELECT id FROM item") == [(1,)]
        await terminated()
        # The driver doesn't tell whether it sent a single write before it failed.
        with pytest.raises(OutcomeUnknown):
            await database.fetch(ADD, [2], soon(60))
        await database.close()


@pytest.mark.parametrize("pool_size", [1, 3])
@pytest.mark.parametrize("delivered", [True, False])
async def test_a_commit_whose_answer_is_lost_is_settled(
    dsn: str, open_database: Open, pool_size: int, *, delivered: bool
) -> None:
    await sql(dsn, ITEM)
    async with proxied(dsn) as (proxy, through):
        database = await open_database(through, pool_size=pool_size)
        await whole(database, pool_size)
        runs: list[int] = []

        async def work(transaction: Transaction) -> int:
            runs.append(len(runs))
            await transaction.fetch(ADD, [7])
            return len(runs)

        proxy.cut_at(b"COMMIT", delivered=delivered)
        result = await database.transact(work, soon(60))

        assert result == (1 if delivered else 2)
        assert await sql(dsn, "SELECT id FROM item") == [(7,)]
        await whole(database, pool_size)
        await database.close()


async def test_a_commit_is_not_believed_once_the_server_may_have_forgotten(
    dsn: str, open_database: Open
) -> None:
    """After a checkpoint it can't be told any more whether the id was given out again by a recovery."""
    await sql(dsn, ITEM)
    async with proxied(dsn) as (proxy, through):
        database = await open_database(through, pool_size=1)

        async def work(transaction: Transaction) -> None:
            await transaction.fetch(ADD, [7])

        proxy.cut_at(b"COMMIT", delivered=True)
        proxy.before_cut = lambda: sql(dsn, "CHECKPOINT")
        with pytest.raises(OutcomeUnknown):
            await database.transact(work, soon(60))
        await database.close()


async def test_a_cut_before_the_commit_runs_the_transaction_again(dsn: str, open_database: Open) -> None:
    await sql(dsn, ITEM)
    async with proxied(dsn) as (proxy, through):
        database = await open_database(through, pool_size=1)
        runs: list[int] = []

        async def work(transaction: Transaction) -> None:
            runs.append(1)
            await transaction.fetch(ADD, [len(runs)])
            if len(runs) == 1:
                proxy.cut_at(b"", delivered=True)
            await transaction.fetch(ONE, [])

        await database.transact(work, soon(60))

        assert await sql(dsn, "SELECT id FROM item") == [(2,)]
        await database.close()


async def test_a_frozen_server_keeps_neither_calls_nor_close_waiting(dsn: str, open_database: Open) -> None:
    loop = asyncio.get_running_loop()
    async with proxied(dsn) as (proxy, through):
        database = await open_database(
            through, pool_size=2, connect_timeout=0.5, release_timeout=20, close_timeout=0.5
        )
        await whole(database, 2)
        proxy.freeze()
        begun = loop.time()
        calls = [database.fetch(ONE, [], soon(0.5)) for _ in range(6)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(result, RowgateError) for result in results)
        assert loop.time() - begun < 10

        proxy.thaw()
        assert await database.fetch(ONE, [], soon(60)) == [(1,)]

        proxy.freeze()
        hanging = asyncio.create_task(database.fetch(ONE, [], soon(20)))
        await asyncio.sleep(0)
        begun = loop.time()
        await database.close()
        assert loop.time() - begun < 10
        with pytest.raises(RowgateError):
            await hanging


async def test_waiting_for_a_server_that_is_away_isnt_called_busy(dsn: str, open_database: Open) -> None:
    async with proxied(dsn) as (proxy, through):
        database = await open_database(through, pool_size=1, connect_timeout=5, acquire_timeout=0.2)
        proxy.freeze()
        await proxy.close()
        calls = {asyncio.create_task(database.fetch(ONE, [], soon(20))) for _ in range(2)}

        # One of them tries to connect, and the other one waits for that.
        [waiting], [connecting] = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)

        failed = waiting.exception()
        assert isinstance(failed, Unavailable)
        assert failed.reason == "DATABASE_UNREACHABLE"
        assert failed.retry_delay
        proxy.thaw()
        assert await connecting == [(1,)]
        await database.close()


async def test_a_stopped_session_keeps_no_call_waiting(dsn: str, open_database: Open) -> None:
    database = await open_database(dsn, pool_size=1, release_timeout=3)
    [[pid]] = await database.fetch(PID, [], CALL)
    os.kill(pid, signal.SIGSTOP)
    try:
        begun = asyncio.get_running_loop().time()
        with pytest.raises(DeadlineExceeded):
            await database.fetch(ONE, [], soon(0.3))
        assert asyncio.get_running_loop().time() - begun < 2.5
        # The slot comes back without the session's help.
        [[other]] = await database.fetch(PID, [], soon(60))
        assert other != pid
    finally:
        os.kill(pid, signal.SIGCONT)


async def test_cancelled_calls_leave_nothing_behind(dsn: str, open_database: Open) -> None:
    await sql(dsn, ITEM)
    database = await open_database(dsn, pool_size=4, acquire_timeout=60, queue_size=2000)
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(ADD, [1])
        await transaction.fetch(statement("SELECT pg_sleep(0.001)"), [])

    async def cancelled(number: int) -> None:
        calling: Awaitable[Any]
        if number % 2:
            calling = database.transact(work, CALL)
        else:
            calling = database.fetch(statement("SELECT pg_sleep(0.001)"), [], CALL)
        task = asyncio.ensure_future(calling)
        # Let it get a different way in each time: into the queue, the connection, the query, the commit.
        for _ in range(number % 23):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for batch in range(0, 2000, 50):
        await asyncio.gather(*(cancelled(number) for number in range(batch, batch + 50)))

    await whole(database, 4)
    asyncio.get_running_loop().set_exception_handler(None)
    assert complaints == [], "a connection went back in the middle of something"
    assert await sql(dsn, f"SELECT pid {HERE} AND state LIKE 'idle in%'") == []
    [[count]] = await sql(dsn, f"SELECT count(*) {HERE}")
    assert count <= 4


async def test_deadlocks_and_lost_races_are_run_again(dsn: str, open_database: Open) -> None:
    await sql(dsn, "CREATE TABLE counter (id int PRIMARY KEY, value int)")
    await sql(dsn, "INSERT INTO counter SELECT n, 0 FROM generate_series(1, 2) AS n")
    await sql(dsn, f"ALTER DATABASE {urlsplit(dsn).path[1:]} SET deadlock_timeout = '10ms'")
    database = await open_database(dsn, pool_size=4, retry=RetrySettings(attempts=50))
    add = write("UPDATE counter SET value = value + 1 WHERE id = $1")
    serializable = statement("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")

    async def cross(first: int) -> None:
        async def work(transaction: Transaction) -> None:
            await transaction.fetch(add, [first])
            await transaction.fetch(add, [3 - first])

        await database.transact(work, soon(30))

    async def race() -> None:
        async def work(transaction: Transaction) -> None:
            await transaction.fetch(serializable, [])
            [[value]] = await transaction.fetch(statement("SELECT value FROM counter WHERE id = 1"), [])
            await transaction.fetch(write("UPDATE counter SET value = $1 WHERE id = 1"), [value + 1])

        await database.transact(work, soon(30))

    await asyncio.gather(*(cross(1 + n % 2) for n in range(40)))
    assert await sql(dsn, "SELECT value FROM counter ORDER BY id") == [(40,), (40,)]
    await asyncio.gather(*(race() for _ in range(20)))
    assert await sql(dsn, "SELECT value FROM counter WHERE id = 1") == [(60,)]


async def test_a_schema_that_changes_under_prepared_statements(dsn: str, open_database: Open) -> None:
    await sql(dsn, "CREATE TABLE item (id int)")
    await sql(dsn, "INSERT INTO item VALUES (1)")
    database = await open_database(dsn, pool_size=1)
    everything = statement("SELECT * FROM item")
    runs: list[int] = []

    async def work(transaction: Transaction) -> Any:
        runs.append(1)
        return [tuple(row) for row in await transaction.fetch(everything, [])]

    assert await database.transact(work, CALL) == [(1,)]
    await sql(dsn, "ALTER TABLE item ADD name text DEFAULT 'x'")

    assert await database.transact(work, CALL) == [(1, "x")]
    assert len(runs) == 3
    await sql(dsn, "ALTER TABLE item DROP name")
    assert await database.fetch(everything, [], CALL) == [(1,)]


async def test_a_server_that_became_read_only_is_left(dsn: str, open_database: Open) -> None:
    await sql(dsn, ITEM)
    database = await open_database(dsn, pool_size=2)
    await whole(database, 2)

    async def work(transaction: Transaction) -> None:
        await transaction.fetch(write("SET TRANSACTION READ ONLY"), [])
        await transaction.fetch(ADD, [1])

    async def pid(transaction: Transaction) -> int:
        [[number]] = await transaction.fetch(PID, [])
        return int(number)

    before = await database.transact(pid, CALL)
    with pytest.raises(Unavailable) as refused:
        await database.transact(work, CALL)

    assert refused.value.reason == "DATABASE_READ_ONLY"
    assert refused.value.retry_delay
    assert await database.transact(pid, CALL) != before, "a session from before still serves"


async def test_open_waits_for_a_server_that_is_starting(
    fragile: EmbeddedPostgres, dsn: str, open_database: Open
) -> None:
    await asyncio.to_thread(kill_server, fragile)
    opening = asyncio.create_task(open_database(dsn, start_timeout=30))
    await asyncio.sleep(0)
    await asyncio.to_thread(fragile.start)

    database = await opening

    assert await database.fetch(ONE, [], soon(60)) == [(1,)]
