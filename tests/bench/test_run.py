"""A run in small: the contenders start and answer, the goals find their figures, the page is written."""

import json
from pathlib import Path

import pytest

from bench import goals, report
from bench.contenders import BY_HAND, GO, ORM
from bench.results import OURS
from bench.run import main
from bench.testbed import Options

SMALL = Options(seconds=0.1, rounds=1, short=0.1, few=1, sparse=5, rows=200, stored=500, full=False)


@pytest.mark.usefixtures("programs")
async def test_run(tmp_path: Path) -> None:
    results = await main(["update", "start"], SMALL)
    assert results.failures == {}
    report.write(results, SMALL, tmp_path)
    found = json.loads((tmp_path / "benchmarks.json").read_text())["series"]
    assert {entry["contender"] for entry in found} == {*OURS, GO, BY_HAND, ORM}
    asked = [goal for goal in goals.goals() if goal.workload.startswith(("Update", "start"))]
    assert len(asked) == 5
    for goal in asked:
        assert results.get(goal.workload, goal.who, goal.at)
        assert goal.against is None or results.get(goal.workload, goal.against, goal.against_at)
    assert "| start to ready | Rowgate | seconds |" in (tmp_path / "benchmarks.md").read_text()
