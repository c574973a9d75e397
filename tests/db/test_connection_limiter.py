"""The gate before the connections: who gets a permit, who waits for one, and who is refused at once."""

import asyncio
from collections import Counter
from math import inf
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.principal import ANONYMOUS
from gateway.db.pool.connection_limiter import ConnectionLimiter
from gateway.db.pool.connection_queue import Flow, Permit, Waiter, Waiting, owner
from gateway.errors import ResourceExhausted, Unavailable
from gateway.request.calls.bulkheads import Bulkheads, Operation, share_of, share_of_kind
from gateway.request.calls.call import Call
from tests.harness.gateway import schema_of

OPERATIONS = [Operation(table, kind) for table in ("task", "note") for kind in ("GET", "LIST")]
CALLS = st.builds(Call, st.just("m"), operation=st.sampled_from(OPERATIONS), caller=st.sampled_from("abc"))
STEPS = st.lists(st.one_of(CALLS, st.sampled_from(["leave", "cancel", "turn"])), max_size=60)
LIST, GET, OTHER = OPERATIONS[1], OPERATIONS[0], OPERATIONS[2]


def call(operation: Operation = LIST, connection: str = "a", seconds: float | None = None) -> Call:
    """Return a call that has so many seconds left."""
    deadline = None if seconds is None else monotonic() + seconds
    return Call("m", deadline=deadline, operation=operation, caller=connection)


def give_back(gate: ConnectionLimiter, permit: Permit, seconds: float) -> None:
    """Give a permit back that was used for so long."""
    permit.since = monotonic() - seconds
    gate.leave(permit)


async def teach(gate: ConnectionLimiter, one: Call, seconds: float) -> None:
    """Let a kind of statement have taken so long lately."""
    for _ in range(100):
        give_back(gate, await gate.enter(one), seconds)


async def enter_at_once(gate: ConnectionLimiter, count: int) -> list[Permit]:
    """Let so many come, and those go who have to wait; return the permits of the others."""
    tasks = [asyncio.create_task(gate.enter(call())) for _ in range(count)]
    await asyncio.sleep(0)
    inside = [task.result() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return inside


class Visitors:
    """Plays steps on a gate and counts who is inside."""

    def __init__(self, gate: ConnectionLimiter) -> None:
        self.gate = gate
        self.permits: list[Permit] = []
        self.coming: list[asyncio.Task[Permit]] = []

    async def step(self, step: Call | str) -> None:
        """Let one come, leave or give up, or let the loop turn."""
        if isinstance(step, Call):
            self.coming.append(asyncio.create_task(self.gate.enter(step)))
        elif step == "leave" and self.permits:
            self.gate.leave(self.permits.pop())
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
        self.permits += [task.result() for task in ended if not task.cancelled() and task.exception() is None]

    def most_held(self) -> tuple[int, int]:
        """Return how many the table or connection holds that holds most, and how many the kind."""
        operations = [permit.flow.operation for permit in self.permits]
        tables = Counter(one.table for one in operations) + Counter(one.caller for one in self.permits)
        kinds = Counter(one.kind for one in operations)
        return max(tables.values(), default=0), max(kinds.values(), default=0)


@given(st.integers(1, 9), st.integers(0, 6), STEPS)
def test_any_order_of_coming_going_and_giving_up(
    permits: int, queue_size: int, steps: list[Call | str]
) -> None:
    async def play() -> None:
        gate = ConnectionLimiter(permits, queue_size, timeout=60)
        visitors = Visitors(gate)
        for step in steps:
            await visitors.step(step)
            assert len(visitors.permits) <= permits
            of_table, of_kind = visitors.most_held()
            assert of_table <= share_of(permits)
            assert of_kind <= share_of_kind(permits)
        await visitors.turn()
        assert gate.waiting == len(visitors.coming) <= queue_size
        assert gate.free == permits - len(visitors.permits)
        # Who waits while a permit is free has its share already.
        assert not visitors.coming or gate.free <= permits - share_of(permits)
        while visitors.permits:
            await visitors.step("leave")
            await visitors.turn()
        assert not visitors.coming
        assert gate.free == permits
        gate.close()

    asyncio.run(play())


@pytest.mark.parametrize(
    ("stuck", "share"),
    [
        ([call(LIST, "a")], 5),
        ([call(LIST, "b"), call(GET, "c")], 5),
        ([call(LIST, "b"), call(OPERATIONS[3], "b")], 5),
        ([call(LIST, "b"), call(OPERATIONS[3], "c")], 6),
    ],
    ids=["all three", "table", "connection", "kind of method"],
)
async def test_the_last_quarter_is_left_to_others(stuck: list[Call], share: int) -> None:
    gate = ConnectionLimiter(8, 100, timeout=60)
    for n in range(share):
        await gate.enter(stuck[n % len(stuck)])
    waiting = asyncio.create_task(gate.enter(stuck[0]))
    await asyncio.sleep(0)

    assert not waiting.done()
    for _ in range(8 - share):
        await asyncio.wait_for(gate.enter(call(OTHER, "z")), 60)
    assert gate.free == 0
    waiting.cancel()


async def test_what_is_stuck_leaves_a_place_to_others_of_its_kind() -> None:
    gate = ConnectionLimiter(8, 100, timeout=60)
    stuck = [asyncio.create_task(gate.enter(call(LIST, "a"))) for _ in range(20)]
    await asyncio.sleep(0)
    for _ in range(10):
        gate.leave(await asyncio.wait_for(gate.enter(call(OPERATIONS[3], "z")), 60))
    for task in stuck:
        task.cancel()


async def test_connections_and_operations_take_turns() -> None:
    gate = ConnectionLimiter(1, 100, timeout=60)
    held = await gate.enter(call())
    order: list[str] = []

    async def come(name: str, one: Call) -> None:
        permit = await gate.enter(one)
        order.append(name)
        gate.leave(permit)

    loud = [asyncio.create_task(come("loud", call(LIST, "a"))) for _ in range(20)]
    late = [
        asyncio.create_task(come("same method", call(LIST, "b"))),
        asyncio.create_task(come("other method", call(OTHER, "c"))),
    ]
    await asyncio.sleep(0)
    gate.leave(held)
    await asyncio.gather(*loud, *late)

    assert {"same method", "other method"} <= set(order[:4])


async def test_a_call_that_would_be_answered_too_late_is_refused_at_once() -> None:
    gate = ConnectionLimiter(4, 100, timeout=60)
    await teach(gate, call(), 0.1)
    held = [await gate.enter(call()) for _ in range(3)]
    refused: list[ResourceExhausted] = []
    waiting = []
    for _ in range(50):
        waiting.append(asyncio.create_task(gate.enter(call(seconds=0.5))))
        await asyncio.sleep(0)
        if waiting[-1].done():
            error = waiting.pop().exception()
            assert isinstance(error, ResourceExhausted)
            refused.append(error)

    # 0.4 s are left for waiting, and every 0.1 s three permits come back.
    assert 8 <= len(waiting) <= 12
    assert all(error.reason == "POOL_EXHAUSTED" and error.retry_delay for error in refused)
    for permit in held:
        give_back(gate, permit, 0.1)
    for task in waiting:
        give_back(gate, await asyncio.wait_for(task, 60), 0.1)


@pytest.mark.parametrize(("size", "waits"), [(1_000, True), (1_000_000, False)])
async def test_a_small_call_is_not_expected_to_take_as_long_as_a_large_one(size: int, waits: bool) -> None:  # noqa: FBT001 - what is expected
    gate, bulk = ConnectionLimiter(4, 100, timeout=60), Operation("task", "BULK_UPSERT")
    for n in range(100):
        large = n % 4
        one = Call("m", operation=bulk, caller="a", size=1_000_000 if large else 1_000)
        give_back(gate, await gate.enter(one), 2 if large else 0.01)
    held = [await gate.enter(call(bulk)) for _ in range(3)]

    coming = asyncio.create_task(gate.enter(Call("m", ANONYMOUS, monotonic() + 1.5, bulk, "b", size)))
    await asyncio.sleep(0)
    assert coming.done() is not waits
    gate.leave(held[0])
    if waits:
        await coming
    else:
        with pytest.raises(ResourceExhausted):
            await coming


async def test_what_has_no_time_left_is_not_begun() -> None:
    gate = ConnectionLimiter(1, 100, timeout=60)
    one = await gate.enter(call())
    late = asyncio.create_task(gate.enter(call(seconds=0.2)))
    in_time = asyncio.create_task(gate.enter(call(seconds=60)))
    await asyncio.sleep(0)
    give_back(gate, one, 10)

    # Nothing was known of the statement's time when they came: now it is, and so is what has no time for it.
    with pytest.raises(ResourceExhausted):
        await late
    assert gate.free == 0
    await in_time


async def test_a_queue_that_stands_is_short() -> None:
    gate = ConnectionLimiter(1, 1000, timeout=60, max_queue_delay=0.05)
    await teach(gate, call(), 0.01)
    held = await gate.enter(call())
    burst = [asyncio.create_task(gate.enter(call())) for _ in range(100)]
    await asyncio.sleep(0)
    assert gate.waiting == 100
    assert not gate.is_overloaded(LIST)
    await asyncio.sleep(0.06)
    assert gate.is_overloaded(LIST)
    assert not gate.is_overloaded(GET)

    with pytest.raises(ResourceExhausted) as refused:
        await gate.enter(call())
    assert refused.value.message.endswith("no connection comes free within max_queue_delay (0.05 s)")
    gate.leave(held)
    for task in burst:
        gate.leave(await task)
    assert not gate.is_overloaded(LIST)
    gate.leave(await gate.enter(call()))


async def test_a_burst_waits_whatever_others_took() -> None:
    gate = ConnectionLimiter(8, 1000, timeout=5)
    await teach(gate, call(), 0.002)
    await teach(gate, call(connection="heavy"), 0.25)
    held = await enter_at_once(gate, 5)
    burst = [asyncio.create_task(gate.enter(call(connection=f"c{n}", seconds=20))) for n in range(200)]
    await asyncio.sleep(0)
    assert gate.waiting == 200

    with pytest.raises(ResourceExhausted) as refused:
        await gate.enter(call(seconds=1))
    assert refused.value.message.endswith("no connection comes free by the call's deadline")
    for permit in held:
        give_back(gate, permit, 0.25)
    for task in burst:
        give_back(gate, await asyncio.wait_for(task, 60), 0.002)


@pytest.mark.parametrize("operation", [LIST, Operation("task", "BULK_UPSERT")], ids=["list", "bulk upsert"])
async def test_a_cancelled_call_says_only_that_it_would_have_taken_longer(operation: Operation) -> None:
    flow = Flow(operation, 8)
    for _ in range(100):
        flow.took(0.01, 1000)
    for _ in range(100):
        flow.took_at_least(0.001, 1000)
    assert flow.seconds == flow.expected(1000) == pytest.approx(0.01)
    for _ in range(100):
        flow.took_at_least(0.1, 1000)
    assert flow.seconds > 0.05


async def test_who_is_refused_is_told_to_come_later_the_longer_it_lasts() -> None:
    gate = ConnectionLimiter(1, 1, timeout=60)
    await gate.enter(call())
    waiting = asyncio.create_task(gate.enter(call()))
    await asyncio.sleep(0)

    async def delay() -> float:
        with pytest.raises(ResourceExhausted) as refused:
            await gate.enter(call())
        assert refused.value.retry_delay is not None
        return refused.value.retry_delay

    begun = monotonic()
    delays: list[float] = []
    while monotonic() < begun + 2.5:
        delays.append(await delay())
        await asyncio.sleep(0.01)
    early, late = delays[: len(delays) // 10], delays[-len(delays) // 10 :]
    assert min(delays) >= 0.05
    assert len(set(early)) > 3
    assert sum(late) > 2 * sum(early)
    waiting.cancel()


async def test_fewer_run_at_once_when_they_take_longer_and_more_again() -> None:
    gate = ConnectionLimiter(8, 100, timeout=60)
    await teach(gate, call(), 0.01)

    async def at_once() -> int:
        inside = await enter_at_once(gate, 8)
        for permit in inside:
            gate.leave(permit)
        return len(inside)

    assert await at_once() == 5
    for _ in range(30):
        give_back(gate, await gate.enter(call()), 0.1)
    assert await at_once() == 1
    gate.leave(await asyncio.wait_for(gate.enter(call(OTHER)), 60))
    await teach(gate, call(), 0.01)
    assert await at_once() == 5


async def test_what_stays_slow_gets_its_share_again_soon() -> None:
    """However few come of what takes seconds, and however quick it was before."""
    gate = ConnectionLimiter(8, 100, timeout=60)
    for _ in range(10):
        await teach(gate, call(), 0.002)
    for _ in range(60):
        inside = await enter_at_once(gate, 4)
        for permit in inside:
            give_back(gate, permit, 3)
    assert len(inside) == 4


@pytest.mark.parametrize("kind", ["STREAM", "BULK_UPSERT", "BATCH_UPDATE", "SQL", "TRANSACT", "HANDLER"])
async def test_calls_that_are_as_long_as_their_callers_like_keep_nobody_out(kind: str) -> None:
    gate = ConnectionLimiter(8, 100, timeout=60)
    one = call(Operation("task", kind))
    await teach(gate, one, 0.002)
    await teach(gate, one, 60)
    for _ in range(5):
        await asyncio.wait_for(gate.enter(one), 60)
    assert gate.free == 3


async def test_a_client_that_reads_slowly_says_nothing_of_the_next_stream() -> None:
    gate = ConnectionLimiter(1, 100, timeout=5)
    slow = call(Operation("task", "SQL", at_clients_pace=True))
    soon = call(Operation("task", "SQL", at_clients_pace=True), seconds=5)
    await teach(gate, slow, 60)
    held = await gate.enter(slow)
    coming = asyncio.create_task(gate.enter(soon))
    await asyncio.sleep(0)
    gate.leave(held)
    assert (await coming).flow.operation is soon.operation


def test_it_is_known_whose_calls_last_as_long_as_their_clients_like() -> None:
    names = {
        method.descriptor.name
        for folder in ("queries", "bank", "flow")
        for service in schema_of(folder).services.values()
        for method in service.methods
        if Operation.of(method).at_clients_pace
    }
    assert names == {
        "StreamTitles",
        "StreamNumbers",
        "StreamAccounts",
        "StreamTransfers",
        "StreamEvents",
        "Session",
    }


async def test_who_waits_for_what_is_full_costs_those_who_leave_nothing() -> None:
    class Counted(Bulkheads[Permit]):
        asked = 0

        def full(self, operation: Operation, connection: str) -> str:
            Counted.asked += 1
            return super().full(operation, connection)

    bulkheads = Counted(8, owner)
    waiting, flow = Waiting(bulkheads), Flow(LIST, 8)
    for _ in range(bulkheads.share):
        bulkheads.take(Permit(flow, "a"))
    for n in range(200):
        waiting.add(Waiter(flow, call(LIST, f"c{n}"), inf, asyncio.get_running_loop().create_future()))
    assert waiting.next() is None
    assert Counted.asked < 10


async def test_first_come_first_served() -> None:
    gate = ConnectionLimiter(1, 10, timeout=60)
    order: list[int] = []
    held = await gate.enter()

    async def come(number: int) -> None:
        permit = await gate.enter()
        order.append(number)
        gate.leave(permit)

    tasks = [asyncio.create_task(come(number)) for number in range(5)]
    await asyncio.sleep(0)
    gate.leave(held)
    await asyncio.gather(*tasks)

    assert order == [0, 1, 2, 3, 4]


async def test_a_full_queue_refuses_at_once_and_a_long_wait_ends() -> None:
    gate = ConnectionLimiter(1, 1, timeout=0.05)
    held = await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)

    with pytest.raises(ResourceExhausted) as refused:
        await gate.enter()
    with pytest.raises(ResourceExhausted) as late:
        await waiting
    gate.leave(held)
    await gate.enter()

    assert refused.value.reason == late.value.reason == "POOL_EXHAUSTED"
    assert gate.waiting == 0


async def test_a_permit_handed_to_one_who_just_gave_up_goes_on() -> None:
    gate = ConnectionLimiter(1, 10, timeout=60)
    held = await gate.enter()
    first, second = (asyncio.create_task(gate.enter()) for _ in range(2))
    await asyncio.sleep(0)
    gate.leave(held)
    first.cancel()

    await asyncio.wait_for(second, 60)
    assert first.cancelled()
    assert gate.free == 0


async def test_closing_refuses_who_waits_and_who_comes() -> None:
    gate = ConnectionLimiter(1, 10, timeout=60)
    await gate.enter()
    waiting = asyncio.create_task(gate.enter())
    await asyncio.sleep(0)
    gate.close()

    for entering in (waiting, gate.enter()):
        with pytest.raises(Unavailable):
            await entering


async def test_who_came_first_gives_up_first_and_the_others_wait_on() -> None:
    gate = ConnectionLimiter(1, 10, timeout=0.2)
    loop = asyncio.get_running_loop()
    held = await gate.enter()
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
    await asyncio.wait_for(asyncio.gather(*tasks), 60)

    assert [number for number, _ in gave_up] == [0, 1, 2]
    assert all(waited > 0.19 for _, waited in gave_up)
    gate.leave(held)
    await gate.enter()
