"""SQL methods: over desks with `policy: BYPASS`, over wards where the database has policies of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.row_policies.callers import Caller
from tests.row_policies.tables import Row

BYPASSING = ("ListOwn", "ShadeOwn")
"""Those whose own conditions alone say whose rows they mean."""
WALLED = ("Counted", "Name")
KINDS = (*BYPASSING, *WALLED)
SERVICES = {"Desk": "offices.v1.DeskQueryService", "Ward": "wards.v1.WardQueryService"}
_COLUMNS = ("id", "label", "level")


def own(rows: Mapping[Any, Row], caller: Caller, level: int) -> Sequence[Row]:
    """Return the rows that are the caller's own; who has no credential has no id."""
    by_key = [row for _, row in sorted(rows.items())]
    return [
        row
        for row in by_key
        if caller.kind != "anonymous" and row["owner"] == caller.id and row["level"] >= level
    ]


def in_short(row: Row) -> Row:
    """Return what the query selects of a row."""
    return {name: row[name] for name in _COLUMNS}


def told_in_short(message: Any) -> Row:
    """Return what an answer tells of a row."""
    return {name: getattr(message, name) for name in _COLUMNS}
