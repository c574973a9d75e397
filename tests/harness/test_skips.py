"""In CI a skip is a failure."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.harness.process import environment
from tests.harness.sample import ROOT
from tests.harness.skips import ALLOWED

CONFTEST = "from tests.conftest import pytest_make_collect_report, pytest_runtest_makereport"
TESTS = """
import pytest


@pytest.fixture
def program():
    pytest.skip("no such program")


def test_by_fixture(program): ...


@pytest.mark.skip(reason="not today")
def test_by_mark(): ...


@pytest.mark.xfail(reason="known", strict=True)
def test_fails(): raise ValueError


def test_runs(): ...


@pytest.mark.citus
@pytest.mark.skip(reason="no cluster")
def test_on_a_cluster(): ...
"""
MODULE = """
import pytest
pytest.skip("not here", allow_module_level=True)
"""


@pytest.mark.parametrize(
    ("ci", "counts"),
    [("true", "1 passed, 1 skipped, 1 xfailed, 3 errors"), ("", "1 passed, 4 skipped, 1 xfailed")],
)
def test_a_skip_fails_in_ci_alone(tmp_path: Path, ci: str, counts: str) -> None:
    for name, text in {"conftest": CONFTEST, "test_some": TESTS, "test_module": MODULE}.items():
        (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = citus\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    ended = subprocess.run(
        [*command, tmp_path],
        env=environment(CI=ci, PYTHONPATH=str(ROOT), PYTEST_DEBUG_TEMPROOT=str(tmp_path)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert counts in ended.stdout, ended.stdout
    assert ended.returncode == bool(ci)
    if ci:
        for reason in ("no such program", "not today", "not here"):
            assert f"in CI nothing is skipped. Skipped: {reason}" in ended.stdout


def test_nothing_is_allowed_to_be_skipped() -> None:
    assert ALLOWED == {}
