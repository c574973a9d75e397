"""More calls than the processor answers: as many are answered as ever, and the others are refused in time."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast
from unittest.mock import Mock

import pytest

from gateway.config.load import settings_of
from gateway.errors import ResourceExhausted
from gateway.transport.limits import processor
from gateway.transport.limits.loop_load import ThreadTimes
from gateway.transport.limits.processor import Processor
from gateway.transport.wire.http2 import frames
from gateway.transport.wire.http2.connection import Http2Connection
from gateway.transport.wire.server_context import ServerContext
from tests.overload.conftest import StartBusy
from tests.overload.papers import capacity_of, papers
from tests.overload.slow import fill_papers

MEMBERS = 200
"""Of a document, so that to make its message takes much more than all else about a call."""
SECONDS = 2.0
DEADLINES = (0.2, 0.4)
USUAL = 1500.0
"""Calls that one worker answers in a second on a machine of its own; on a slower one deadlines are longer."""
LEAST = 0.4
"""Of the capacity, as it was a moment before: the machine is shared. On one of its own it is 0.85 and more,
which the soak holds it to."""
REFUSED = 0.2
"""Of those that aren't answered. 0.98 on a machine of its own, and was 0.1 when nobody was held back."""


async def test_twice_what_the_processor_answers(start_busy: StartBusy) -> None:
    # Not over grpcio: there calls wait in grpc core, which hands them over one by one, past their deadlines.
    gateway = await start_busy(transport="http")
    await fill_papers(gateway, MEMBERS)
    await papers(gateway, 100, 0.5)
    capacity = await capacity_of(gateway)
    shortest, longest = (max(1.0, USUAL / capacity) * deadline for deadline in DEADLINES)
    load = await papers(gateway, 2 * capacity, SECONDS, (shortest, longest))
    capacity = min(capacity, await capacity_of(gateway))

    assert load.goodput >= LEAST * capacity, (capacity, load.codes, load.messages)
    assert all(call.retry_after for call in load.calls if call.refused)
    assert all(0 < call.at_server <= call.seconds for call in load.calls if call.refused)
    refused, expired = load.codes["RESOURCE_EXHAUSTED"], load.codes["DEADLINE_EXCEEDED"]
    assert refused >= REFUSED * (refused + expired), load.codes


@dataclass
class ScriptedLoop:
    """A loop whose time passes as a test says: its processor's only timer is the beat."""

    time: float = 1000.0
    ran: float = 0.0
    waited: float = 0.0
    due: float = 0.0
    timer: Callable[[], None] | None = None

    def call_later(self, delay: float, callback: Callable[[], None]) -> object:
        """Remember the beat; return its handle."""
        self.due, self.timer = self.time + delay, callback
        return callback

    def processor(self, under_way: int) -> Processor:
        """Return one that knows no other time, with so many calls."""
        loop = cast("asyncio.AbstractEventLoop", self)
        own = Processor(loop, lambda: self.time, lambda: ThreadTimes(self.ran, self.waited))
        for _ in range(under_way):
            own.begin()
        return own

    def create_future(self) -> "asyncio.Future[int]":
        """Return one of the loop that runs the test."""
        return asyncio.get_running_loop().create_future()

    def tire(self, own: Processor) -> None:
        """Let beats come without a rest until a bound holds, that those who are under way are past."""
        for _ in range(15):
            self.beat(own, TIRED)
        assert own.begin() is None

    def beat(self, own: Processor, beat: "Beat") -> None:
        """Let one come, after calls that end; as many are under way as before."""
        for _ in range(beat.ended):
            own.end(LONG_AGO)
        assert self.timer is not None
        self.time = self.due + beat.late
        self.ran += beat.ran
        self.waited += beat.waited
        self.timer()


@dataclass(frozen=True)
class Beat:
    """What happens until a timer comes that was to come after 20 ms."""

    late: float
    ran: float
    waited: float
    ended: int


LONG_AGO = -1
"""When calls began that end while as many others do, and aren't counted any more."""
STALL = Beat(late=0.48, ran=0.5, waited=0, ended=1)
"""Half a second in which something else holds the loop, and one call ends."""
OTHERS = Beat(late=0.38, ran=0.15, waited=0.25, ended=1)
"""The same, in which other processes have the machine."""
DATABASE = Beat(late=0.08, ran=0.04, waited=0.02, ended=1)
"""A tenth of a second in which calls wait for the database."""
OTHER_WORK = Beat(late=0.08, ran=0.1, waited=0, ended=0)
"""Turns of the loop in which work that is no call's goes on."""
RESTED = Beat(late=0, ran=0.001, waited=0, ended=0)
"""A loop that has hardly anything to do."""
TIRED = Beat(late=0.03, ran=0.05, waited=0, ended=5)
"""A loop without a rest, which answers a hundred calls a second."""
STEADY = Beat(late=0.03, ran=0.05, waited=0, ended=50)
"""A loop without a rest, which answers a thousand calls a second."""
SHORT_TURNS = Beat(late=0.001, ran=0.0208, waited=0, ended=20)
"""The same in turns so short that its timers are in time."""
HELD_BACK = Beat(late=0.001, ran=0.019, waited=0, ended=20)
"""The same where so few calls are under way that it waits for the database now and then."""


@pytest.mark.parametrize(
    ("beats", "deadline"),
    [
        pytest.param([STALL] * 2, 1.0, id="stalls before anything is known"),
        pytest.param([STALL] * 10, 5.0, id="stalls alone"),
        pytest.param([*[STEADY] * 10, STALL], 0.2, id="a stall"),
        pytest.param([OTHERS] * 10, 2.0, id="others have the machine"),
        pytest.param([DATABASE] * 10, 1.0, id="the database is slow"),
        pytest.param([*[STEADY] * 5, *[OTHER_WORK] * 15], 5.0, id="other work"),
    ],
)
def test_nobody_who_has_time_is_refused_for_a_stall(beats: Sequence[Beat], deadline: float) -> None:
    """Forty calls that are under way are never as many as the loop answers in seconds."""
    loop = ScriptedLoop()
    own = loop.processor(under_way=40)
    for beat in beats:
        loop.beat(own, beat)
        own.check_deadline("a", loop.time + deadline)


def test_the_first_calls_of_many_are_no_rate() -> None:
    """A thousand come at once, and the first end when all are read: who can wait for 20 s isn't refused."""
    loop = ScriptedLoop()
    own = loop.processor(under_way=1000)
    for beat in [*[OTHER_WORK] * 6, *[STEADY] * 10]:
        loop.beat(own, beat)
        own.check_deadline("a", loop.time + 20.0)


def test_who_has_no_time_is_refused_by_what_steady_beats_have_taught() -> None:
    loop = ScriptedLoop()
    own = loop.processor(under_way=200)
    for _ in range(15):
        loop.beat(own, STEADY)
    own.check_deadline("a", loop.time + 0.5)  # twice what 200 calls take, and more
    with pytest.raises(ResourceExhausted):
        own.check_deadline("a", loop.time + 0.3)


async def test_a_loop_that_never_sleeps_has_no_rest_although_its_timers_are_in_time() -> None:
    loop = ScriptedLoop()
    own = loop.processor(under_way=100)
    for _ in range(18):
        loop.beat(own, SHORT_TURNS)
    assert own.begin() is None
    for _ in range(3):
        loop.beat(own, HELD_BACK)
    assert own.begin() is None  # else it would take all that comes, and be without a rest again
    for _ in range(3):
        loop.beat(own, RESTED)
    assert own.begin() is not None


async def test_timers_that_others_make_late_hold_nobody_back() -> None:
    """A machine that is busy with other processes, or a quota: this thread isn't what runs."""
    loop = ScriptedLoop()
    own = loop.processor(under_way=100)
    for _ in range(20):
        loop.beat(own, Beat(late=0.03, ran=0.005, waited=0.045, ended=1))
        assert own.begin() is not None


async def test_connections_wait_in_turn() -> None:
    loop, order = ScriptedLoop(), list[str]()
    own = loop.processor(under_way=20)
    loop.tire(own)

    async def come(connection: str) -> None:
        begun = await own.wait(connection, loop.time + 60)
        order.append(connection)
        own.end(begun)

    waiting = [asyncio.create_task(come("loud")) for _ in range(100)]
    await asyncio.sleep(0)
    waiting += [asyncio.create_task(come(name)) for name in ("one", "two")]
    await asyncio.sleep(0)
    for _ in range(20):
        own.end(0)
    await asyncio.gather(*waiting)
    assert {"one", "two"} <= set(order[:6])


async def test_a_connection_whose_calls_have_left_is_forgotten() -> None:
    loop = ScriptedLoop()
    own = loop.processor(under_way=20)
    loop.tire(own)
    waiting = [asyncio.create_task(own.wait(str(number), loop.time + 60)) for number in range(100)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert not own._lines
    assert own._waiting == 0


async def test_what_would_be_answered_too_late_is_refused_and_all_begin_when_the_loop_rests() -> None:
    loop = ScriptedLoop()
    own = loop.processor(under_way=20)
    loop.tire(own)
    own.check_deadline("a", loop.time + 60)
    with pytest.raises(ResourceExhausted) as refused:
        own.check_deadline("a", loop.time + 0.001)
    assert refused.value.reason == "GATEWAY_BUSY"
    assert refused.value.retry_delay
    # Those under way may wait for whatever they like: a loop that rests lets others begin.
    waiting = [asyncio.create_task(own.wait("a", loop.time + 60)) for _ in range(1000)]
    await asyncio.sleep(0)
    for _ in range(20):
        loop.beat(own, RESTED)
    await asyncio.gather(*waiting)


async def test_calls_that_take_long_keep_nobody_from_the_processor() -> None:
    loop = ScriptedLoop()
    own = loop.processor(under_way=100)
    for _ in range(processor._STUCK):
        assert own._under_way
        loop.beat(own, RESTED)
    assert not own._under_way


@pytest.mark.parametrize("is_tired", [True, False])
async def test_what_is_answered_in_reading_leaves_before_others_go_on_where_the_loop_has_no_rest(
    *, is_tired: bool
) -> None:
    """Else it leaves with all that the turn answers, by one write."""
    loop, transport = ScriptedLoop(), Mock(asyncio.Transport)
    own = loop.processor(under_way=20)
    if is_tired:
        loop.tire(own)
    connection = Http2Connection(ServerContext(Mock(), settings_of(), own))
    connection.connection_made(transport)
    connection.data_received(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0))
    assert transport.write.called == is_tired
    await asyncio.sleep(0)
    assert transport.write.called
