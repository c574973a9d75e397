"""The conformance suite of connectrpc.com, with both its clients (connect-go, grpc-go), over each transport.

What is expected to fail is in known_failing_*.txt, with the reason; the runner fails when one of them passes.
"""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.harness.sample import ROOT
from tests.harness.tools import tool

HERE = Path(__file__).parent
_COUNTS = re.compile(r"Total cases: (\d+)\n(\d+) passed, (\d+) failed")
_EXPECTED = re.compile(r"another (\d+) failed as expected", re.IGNORECASE)
_OVERTAKEN = re.compile(
    r"^FAILED: (Timeouts/\S+/unary):\n\tconnect error JSON: unexpected end of JSON input\n", re.MULTILINE
)
"""A case in which the runner's client stopped reading between the response's headers and its body.

Its deadline and the server's pass within the same millisecond. Where its own passes after it took the
headers, Go's HTTP client drops a body that it hasn't taken yet, and the runner reads what it has as if that
were all. Both leave the server in one write, but the client takes one after the other: such a case has to
pass when it is run again, alone.
"""


def _run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [str(tool("connectconformance")), "--max-servers", "2", "--mode", "server", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@contextmanager
def _serving(transport: str) -> Iterator[Sequence[str]]:
    """Have servers at hand; yield the command that is one of them to the runner."""
    with TemporaryDirectory() as folder:
        place = str(Path(folder) / "socket")
        command = (
            sys.executable,
            "-m",
            "tests.conformance.server",
            transport,
            "tests.conformance.service",
            place,
        )
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline()
                yield sys.executable, "-IS", str(HERE / "relay.py"), place
            finally:
                process.terminate()


def _conf(protocol: str) -> tuple[str, str]:
    return ("--conf", str(HERE / f"{protocol}.yaml"))


def _flags(protocol: str, transport: str) -> Iterator[str]:
    yield from _conf(protocol)
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
    with _serving(transport) as server:
        done = _run([*_flags(protocol, transport), "--", *server])
        overtaken = _OVERTAKEN.findall(done.stdout)
        again = [_run([*_conf(protocol), "--run", case, "--", *server]) for case in overtaken]
    counts = _COUNTS.search(done.stdout)
    assert counts is not None, done.stderr
    total, passed, failed = map(int, counts.groups())
    expected = _EXPECTED.search(done.stdout)
    known = int(expected[1]) if expected else 0
    tell(f"conformance of {protocol} over {transport}: {passed} of {total} passed, {known} known to fail")
    assert (total, passed + known + len(overtaken), failed) == (cases, total, len(overtaken)), done.stdout[
        -10_000:
    ]
    assert all(one.returncode == 0 for one in again), [done.stdout, *(one.stdout for one in again)]
    assert overtaken or done.returncode == 0, done.stdout[-10_000:]
