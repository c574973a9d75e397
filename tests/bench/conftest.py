"""The benchmarks' own programs, built once where Go is."""

import shutil
from pathlib import Path

import pytest

from bench import golang


@pytest.fixture(scope="session")
def programs() -> Path:
    """Build the load generator and the Go service; return their folder."""
    if shutil.which("go") is None:
        pytest.skip("there is no Go here: neither the load generator nor the Go service is built")
    return golang.build()
