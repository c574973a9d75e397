"""How many statements may be under way, and how many callers share one, by how the last ones went."""

import random

from hypothesis import given
from hypothesis import strategies as st

from gateway.db.coalesce.concurrency import BatchConcurrency
from gateway.db.coalesce.statistics import Outcomes


def test_statements_in_their_usual_time_keep_all_lanes() -> None:
    concurrency = BatchConcurrency(maximum=4, max_batch_size=512)
    draw = random.Random(1)  # noqa: S311 - a seed, so that a failure comes again
    for _ in range(1000):
        concurrency.took(0.001 * draw.uniform(0.7, 1.5))
    assert concurrency.limit == 4


def test_slower_statements_cut_the_lanes_and_faster_ones_give_them_back() -> None:
    concurrency = BatchConcurrency(maximum=4, max_batch_size=512)
    for _ in range(100):
        concurrency.took(0.001)
    for _ in range(3):
        concurrency.took(0.01)
    assert concurrency.limit < 1.5
    for _ in range(40):
        concurrency.took(0.001)
    assert concurrency.limit == 4


def test_a_database_that_stays_slow_is_the_usual_one() -> None:
    concurrency = BatchConcurrency(maximum=4, max_batch_size=512)
    for _ in range(100):
        concurrency.took(0.001)
    for _ in range(300):
        concurrency.took(0.01)
    assert concurrency.limit == 4


def test_one_that_hung_is_forgotten() -> None:
    concurrency = BatchConcurrency(maximum=4, max_batch_size=512)
    for _ in range(100):
        concurrency.took(0.001)
    concurrency.took(30)
    assert concurrency.limit > 2
    for _ in range(10):
        concurrency.took(0.002)
    assert concurrency.limit > 2.9


@given(st.lists(st.floats(0, 100)), st.integers(1, 10))
def test_there_is_always_one_batch_and_never_one_too_many(times: list[float], batches: int) -> None:
    concurrency = BatchConcurrency(maximum=batches, max_batch_size=512)
    for seconds in times:
        concurrency.took(seconds)
        assert 1 <= concurrency.limit <= batches


def test_batches_shrink_with_failures_and_grow_with_success() -> None:
    concurrency = BatchConcurrency(maximum=4, max_batch_size=100)
    sizes = []
    for callers in (100, 50, 25, 12, 8, 8):
        concurrency.divided(callers)
        sizes.append(concurrency.size)
    assert sizes == [50, 25, 12, 8, 8, 8]
    concurrency.went_well(7)
    assert concurrency.size == 8
    for callers in (8, 16, 32, 64, 100):
        concurrency.went_well(callers)
        sizes.append(concurrency.size)
    assert sizes[6:] == [16, 32, 64, 100, 100]


def test_figures_count_callers_and_their_waits() -> None:
    tally = Outcomes("update each item")
    tally.alone += 2
    for callers, waited in ((1, 0.0), (3, 0.25), (2, 0.5), (8, 0.0)):
        tally.sent(callers, waited)
    figures = tally.figures
    assert (figures.calls, figures.alone, figures.statements) == (16, 2, 4)
    assert figures.sizes == (1, 2, 0, 1)
    assert (figures.wait_seconds, figures.longest_wait) == (0.75, 0.5)
