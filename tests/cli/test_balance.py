"""Which worker sends connections away, and how many: after a while, a few at a time, and never to and fro."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.workers.rebalancing import Balance, Move

SECONDS = 10.0
TICK = 0.5


@dataclass(eq=False)
class Worker:
    """A worker, by the weights of its connections."""

    weights: list[float] = field(default_factory=list)

    @property
    def connections(self) -> int:
        """How many it has."""
        return len(self.weights)

    @property
    def weight(self) -> float:
        """What it has to do."""
        return sum(self.weights)

    def send_away(self, move: Move) -> list[float]:
        """Let go of the heaviest connections that fit, as a host does."""
        gone, left, weight = [], move.connections, move.weight
        for one in sorted(self.weights, reverse=True):
            if left and one <= weight:
                gone.append(one)
                left, weight = left - 1, weight - one
        for one in gone:
            self.weights.remove(one)
        return gone


def watch(balance: Balance, workers: Sequence[Worker], since: float, seconds: float) -> list[Move]:
    """Look for so long, and carry out what is to be moved; return that."""
    moves = []
    for tick in range(int(seconds / TICK)):
        move = balance.next_move(workers, since + tick * TICK)
        if move is not None:
            moves.append(move)
            for weight in workers[move.worker].send_away(move):
                min(workers, key=lambda one: one.weight).weights.append(weight)
    return moves


def test_a_worker_that_came_back_gets_its_part_in_a_few_steps() -> None:
    workers = [Worker([17.0] * 8), Worker()]
    moves = watch(Balance(SECONDS), workers, 0, 60)
    assert [move.connections for move in moves] == [2, 1, 1]
    assert [one.connections for one in workers] == [4, 4]


def test_nothing_is_moved_before_the_time_is_over() -> None:
    balance, workers = Balance(SECONDS), [Worker([5.0] * 4), Worker()]
    assert not watch(balance, workers, 0, SECONDS)
    assert watch(balance, workers, SECONDS, 1)


def test_what_evens_out_by_itself_meanwhile_is_left_alone() -> None:
    balance, heavy, light = Balance(SECONDS), Worker([5.0] * 4), Worker()
    for since in range(0, 100, 10):
        assert not watch(balance, [heavy, light], since, 9)
        assert not watch(balance, [Worker([1.0]), Worker([1.0])], since + 9, 1)


@pytest.mark.parametrize(
    "workers",
    [
        [Worker([100.0]), Worker()],
        [Worker([100.0]), Worker([1.0] * 5)],
        [Worker([5.0] * 5), Worker([5.0] * 4)],
        [Worker([1.0]), Worker()],
        [Worker(), Worker()],
        [Worker([9.0] * 9)],
        [],
    ],
)
def test_what_moving_does_not_even_out_stays(workers: list[Worker]) -> None:
    assert not watch(Balance(SECONDS), workers, 0, 100)


WEIGHTS = st.lists(st.floats(1, 200), max_size=12)


@given(st.lists(WEIGHTS, min_size=1, max_size=5))
def test_it_comes_to_rest_and_nobody_has_more_to_do_than_one_had(weights: list[list[float]]) -> None:
    workers = [Worker(list(one)) for one in weights]
    most = max(one.weight for one in workers)
    moves = watch(Balance(TICK), workers, 0, 200)
    assert max(one.weight for one in workers) <= most + 1e-6
    assert not [move for move in moves if move.connections < 1]
    before = [sorted(one.weights) for one in workers]
    watch(Balance(TICK), workers, 1000, 10)
    assert [sorted(one.weights) for one in workers] == before
