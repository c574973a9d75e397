"""The tools that newcomers use, against the sample as `make run` serves it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.sample import ROOT

Tool = Callable[..., subprocess.CompletedProcess[str]]


def tool(name: str) -> Path:
    """Return where a tool is; skip the test without it, fail where CI should have built it."""
    built = ROOT / ".tools" / "bin" / name
    found = str(built) if built.exists() else shutil.which(name)
    if found is None:
        missing = f"{name} is neither in .tools/bin nor on PATH: `make tools` builds it where Go is"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return Path(found)


@pytest.fixture(scope="session")
def grpcurl() -> Path:
    """Return the path of grpcurl."""
    return tool("grpcurl")


@pytest.fixture(scope="session")
def ghz() -> Path:
    """Return the path of ghz."""
    return tool("ghz")
