"""The checker's models, by histories written by hand."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.harness.tools import tool
from tests.histories.checking import PROGRAM, check
from tests.histories.recorded import History, Operation


def _row(value: int, version: int, key: str = "a") -> Mapping[str, Any]:
    return {"key": key, "value": value, "version": version}


def _write(value: int, key: str = "a", **wanted: Any) -> Mapping[str, Any]:
    return {"kind": "write", "writes": [{"key": key, "value": value, **wanted}]}


READ: Mapping[str, Any] = {"kind": "read", "keys": ["a"]}
ABSENT = {"rows": [_row(0, 0)]}
DELETE = {"kind": "delete", "writes": [{"key": "a", "value": 0, "present": True}]}
BOTH = {"kind": "write", "writes": [{"key": "a", "value": 1}, {"key": "b", "value": 1}]}
READ_BOTH = {"kind": "read", "keys": ["a", "b"]}
ADD: Mapping[str, Any] = {"kind": "add", "element": "x"}

Step = tuple[int, int | None, Mapping[str, Any], Mapping[str, Any]]
"""When it was called, when it was told, what it asked, what it was told."""

LEGAL: Mapping[str, list[Step]] = {
    "an empty table": [(0, 1, READ, ABSENT)],
    "a write, then a read": [(0, 1, _write(1), {"rows": [_row(1, 1)]}), (2, 3, READ, {"rows": [_row(1, 1)]})],
    "a read amid a write sees the old": [(0, 9, _write(1), {}), (2, 3, READ, ABSENT)],
    "a read amid a write sees the new": [(0, 9, _write(1), {}), (2, 3, READ, {"rows": [_row(1, 1)]})],
    "an open write, done later": [
        (0, None, _write(1), {}),
        (1, 2, READ, ABSENT),
        (3, 4, READ, {"rows": [_row(1, 1)]}),
    ],
    "an open write, never done": [(0, None, _write(1), {}), (1, 2, READ, ABSENT)],
    "an etag of the past": [(0, 1, _write(1), {}), (2, 3, _write(2, version=7), {"refused": "ABORTED"})],
    "a deleted row begins anew": [
        (0, 1, _write(1), {}),
        (2, 3, DELETE, {}),
        (4, 5, _write(2, absent=True), {"rows": [_row(2, 1)]}),
    ],
    "an equal value merged": [(0, 1, _write(1), {}), (2, 3, _write(1, merges=True), {"rows": [_row(1, 1)]})],
}
ILLEGAL: Mapping[str, list[Step]] = {
    "a lost write": [(0, 1, _write(1), {}), (2, 3, READ, ABSENT)],
    "a write done twice": [(0, 1, _write(1), {"rows": [_row(1, 1)]}), (2, 3, READ, {"rows": [_row(1, 2)]})],
    "an open write done twice": [(0, None, _write(1), {}), (1, 2, READ, {"rows": [_row(1, 2)]})],
    "a stale read": [
        *((0, 1, _write(1), {}), (2, 3, _write(2), {})),
        (4, 5, READ, {"rows": [_row(1, 1)]}),
    ],
    "a write by an etag of the past": [(0, 1, _write(1), {}), (2, 3, _write(2, version=7), {})],
    "a row created twice": [(0, 1, _write(1, absent=True), {}), (2, 3, _write(2, absent=True), {})],
    "refused for no reason": [(0, 1, _write(1, absent=True), {"refused": "ALREADY_EXISTS"})],
    "half of a batch": [
        (0, 9, BOTH, {}),
        (1, 2, READ_BOTH, {"rows": [_row(1, 1), _row(0, 0, "b")]}),
    ],
    "a delete of nothing": [(0, 1, DELETE, {})],
    "a read that tells too few rows": [(0, 1, READ, {})],
}
SETS: Mapping[str, tuple[list[Step], str]] = {
    "added": ([(0, 1, ADD, {}), (2, 3, {"kind": "read"}, {"elements": ["x"]})], "legal"),
    "added, and lost": ([(0, 1, ADD, {}), (2, 3, {"kind": "read"}, {"elements": []})], "illegal"),
    "added twice": ([(0, 1, ADD, {}), (2, 3, {"kind": "read"}, {"elements": ["x", "x"]})], "illegal"),
    "perhaps added": ([(0, None, ADD, {}), (2, 3, {"kind": "read"}, {"elements": ["x"]})], "legal"),
    "removed, and there": (
        [
            *((0, 1, ADD, {}), (2, 3, {**ADD, "kind": "remove"}, {})),
            (4, 5, {"kind": "read"}, {"elements": ["x"]}),
        ],
        "illegal",
    ),
}
CASES = [
    *(("rows", name, steps, "legal") for name, steps in LEGAL.items()),
    *(("rows", name, steps, "illegal") for name, steps in ILLEGAL.items()),
    *(("set", name, steps, verdict) for name, (steps, verdict) in SETS.items()),
]


@pytest.mark.parametrize(("model", "name", "steps", "expected"), CASES, ids=[case[1] for case in CASES])
async def test_a_history_is_judged(
    model: str, name: str, steps: list[Step], expected: str, tmp_path: Path
) -> None:
    operations = [Operation(i, call, asked, told, end) for i, (call, end, asked, told) in enumerate(steps)]
    (verdict,) = await check(tool(PROGRAM), [History(name, model, operations)], tmp_path)
    assert verdict.verdict == expected
    assert bool(verdict.picture) == (expected == "illegal")
