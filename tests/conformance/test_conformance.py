"""The conformance suite of connectrpc.com, with both its clients (connect-go, grpc-go), over each transport.

What is expected to fail is in known_failing_*.txt, with the reason; the runner fails when one of them passes.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.tools import tool

HERE = Path(__file__).parent
_COUNTS = re.compile(r"Total cases: (\d+)\n(\d+) passed, (\d+) failed")
_EXPECTED = re.compile(r"another (\d+) failed as expected", re.IGNORECASE)


def _lists(protocol: str, transport: str) -> Iterator[str]:
    for flag, name in (("--known-failing", "known_failing"), ("--skip", "skipped")):
        for suffix in (transport, f"{transport}_{protocol}"):
            listed = HERE / f"{name}_{suffix}.txt"
            if listed.exists():
                yield from (flag, f"@{listed}")


@pytest.mark.parametrize(
    ("protocol", "transport", "least"),
    [("grpc", "envoy", 747), ("grpc", "grpcio", 741), ("grpc_web", "envoy", 1000)],
)
def test_every_case_passes(protocol: str, transport: str, least: int, tell: Callable[[str], None]) -> None:
    command = [
        *(str(tool("connectconformance")), "--mode", "server", "--max-servers", "2"),
        *("--conf", str(HERE / f"{protocol}.yaml")),
        *(*_lists(protocol, transport), "--"),
        *(sys.executable, "-m", "tests.conformance.server", transport),
    ]
    run = subprocess.run(
        command, cwd=HERE.parent.parent, capture_output=True, text=True, timeout=120, check=False
    )
    counts = _COUNTS.search(run.stdout)
    assert counts is not None, run.stderr
    total, passed, failed = map(int, counts.groups())
    expected = _EXPECTED.search(run.stdout)
    known = int(expected[1]) if expected else 0
    tell(f"conformance of {protocol} over {transport}: {passed} of {total} passed, {known} known to fail")
    assert run.returncode == 0, run.stdout[-10_000:]
    assert (total, passed + known, failed) == (least, total, 0)
