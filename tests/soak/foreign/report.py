"""What `rowgate pull` prints, read: what is served, and what is left out, with the reason."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """What became of each relation and column.

    Args:
        served: the relations that are served.
        tables: those that are left out, and why.
        columns: the columns of served ones that are left out, and why.

    """

    served: frozenset[str]
    tables: Mapping[str, str]
    columns: Mapping[str, str]


def read_report(text: str) -> Report:
    """Return what a printed report says."""
    served: list[str] = []
    tables: dict[str, str] = {}
    columns: dict[str, str] = {}
    head = ""
    for line in text.splitlines():
        if not line.startswith("  "):
            head = line
        elif head.startswith("served: "):
            served.append(line[2:].rpartition(" as ")[0])
        elif head.startswith("left out: "):
            name, _, why = line[2:].partition(": ")
            (columns if "column" in head else tables)[name] = why
    return Report(frozenset(served), tables, columns)
