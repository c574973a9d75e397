"""In CI the tests that fail run once more, where they are few."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.process import environment
from tests.harness.sample import ROOT

TESTS = """
from pathlib import Path
import pytest


def test_passes():
    with Path("runs").open("a") as runs:
        runs.write("whole ")


@pytest.mark.parametrize("times", TIMES)
def test_fails(times, request):
    runs = Path(request.node.name)
    runs.write_text((runs.read_text() if runs.exists() else "") + "run ")
    assert len(runs.read_text().split()) > times
"""


@pytest.mark.parametrize(
    ("ci", "times", "code", "runs"),
    [
        ("true", (0, 0), 0, 1),
        ("true", (1, 0, 1, 1), 0, 2),
        ("true", (1, 0, 9), 1, 2),
        ("true", (1, 1, 1, 1), 1, 1),
        ("", (1,), 1, 1),
    ],
)
def test_few_that_fail_run_once_more_in_ci(
    tmp_path: Path, ci: str, times: tuple[int, ...], code: int, runs: int
) -> None:
    (tmp_path / "test_some.py").write_text(TESTS.replace("TIMES", repr(times)))
    (tmp_path / "pytest.ini").touch()
    ended = subprocess.run(
        [ROOT / ".ci" / "again", sys.executable, "-m", "pytest", "."],
        env=environment(CI=ci, PYTEST_DEBUG_TEMPROOT=str(tmp_path)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    assert (tmp_path / "runs").read_text().split() == ["whole"], "what passes runs once"
    assert ended.stdout.count("test session starts") == runs
    assert ("FAILED ONCE" in ended.stdout) == (runs == 2)


def test_a_run_that_breaks_off_has_failed(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("raise ValueError")
    (tmp_path / "pytest.ini").touch()
    command = [ROOT / ".ci" / "again", sys.executable, "-m", "pytest", "."]
    env = environment(CI="true", PYTEST_DEBUG_TEMPROOT=str(tmp_path))
    ended = subprocess.run(command, env=env, cwd=tmp_path, check=False, timeout=60)
    assert ended.returncode == 2
