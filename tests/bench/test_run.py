"""A run in small: the contenders start and answer, the goals find their figures, the page is written."""

import json
from pathlib import Path

import pytest

from bench import goals, report
from bench.contenders import BY_HAND, GO, ORM
from bench.figures import OURS
from bench.ground import Options
from bench.run import main

SMALL = Options(seconds=0.1, rounds=1, short=0.1, few=1, sparse=5, rows=200, stored=500, full=False)


@pytest.mark.usefixtures("programs")
async def test_run(tmp_path: Path) -> None:
    figures = await main(["update", "start"], SMALL)
    assert figures.failures == {}
    report.write(figures, SMALL, tmp_path)
    found = json.loads((tmp_path / "benchmarks.json").read_text())["series"]
    assert {entry["contender"] for entry in found} == {*OURS, GO, BY_HAND, ORM}
    asked = [goal for goal in goals.goals() if goal.work.startswith(("Update", "start"))]
    assert len(asked) == 5
    for goal in asked:
        assert figures.get(goal.work, goal.who, goal.at)
        assert goal.against is None or figures.get(goal.work, goal.against, goal.against_at)
    assert "| start to ready | Rowgate | seconds |" in (tmp_path / "benchmarks.md").read_text()
