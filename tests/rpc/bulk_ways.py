"""The ways that a bulk upsert's rows can take. They must all come to the same."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from gateway.db.bulk import copy_new_rows, merge

_NEVER = 10**9
_WAYS: Mapping[str, Mapping[str, int]] = {
    "arrays": {"SMALL": _NEVER, "FEWEST": _NEVER},
    "merge": {"SMALL": 0, "FEWEST": _NEVER},
    "two steps": {"MERGE_RETURNS": _NEVER, "FEWEST": _NEVER},
    "load": {"SMALL": 0, "FEWEST": 1},
}
WAYS = tuple(_WAYS)
"""Their names. Rows that can't be loaded are merged, where `load` is asked for."""


@contextmanager
def taking(way: str) -> Iterator[None]:
    """Make all rows take one way."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _WAYS[way].items():
            patch.setattr(copy_new_rows if name == "FEWEST" else merge, name, value)
        yield
