"""Programs that tests run, built by `make tools` and `make test-tools`."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.harness.sample import ROOT

_BUILT = "`make test` builds it where Go is"
_FROM = {
    "chromium": "Debian's package chromium brings it",
    "curl": "Debian's package curl brings it",
    "flights-client-rust": "`make test` builds it where Rust is",
    "java": "Debian's package default-jre brings it",
    "prometheus": "Debian's package prometheus brings it",
    "node": "Debian's package nodejs brings it",
}


def tool(name: str) -> Path:
    """Return where a tool is; skip the test without it."""
    built = ROOT / ".tools" / "bin" / name
    found = str(built) if built.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is neither in .tools/bin nor on PATH: {_FROM.get(name, _BUILT)}")
    return Path(found)


def installed(name: str) -> str:
    """Return where a program is that a Python package brought."""
    return str(Path(sys.executable).with_name(name))
