"""The plan of a query: the tables that it reads and writes, and which of its columns are plainly theirs."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from gateway.introspect.tables.table_records import Name

_WRITING = frozenset({"ModifyTable", "LockRows"})
_MIXING = frozenset({"Append", "Merge Append", "SetOp", "Recursive Union"})
"""Nodes whose rows are several queries', under the names of the first one's."""
_NULLED: Mapping[str, Sequence[str]] = {
    "Left": ("Inner",),
    "Right": ("Outer",),
    "Full": ("Inner", "Outer"),
}
"""Of each kind of join the sides whose columns may come as NULL."""
_PART = r'(?:"((?:[^"]|"")*)"|([a-z_][a-z0-9_$]*))'
_COLUMN = re.compile(rf"(?:{_PART}\.)?{_PART}")
"""EXPLAIN leaves the table's alias out where there is just one."""
_NEVER_NULL = re.compile(r"\(*count\(.*\)\)*|'(?:[^']|'')*'::[a-z ]+|\d+(?:\.\d+)?", re.DOTALL)


class Plan:
    """What a query would do.

    Args:
        root: the plan's first node, as EXPLAIN has it in JSON.

    """

    def __init__(self, root: Mapping[str, Any]) -> None:
        self._root = root
        self._nodes = list(_nodes(root))

    @property
    def relations(self) -> frozenset[Name]:
        """The tables that it reads or writes."""
        return frozenset(self._by_alias.values())

    @property
    def written(self) -> frozenset[Name]:
        """The tables that it writes."""
        return frozenset(
            name for one in self._nodes if one["Node Type"] == "ModifyTable" for name in _targets(one)
        )

    @property
    def functions(self) -> frozenset[str]:
        """The functions in FROM, those of views too."""
        return frozenset(one["Function Name"] for one in self._nodes if "Function Name" in one)

    @property
    def writes(self) -> bool:
        """Whether it changes or locks rows."""
        return any(one["Node Type"] in _WRITING for one in self._nodes)

    def source_of(self, place: int) -> tuple[Name, str, bool] | None:
        """Return the column of a table that a column of the result is; None for anything else.

        With it, whether a join may put NULL in its place.
        """
        match = _COLUMN.fullmatch(self._output(place))
        if match is None or self._mixes:
            return None
        alone = next(iter(self._by_alias)) if len(self._by_alias) == 1 else ""
        alias, column = _identifier(match[1], match[2]) or alone, _identifier(match[3], match[4])
        name = self._by_alias.get(alias)
        return None if name is None else (name, column, alias in self._nulled)

    def is_never_null(self, place: int) -> bool:
        """Whether a column of the result is a count or a constant."""
        return _NEVER_NULL.fullmatch(self._output(place)) is not None and not self._mixes

    def _output(self, place: int) -> str:
        output = self._root.get("Output", [])
        return str(output[place]) if place < len(output) else ""

    @cached_property
    def _mixes(self) -> bool:
        return any(one["Node Type"] in _MIXING or "Grouping Sets" in one for one in self._nodes)

    @cached_property
    def _by_alias(self) -> Mapping[str, Name]:
        return {
            one.get("Alias", one["Relation Name"]): Name(one["Schema"], one["Relation Name"])
            for one in self._nodes
            if "Relation Name" in one
        }

    @cached_property
    def _nulled(self) -> frozenset[str]:
        return frozenset(
            below["Alias"]
            for one in self._nodes
            for side in one.get("Plans", ())
            if side.get("Parent Relationship") in _NULLED.get(one.get("Join Type", ""), ())
            for below in _nodes(side)
            if "Alias" in below
        )


def _targets(node: Mapping[str, Any]) -> Iterator[Name]:
    for one in (node, *node.get("Target Tables", ())):
        if "Relation Name" in one:
            yield Name(one["Schema"], one["Relation Name"])


def _nodes(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def _identifier(quoted: str | None, plain: str | None) -> str:
    return plain or (quoted or "").replace('""', '"')
