"""The model of capacity: its arithmetic, and what it says of runs that were measured."""

import subprocess
import sys
from typing import Any

import pytest

from bench.capacity import (
    MANY,
    Cost,
    Costs,
    Site,
    carried,
    generator_cost,
    measured_costs,
    on_one_machine,
    stored_series,
)
from bench.capacity_check import IN_FLIGHT, WORKERS, compared, measured
from bench.results import ONE_WORKER, ROWGATE
from bench.testbed import Options
from tests.harness.sample import ROOT

FLAT = Costs(*(Cost(least, 0.0) for least in (20, 40, 5, 25)))
"""A read and a write in the gateway, and in PostgreSQL, however many are in flight."""
SMALL = Options(seconds=0.5, rounds=1, short=0.5, few=1, sparse=1, rows=0, stored=500, full=False)


def parts(**site: Any) -> dict[str, float]:
    """Return what each part carries, by flat costs, all processors used up."""
    return dict(carried(FLAT, Site(used=1.0, **site)))


def test_gateways_carry_what_their_processors_have_time_for() -> None:
    assert parts(gateways=3, workers=2, writes=0.0)["gateways"] == pytest.approx(6 * 1e6 / 20)
    assert parts(gateways=3, workers=2, writes=0.5)["gateways"] == pytest.approx(6 * 1e6 / 30)


def test_a_primary_has_all_writes_and_the_reads_that_have_to_be_fresh() -> None:
    alone = parts(database_processors=4, writes=0.2)
    assert alone == {"gateways": pytest.approx(2e6 / 24), "primaries": pytest.approx(4e6 / (5 + 4))}
    helped = parts(database_processors=4, writes=0.2, replicas=2, fresh=0.75, replay=0.4)
    assert helped["primaries"] == pytest.approx(4e6 / (0.2 * 25 + 0.8 * 0.25 * 5))
    assert helped["replicas"] == pytest.approx(4e6 / (0.8 * 0.75 * 5 / 2 + 0.2 * 25 * 0.4))


def test_shards_divide_what_is_asked_of_one_and_share_what_is_asked_of_all() -> None:
    one = parts(writes=0.2)["primaries"]
    assert parts(writes=0.2, shards=4)["primaries"] == pytest.approx(4 * one)
    assert parts(writes=0.2, shards=4, scattered=1.0)["primaries"] == pytest.approx(one)
    assert parts(writes=0.2, shards=4, scattered=0.2)["primaries"] == pytest.approx(one / 0.4)
    assert parts(writes=0.2, shards=4, skew=3.0)["primaries"] == pytest.approx(2 * one)


def test_a_cost_by_two_measurements_is_theirs_at_these() -> None:
    cost = Cost.of(100.0, 20.0)
    assert [cost.at(1), cost.at(MANY)] == pytest.approx([100, 20])
    assert 20 < cost.at(32) < 40
    assert cost.at(10**6) == pytest.approx(cost.least, rel=0.01)


def test_reads_that_are_spread_over_replicas_share_less() -> None:
    sharing = Costs(Cost(20, 80), Cost(20, 80), Cost(4, 36), Cost(10, 40))
    site = Site(used=1.0, writes=0.0, replicas=4, fresh=1.0, in_flight=64)
    spread = carried(sharing, site)["replicas"]
    assert spread == pytest.approx(4e6 / ((4 + 36 / 4) / 4))


@pytest.mark.parametrize(("x", "tolerance"), [(16, 2.0), (64, 1.7), (256, 1.7)])
def test_costs_by_two_points_fit_the_curve_that_was_measured(x: int, tolerance: float) -> None:
    costs = measured_costs(stored_series())
    for metric, cost in (("cpu", costs.read), ("cpu_postgres", costs.read_in_postgres)):
        (found,) = (
            one["metrics"][metric]["median"]
            for one in stored_series()
            if (one["workload"], one["contender"], one.get("x"))
            == ("Get item, calls in flight", ONE_WORKER, x)
        )
        assert 1 / tolerance < found / cost.at(x) < tolerance, metric


def test_what_one_worker_costs_tells_what_two_do() -> None:
    """Of the run that docs/benchmarks.md tells of, which was on two processors, with two workers."""
    series = stored_series()
    model = on_one_machine(measured_costs(series), 2, MANY, 2, generator_cost(series))
    (found,) = (
        one["metrics"]["rate"]["median"]
        for one in series
        if (one["workload"], one["contender"]) == (f"Get item, {MANY} in flight", ROWGATE)
    )
    assert 0.65 < found / model < 1.4


@pytest.mark.usefixtures("programs")
async def test_measured_and_modelled_stand_in_one_table() -> None:
    results = await measured(SMALL)
    assert results.failures == {}
    rows = [line for line in compared(results) if line.startswith("| ") and "workers" not in line]
    assert [line.split(" | ")[:2] for line in rows] == [
        [f"| {workers}", str(in_flight)] for workers in WORKERS for in_flight in IN_FLIGHT
    ]
    assert all(float(cell.replace(",", "")) > 0 for line in rows for cell in line.split(" | ")[2:4])


@pytest.mark.parametrize("wrong", ["--shards=0", "--replicas=-1", "--writes=2", "--used=0", "--skew=0.5"])
def test_the_command_refuses_what_there_can_not_be(wrong: str) -> None:
    command = [sys.executable, "-m", "bench.capacity", wrong]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "is expected" in done.stderr


def test_the_command_says_which_part_carries_the_least() -> None:
    command = [sys.executable, "-m", "bench.capacity", "--gateways", "40", "--database-processors", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    (least,) = (line for line in done.stdout.splitlines() if "the least" in line)
    assert least.startswith("primaries")
    assert "nobody has measured" in done.stdout
