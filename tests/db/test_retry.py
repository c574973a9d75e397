"""Retries: how often, how far apart, and never past the deadline or the budget. The clock is the test's."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.database_settings import RetrySettings
from gateway.db.retry import Budget, Retry, TryAgain
from gateway.errors import Aborted, Unavailable
from gateway.request.calls.bulkheads import Operation
from gateway.request.calls.call import Call

CALL = Call("test.v1.Test/Call")


class FakeClock:
    """Time that passes only in sleep."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def time(self) -> float:
        """Return the test's time."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds


class Flaky:
    """Fails so many times, then answers."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.attempts = 0

    async def __call__(self) -> str:
        """Fail, or answer."""
        self.attempts += 1
        if self.attempts <= self.failures:
            error = Unavailable(f"failure {self.attempts}", reason="GONE")
            error.__cause__ = ConnectionResetError()
            raise TryAgain(error)
        return "answer"


settings = st.builds(
    RetrySettings,
    attempts=st.integers(1, 10),
    first_delay=st.floats(0.001, 1),
    max_delay=st.floats(0.001, 5),
    budget=st.floats(0, 20),
    earned=st.just(0.0),
)


@given(settings, st.integers(0, 12), st.none() | st.floats(0, 10), st.floats(0, 1))
def test_bounds_hold_for_any_settings(
    given_: RetrySettings, failures: int, time_left: float | None, fraction: float
) -> None:
    clock, flaky = FakeClock(), Flaky(failures)
    deadline = None if time_left is None else clock.now + time_left
    retry = Retry(given_, clock, lambda: fraction)

    async def run() -> object:
        [result] = await asyncio.gather(retry(flaky, Call("test", deadline=deadline)), return_exceptions=True)
        return result

    result = asyncio.run(run())

    if isinstance(result, Unavailable):
        assert result.message == f"failure {flaky.attempts}"
        assert isinstance(result.__cause__, ConnectionResetError)
    else:
        assert result == "answer"
        assert flaky.attempts == failures + 1
    assert flaky.attempts <= given_.attempts
    assert len(clock.slept) == flaky.attempts - 1 <= given_.budget
    longest = [min(given_.max_delay, given_.first_delay * 2**number) for number in range(len(clock.slept))]
    assert clock.slept == [fraction * bound for bound in longest]
    assert deadline is None or not clock.slept or clock.now < deadline


@pytest.mark.parametrize("failures", [0, 1, 5])
async def test_it_goes_on_while_it_may(failures: int) -> None:
    flaky = Flaky(failures)

    assert await Retry(RetrySettings(attempts=6), FakeClock())(flaky, CALL) == "answer"
    assert flaky.attempts == failures + 1


async def test_other_errors_pass_at_once() -> None:
    attempts: list[int] = []

    async def fail() -> None:
        attempts.append(1)
        raise Aborted("no", reason="LOST")

    with pytest.raises(Aborted):
        await Retry(RetrySettings(), FakeClock())(fail, CALL)
    assert attempts == [1]


@given(st.lists(st.booleans(), max_size=200))
def test_a_budget_never_gives_more_than_it_got(steps: list[bool]) -> None:
    budget = Budget(3, 0.1)
    earned = spent = 0

    for spends in steps:
        if spends:
            spent += budget.spend()
        else:
            budget.earn()
            earned += 1
        assert spent <= 3 + earned * 0.1 + 1e-9


async def test_calls_earn_retries() -> None:
    retry = Retry(RetrySettings(budget=1, earned=0.5), FakeClock())

    assert await retry(Flaky(1), CALL) == "answer"
    with pytest.raises(Unavailable):
        await retry(Flaky(1), CALL)
    assert await retry(Flaky(0), CALL) == "answer"
    assert await retry(Flaky(1), CALL) == "answer"


async def test_none_is_spent_on_an_operation_that_has_too_many_calls() -> None:
    busy, other = Operation("flight", "LIST"), Operation("flight", "GET")
    retry = Retry(RetrySettings(budget=2, earned=0), FakeClock(), overloaded=lambda one: one is busy)
    for _ in range(3):
        flaky = Flaky(1)
        with pytest.raises(Unavailable):
            await retry(flaky, Call("test", operation=busy))
        assert flaky.attempts == 1
    for _ in range(2):
        assert await retry(Flaky(1), Call("test", operation=other)) == "answer"


async def test_calls_that_fail_earn_none() -> None:
    retry = Retry(RetrySettings(budget=1, earned=1, attempts=2), FakeClock())
    with pytest.raises(Unavailable):
        await retry(Flaky(9), CALL)
    with pytest.raises(Unavailable):
        await retry(Flaky(1), CALL)
