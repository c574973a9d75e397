"""Tests in several processes: what shares something dear stays together, and what is told is printed."""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.harness.process import environment
from tests.harness.sample import ROOT

CONFTEST = """
from tests.conftest import pytest_sessionfinish, pytest_terminal_summary, pytest_testnodedown
from tests.conftest import pytest_xdist_make_scheduler, tell
"""
TEST = """
import os


def test_one(tell, request):
    tell(f"told: {request.path.name} {os.environ['PYTEST_XDIST_WORKER']}")


def test_other(tell, request):
    test_one(tell, request)
"""
FILES = ("tests/sample/test_a.py", "tests/tools/test_b.py", "tests/rpc/test_c.py", "tests/rpc/test_d.py")


def test_files_go_to_one_process_each_and_what_they_tell_is_printed(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "pytest.ini").touch()
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--numprocesses", "2"]
    ended = subprocess.run(
        command,
        env=environment(PYTHONPATH=str(ROOT), PYTEST_DEBUG_TEMPROOT=str(tmp_path)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    workers = defaultdict[str, set[str]](set)
    told = re.findall(r"^told: (\S+) (\w+)$", ended.stdout, re.MULTILINE)
    for file, worker in told:
        workers[file].add(worker)
    assert len(told) == 2 * len(FILES)
    assert all(len(found) == 1 for found in workers.values()), workers
    assert workers["test_a.py"] == workers["test_b.py"]
    assert len(set.union(*workers.values())) == 2
