"""A run in small: the contenders start and answer, the goals find their figures, the page is written."""

import json
from pathlib import Path

import pytest

from bench import goals, node, report
from bench.contenders import BY_HAND, GO, ORM, POSTGRAPHILE
from bench.datasets import ITEMS
from bench.results import CALL_A_CONNECTION, OURS, REST, REST_OVER_HTTP2
from bench.run import main
from bench.testbed import Options
from bench.workloads import calls

SMALL = Options(seconds=0.1, rounds=1, short=0.1, few=1, sparse=5, rows=200, stored=500, full=False)


def no_npm() -> Path:
    """Stand for what finds no npm."""
    raise RuntimeError("there is no npm here")


@pytest.mark.usefixtures("programs")
async def test_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostGraphile is left out, as where there is no npm: nothing is downloaded, and the rest goes on."""
    monkeypatch.setattr(calls, "DATASETS", [ITEMS])
    monkeypatch.setattr(node, "postgraphile", no_npm)
    results = await main(["update", "rest", "start"], SMALL)
    assert results.failures == {f"start of {POSTGRAPHILE}": "RuntimeError: there is no npm here"}
    report.write(results, SMALL, tmp_path)
    found = json.loads((tmp_path / "benchmarks.json").read_text())["series"]
    by_rest = {REST, REST_OVER_HTTP2, CALL_A_CONNECTION}
    assert {entry["contender"] for entry in found} == {*OURS, *by_rest, GO, BY_HAND, ORM}
    asked = [goal for goal in goals.goals() if goal.workload in {entry["workload"] for entry in found}]
    assert len(asked) == 17
    for goal in asked:
        assert results.get(goal.workload, goal.who, goal.at)
        assert goal.against in {None, POSTGRAPHILE} or results.get(goal.workload, goal.against)
    assert "| start to ready | Rowgate | seconds |" in (tmp_path / "benchmarks.md").read_text()
