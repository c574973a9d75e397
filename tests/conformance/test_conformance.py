"""The conformance suite of connectrpc.com, with both its clients (connect-go, grpc-go), over each transport.

What is expected to fail is in known_failing_*.txt, with the reason; the runner fails when one of them passes.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.harness.sample import ROOT
from tests.harness.tools import tool

HERE = Path(__file__).parent
_SLOW = "timed out waiting for result from server"
_COUNTS = re.compile(r"Total cases: (\d+)\n(\d+) passed, (\d+) failed")
_EXPECTED = re.compile(r"another (\d+) failed as expected", re.IGNORECASE)


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run the suite; with fewer servers at once where one took more than the 10 s that the runner waits."""
    for servers in (2, 1, 1):
        command = [str(tool("connectconformance")), "--max-servers", str(servers), *arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=150, check=False)
        if _SLOW not in done.stdout:
            break
    return done


def _server(transport: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "tests.conformance.server", transport, "tests.conformance.service")


def _flags(protocol: str, transport: str) -> Iterator[str]:
    yield from ("--mode", "server", "--conf", str(HERE / f"{protocol}.yaml"))
    for flag, name in (("--known-failing", "known_failing"), ("--skip", "skipped")):
        for suffix in (transport, protocol):
            listed = HERE / f"{name}_{suffix}.txt"
            if listed.exists():
                yield from (flag, f"@{listed}")


@pytest.mark.parametrize(
    ("protocol", "transport", "cases"),
    [
        ("grpc", "http", 747),
        ("grpc", "grpcio", 741),
        ("grpc_web", "http", 1000),
        ("connect", "http", 1624),
    ],
)
def test_every_case_passes(protocol: str, transport: str, cases: int, tell: Callable[[str], None]) -> None:
    done = _run([*_flags(protocol, transport), "--", *_server(transport)])
    counts = _COUNTS.search(done.stdout)
    assert counts is not None, done.stderr
    total, passed, failed = map(int, counts.groups())
    expected = _EXPECTED.search(done.stdout)
    known = int(expected[1]) if expected else 0
    tell(f"conformance of {protocol} over {transport}: {passed} of {total} passed, {known} known to fail")
    assert done.returncode == 0, done.stdout[-10_000:]
    assert (total, passed + known, failed) == (cases, total, 0)
