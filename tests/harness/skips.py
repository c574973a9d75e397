"""Skips: the reason why a test can't run here. In CI nothing is skipped, so each is a failure there."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ALLOWED: Mapping[str, str] = {}
"""Tests, by their ids, that CI may skip, each with the reason."""

WITHOUT_SERVER = "citus"
"""The mark of tests that take a server which CI hasn't: there is no package of it."""


def in_ci() -> bool:
    """Return whether this is CI, which has all that tests need."""
    return os.environ.get("CI") == "true"


def refused_in_ci(report: "pytest.TestReport | pytest.CollectReport") -> None:
    """Make a failure of a skip, where it is one that CI doesn't allow."""
    expected_to_fail = hasattr(report, "wasxfail")
    is_allowed = report.nodeid in ALLOWED or WITHOUT_SERVER in getattr(report, "keywords", ())
    if not report.skipped or expected_to_fail or is_allowed or not in_ci():
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"in CI nothing is skipped. {reason}"
