"""Rounds, goals, charts and the page, without a load."""

import subprocess
import sys
from xml.dom import minidom

import pytest

from bench import report, usage
from bench.charts import chart
from bench.contenders import GO
from bench.goals import Goal, GoalResult, ratios
from bench.results import ROWGATE, Results, Sample, Series
from bench.rounds import Turn, take_turns
from bench.workloads.start import START

BURN = "import time\nwhile time.process_time() < 0.4: pass"


def series(contender: str, metric: str, *values: float) -> Series:
    """Return a series of one metric."""
    return Series("workload", contender, samples=[{metric: value} for value in values])


def test_ratio_of_speeds_round_by_round() -> None:
    assert list(ratios(series(ROWGATE, "rate", 20, 30), series(GO, "rate", 10, 10), "rate")) == [2, 3]
    assert list(ratios(series(ROWGATE, "insert", 2, 4), series(GO, "insert", 4, 4), "insert")) == [2, 1]


def test_ratio_of_costs() -> None:
    mine, other = series(ROWGATE, "p50", 20), series(GO, "p50", 10)
    assert list(ratios(mine, other, "p50", at_most=True)) == [2]


@pytest.mark.parametrize(("at_most", "value", "met"), [(True, 1, True), (True, 3, False), (False, 1, False)])
def test_verdict(at_most: bool, value: float, met: bool) -> None:  # noqa: FBT001 - parameters of the test
    assert GoalResult(Goal("workload", "rate", 2, at_most=at_most), [value, value, 100]).met is met


def test_say_what_fell_short() -> None:
    results = Results()
    results.note(START, ROWGATE, {"seconds": 0.9, "memory": 101})
    results.fail("work", OSError("it broke"))
    said = report.shortfalls(results)
    assert "| start to ready | Rowgate | memory |  | at most 100 MiB a worker | 101.00" in said
    assert "| start to ready | Rowgate | seconds |" not in said
    assert "| Get item, 128 in flight | Rowgate | rate | Go: grpc-go + pgx |" in said
    assert "| work | OSError: it broke |" in said


async def test_go_on_without_a_contender_that_fails() -> None:
    results, tried = Results(), 0

    async def good(_share: float) -> Sample:
        return {"rate": 1}

    async def bad(_share: float) -> Sample:
        nonlocal tried
        tried += 1
        if tried == 3:
            raise OSError("it broke")
        return {"rate": 2}

    await take_turns(results, [Turn("workload", "good", good), Turn("workload", "bad", bad)], 4)
    assert {found.contender: found.values("rate") for found in results.of("workload")} == {
        "good": [1] * 4,
        "bad": [2],
    }
    assert tried == 3
    assert results.failures == {"workload, bad": "OSError: it broke"}


async def test_keep_no_round_that_warms_up() -> None:
    results = Results()

    async def measured(share: float) -> Sample:
        return {"rate": share}

    await take_turns(results, [Turn("workload", ROWGATE, measured)], 2)
    assert [found.values("rate") for found in results.of("workload")] == [[1.0, 1.0]]


def test_draw_higher_values_higher() -> None:
    picture = chart("calls/s < all", "calls", {"a": [(1, 10), (10, 1000)], "b": [(1, 5)]})
    drawn = minidom.parseString(picture)  # noqa: S318 - our own
    first, second, _ = drawn.getElementsByTagName("circle")
    assert float(first.getAttribute("cx")) < float(second.getAttribute("cx"))
    assert float(first.getAttribute("cy")) > float(second.getAttribute("cy"))


def test_cpu_of_a_process_and_of_one_that_has_ended() -> None:
    """The shell's child has ended, and counts; the one that burns in front of us counts by its threads."""
    ended = f"{sys.executable} -c '{BURN}'; echo; read line"
    with subprocess.Popen(["sh", "-c", ended], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        assert 0.35 < usage.postgres_cpu(shell.pid) < 2
        assert usage.Service.read(shell.pid).processes[shell.pid] < 0.2
        shell.communicate(b"\n")


def test_busiest_thread_is_python() -> None:
    program = f"{BURN}\nprint(flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as burnt:
        assert burnt.stdout is not None
        burnt.stdout.readline()
        spent = usage.Service.read(burnt.pid).since(usage.Service({}, {}))
        assert spent.python > 0.35
        assert usage.resident(burnt.pid) > 1
        burnt.communicate(b"\n")
