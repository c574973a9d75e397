"""A run in small: the contenders start and answer, the goals find their figures, the page is written."""

import json
from pathlib import Path

import pytest

from bench import goals, report
from bench.contenders import BY_HAND, GO, ORM
from bench.figures import ROWGATE
from bench.ground import Options
from bench.run import main

SMALL = Options(seconds=0.1, rounds=1, short=0.1, few=1, sparse=5, rows=200, stored=500, full=False)


@pytest.mark.usefixtures("programs")
async def test_run(tmp_path: Path) -> None:
    figures = await main(["update", "start"], SMALL)
    assert figures.failures == {}
    report.write(figures, SMALL, tmp_path)
    found = json.loads((tmp_path / "benchmarks.json").read_text())["series"]
    assert {entry["contender"] for entry in found} == {ROWGATE, GO, BY_HAND, ORM}
    measured = [verdict.goal.work for verdict in goals.verdicts(figures) if verdict.values]
    assert measured == [
        *("Update item, 128 in flight", "Update item, 128 in flight"),
        *("Update flight, 128 in flight", "Update flight, 128 in flight"),
        "start to ready",
    ]
    assert "| start to ready | seconds |" in (tmp_path / "benchmarks.md").read_text()
