"""What a call's statements cost, and how PostgreSQL plans them: told to callers who may ask for it.

A call asks by its metadata, `rowgate-explain: plan` or `analyze`; it is answered as ever, and with this.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_BYTES = 4_096
"""The most bytes of what is told: clients take 8 KiB of metadata, in which it grows by a third."""
_MAX_TEXT = 200
_SCAN_KEYS = {
    "Node Type": "node",
    "Relation Name": "table",
    "Index Name": "index",
    "Index Cond": "index_condition",
    "Filter": "filter",
    "Sort Key": "sort_key",
    "Startup Cost": "startup_cost",
    "Total Cost": "total_cost",
    "Plan Rows": "rows",
    "Actual Rows": "actual_rows",
    "Actual Total Time": "actual_ms",
    "Actual Loops": "loops",
    "Rows Removed by Filter": "rows_removed",
}
"""What is told of a plan's nodes, and what it is called."""

Plan = Mapping[str, Any]
"""A node of a plan, as EXPLAIN (FORMAT JSON) has it."""


@dataclass(slots=True)
class Explanation:
    """What a call asks for, and what was found.

    Args:
        analyze: whether statements are run for it, too, to tell what they really took.

    """

    analyze: bool
    _statements: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, plan: Plan, by_index: Plan) -> None:
        """Note the plan of a statement, and the one that it would have if it could be by an index alone."""
        told: dict[str, Any] = {"statement": name, **_costs(plan)}
        unserved = unserved_tables(by_index)
        if unserved:
            told["advice"] = f"no index serves the conditions on {', '.join(unserved)}"
        self._statements.append({**told, "plan": _told(plan)})

    def has(self, name: str) -> bool:
        """Return whether a statement of that name has its plan noted."""
        return any(told["statement"] == name for told in self._statements)

    def text(self) -> str:
        """Return it all as JSON in ASCII; what doesn't fit is left out, the plans first."""
        for told in (self._statements, [_without_plan(one) for one in self._statements]):
            text = _json({"statements": told})
            if len(text) <= MAX_BYTES:
                return text
        return _json({"omitted": len(self._statements)})


def unserved_tables(plan: Plan) -> list[str]:
    """Return the tables whose rows are filtered without an index, of a plan that was to avoid that."""
    tables = {node.get("Relation Name", "") for node in nodes(plan) if "Filter" in node}
    by_index = {node.get("Relation Name", "") for node in nodes(plan) if _searches(node)}
    return sorted(tables - by_index - {""})


def _searches(node: Plan) -> bool:
    return "Index Cond" in node or "Recheck Cond" in node


def nodes(plan: Plan) -> Iterator[Plan]:
    """Yield the nodes of a plan, those above before those below."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def _costs(plan: Plan) -> dict[str, Any]:
    names = ("Startup Cost", "Total Cost", "Plan Rows", "Actual Rows", "Actual Total Time")
    return {_SCAN_KEYS[name]: plan[name] for name in names if name in plan}


def _told(plan: Plan) -> dict[str, Any]:
    told = {name: _short(plan[key]) for key, name in _SCAN_KEYS.items() if key in plan}
    below = [_told(one) for one in plan.get("Plans", ())]
    return {**told, "below": below} if below else told


def _short(value: Any) -> Any:
    return f"{value[:_MAX_TEXT]}…" if isinstance(value, str) and len(value) > _MAX_TEXT else value


def _without_plan(told: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "plan"}


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
