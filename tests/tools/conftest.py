"""The tools that newcomers use, against the sample as `make run` serves it."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.tools import tool

Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def grpcurl() -> Path:
    """Return the path of grpcurl."""
    return tool("grpcurl")


@pytest.fixture(scope="session")
def ghz() -> Path:
    """Return the path of ghz."""
    return tool("ghz")
