"""A page of another origin, in a real browser, calls the served sample by gRPC-Web."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness.sample import ROOT, Sample, free_port
from tests.harness.tools import tool

SERVE = "python -m http.server 8080 --bind localhost --directory examples/page"
# Without these it looks for its maker's servers, and for a sandbox that a superuser has not.
_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--virtual-time-budget=10000"),
)
_SHOWN = re.compile(r'<p id="answer">(.*?)</p>')


@contextmanager
def pages(address: str) -> Iterator[None]:
    """Serve the example's folder at `host:port`."""
    host, _, port = address.rpartition(":")
    _, *arguments = SERVE.replace("8080", port).replace("localhost", host).split()
    command = [sys.executable, "-u", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline().startswith("Serving HTTP")
        yield
        server.terminate()


def shown(page: str, sample: Sample, carrier: str, profile: Path) -> str:
    """Open the page of `host:port` in a browser; return what it shows in the end."""
    url = f"http://{page}/index.html?gateway=http://{sample.target}&carrier={carrier}"
    command = [str(tool("chromium")), *_FLAGS, f"--user-data-dir={profile}", "--dump-dom", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = _SHOWN.search(done.stdout)
    assert found is not None, done.stdout + done.stderr
    return found[1]


@pytest.mark.parametrize(
    ("carrier", "text"),
    [
        ("UA", "UA is United Air Lines Inc."),
        ("ZZ", "No airline: status 5: flights.v1.Airline carrier=ZZ is not there"),
    ],
)
def test_a_page_reads_answers_and_errors(
    served_sample: Sample, carrier: str, text: str, tmp_path: Path
) -> None:
    with pages(served_sample.page):
        assert shown(served_sample.page, served_sample, carrier, tmp_path) == text


def test_a_page_of_another_origin_reads_nothing(served_sample: Sample, tmp_path: Path) -> None:
    other = f"127.0.0.1:{free_port()}"
    with pages(other):
        assert shown(other, served_sample, "UA", tmp_path) == "No airline: Failed to fetch"
