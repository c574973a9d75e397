"""Requests whose writes go other ways than a usual call's: many rows, bad ones, and those that count once."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from gateway.db.bulk import copy_new_rows, merge
from tests.soak.nodes import Nodes

_MANY = 24
_STORED = 6
_NOBODY = str(UUID(int=1 << 127))


@contextmanager
def few_are_many() -> Iterator[None]:
    """Let so few rows be loaded and staged as usually a thousand are: a fault is tried in a moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge, "SMALL", _MANY - 1)
        patch.setattr(copy_new_rows, "FEWEST", _MANY)
        yield


def of(nodes: Nodes, name: str) -> dict[str, Any]:
    """Return a request as proto JSON; its name begins with its method's."""
    return REQUESTS[name](nodes)


def method_of(name: str) -> str:
    """Return the method that is called."""
    return name.partition(" ")[0]


def new_ids(fields: Mapping[str, Any]) -> list[str]:
    """Return the ids of the rows that a request creates, where it succeeds."""
    rows = [*fields.get("nodes", ()), *(one["node"] for one in fields.get("requests", ()))]
    rows += [fields["node"]] if "node" in fields else []
    stored = [] if fields.get("validate_only") else rows
    return [row["id"] for row in stored if row.get("position", 0) > 0 and "parent_id" not in row]


def _many(nodes: Nodes) -> dict[str, Any]:
    return {"nodes": nodes.requests("BulkUpsertNodes")[0]["nodes"][:_MANY]}


def _some_stored(nodes: Nodes) -> dict[str, Any]:
    label = str(uuid4())
    stored = [
        {"id": str(UUID(int=n)), "position": -n, "color": "COLOR_RED", "label": label}
        for n in range(1, _STORED + 1)
    ]
    return {"nodes": [*_many(nodes)["nodes"], *stored], "outcomes": True}


def _some_bad(nodes: Nodes) -> dict[str, Any]:
    rows = _some_stored(nodes)["nodes"]
    return {"nodes": [rows[0] | {"parent_id": _NOBODY}, *rows[1:]], "partial_failure": True}


def _once(method: str) -> Callable[[Nodes], dict[str, Any]]:
    return lambda nodes: {**nodes.requests(method)[0], "request_id": str(uuid4())}


REQUESTS: Mapping[str, Callable[[Nodes], dict[str, Any]]] = {
    "BulkUpsertNodes of many": _many,
    "BulkUpsertNodes of which some are stored": _some_stored,
    "BulkUpsertNodes of which one is bad": _some_bad,
    "BulkUpsertNodes to be checked": lambda nodes: {**_some_bad(nodes), "validate_only": True},
    "BulkUpsertNodes once": lambda nodes: {**_many(nodes), "request_id": str(uuid4())},
    "CreateNode once": _once("CreateNode"),
    "UpdateNode once": _once("UpdateNode"),
}
"""All of them."""
