"""Pages of another origin, in a real browser, call the served sample by gRPC-Web and by Connect."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import duration_pb2
from google.protobuf.descriptor_pb2 import MethodOptions
from google.rpc import error_details_pb2

from gateway.schema.protos.sources import compile_protos
from tests.harness.browser import FLAGS, told_by
from tests.harness.sample import ROOT, Sample, free_port
from tests.harness.tools import tool

SERVE = "python -m http.server 8080 --bind localhost --directory examples/page"
_SHOW = ("--virtual-time-budget=10000", "--dump-dom")
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
        try:
            yield
        finally:
            server.terminate()


def shown(page: str, sample: Sample, carrier: str, profile: Path) -> str:
    """Open the page of `host:port` in a browser; return what it shows in the end."""
    url = f"http://{page}/index.html?gateway=http://{sample.target}&carrier={carrier}"
    command = [str(tool("chromium")), *FLAGS, *_SHOW, f"--user-data-dir={profile}", url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    found = _SHOWN.search(done.stdout)
    assert found is not None, done.stdout + done.stderr
    return unescape(found[1])


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


def connect_es(folder: Path) -> None:
    """Lay a folder out with the page of Connect-ES: the page, the modules, and what describes the sample."""
    modules = ROOT / ".tools" / "node" / "node_modules"
    if not (modules / "@connectrpc").exists():
        pytest.skip("Connect-ES isn't installed: `make test-tools` does it where npm is")
    (folder / "node_modules").symlink_to(modules)
    (folder / "index.html").symlink_to(ROOT / "tests" / "tools" / "connect_es.html")
    described = compile_protos(ROOT / "protos")
    for used in (duration_pb2.DESCRIPTOR, error_details_pb2.DESCRIPTOR):
        if used.name not in [file.name for file in described.file]:
            used.CopyToProto(described.file.add())
    for file in described.file:
        for method in (method for service in file.service for method in service.method):
            if method.name.startswith("Get"):  # by which the client knows that GET will do
                method.options.idempotency_level = MethodOptions.NO_SIDE_EFFECTS
    (folder / "descriptors.binpb").write_bytes(described.SerializeToString())


def test_connect_es_speaks_with_it_by_each_of_its_transports(served_sample: Sample, tmp_path: Path) -> None:
    folder = tmp_path / "page"
    folder.mkdir()
    connect_es(folder)
    told = told_by(served_sample.page, folder, served_sample.target, tmp_path / "profile")
    found: dict[str, Any] = json.loads(told)
    assert found.pop("gets") == 2  # those of GetAirline, one of which is refused
    assert found.keys() == {"connect", "connect in JSON", "connect by GET", "gRPC-Web"}
    for one in found.values():
        assert one["name"] == "United Air Lines Inc."
        assert one["missing"] == {
            "code": "NotFound",
            "message": "flights.v1.Airline carrier=ZZ is not there",
            "reasons": ["ROW_NOT_FOUND"],
        }
        assert one["streamed"] == 342
        assert (one["unread"]["code"], one["unread"]["reasons"]) == ("InvalidArgument", ["INVALID_FILTER"])
