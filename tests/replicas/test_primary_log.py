"""The primary's log over time, against what a list of all that was seen says."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.db.replicas.primary_log import PrimaryLog
from gateway.request.calls.log_position import LogPosition

STEPS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=30)


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return it."""
        return self.now


def seen(steps: list[tuple[int, int]]) -> tuple[PrimaryLog, list[tuple[float, LogPosition]], Clock]:
    """Return a log that was asked at some times, and what it was told."""
    clock, lsn = Clock(), 100
    log, told = PrimaryLog(clock), []
    for seconds, written in steps:
        clock.now += seconds
        lsn += written
        told.append((clock.now, LogPosition(1, 1, lsn)))
        log.add(*told[-1])
    clock.now += 1
    return log, told, clock


@given(STEPS, st.integers(0, 60))
def test_a_bound_is_met_by_the_first_position_within_it(steps: list[tuple[int, int]], bound: int) -> None:
    log, told, clock = seen(steps)
    within = [position for asked_at, position in told if asked_at >= clock.now - bound]
    assert log.since(bound) == (within[0] if within else None)


@given(STEPS, st.integers(90, 200))
def test_a_replica_is_behind_since_the_first_position_that_it_lacks(
    steps: list[tuple[int, int]], lsn: int
) -> None:
    log, told, clock = seen(steps)
    lacked = [asked_at for asked_at, position in told if position.lsn > lsn]
    assert log.seconds_behind(LogPosition(1, 1, lsn)) == (clock.now - lacked[0] if lacked else 0)


def test_a_new_timeline_holds_nothing_of_the_old_one() -> None:
    log, _, clock = seen([(1, 5), (1, 5)])
    log.add(clock.now, LogPosition(1, 2, 104))
    assert log.since(60) == LogPosition(1, 2, 104)
    clock.now += 3
    assert log.seconds_behind(LogPosition(1, 1, 200)) == 3
