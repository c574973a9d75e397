"""Random calls of every method of the nodes' service, none of which fails by what another does."""

import itertools
from collections.abc import Callable
from random import Random
from typing import Any
from uuid import UUID

PACKAGE = "adversarial.v1"
SERVICE = f"{PACKAGE}.NodeService"
ROWS = 2_000
SEED = (
    "INSERT INTO node (id, position, color, shape, version, label) "
    "SELECT lpad(to_hex(i), 32, '0')::uuid, -i, 'COLOR_RED', 1, 1, repeat('x', 500) "
    "FROM generate_series(1, $1::int) AS i"
)
METHODS = (
    *("GetNode", "GetNode", "GetNode", "BatchGetNodes", "ListNodes", "CountNodes", "CreateNode"),
    *("UpdateNode", "DeleteNode", "BatchCreateNodes", "BulkUpsertNodes", "StreamNodes", "StreamNodes"),
)

Maker = Callable[[], dict[str, Any]]


class Nodes:
    """Makes requests.

    Args:
        random: what is drawn from.

    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._positions = itertools.count(1)
        self._makers: dict[str, Maker] = {
            "GetNode": lambda: {"id": self._known()},
            "BatchGetNodes": lambda: {"ids": [self._known() for _ in range(20)]},
            "ListNodes": lambda: {"page_size": 200, "filter": f"position < -{random.randrange(ROWS)}"},
            "CreateNode": lambda: {"node": self._new()},
            "UpdateNode": lambda: {"node": {"id": self._known(), "label": "y" * 500}, "update_mask": "label"},
            "DeleteNode": lambda: {"id": self._unknown(), "allow_missing": True},
            "BatchCreateNodes": lambda: {"requests": [{"node": self._new()} for _ in range(10)]},
            "BulkUpsertNodes": lambda: {"nodes": [self._new() for _ in range(200)]},
        }

    def request(self, method: str) -> dict[str, Any]:
        """Return a request of a method as proto JSON."""
        make = self._makers.get(method)
        return make() if make else {}

    def _known(self) -> str:
        return str(UUID(int=self._random.randrange(1, ROWS + 1)))

    def _unknown(self) -> str:
        return str(UUID(int=self._random.getrandbits(120)))

    def _new(self) -> dict[str, Any]:
        return {
            "id": self._unknown(),
            "position": next(self._positions),
            "color": "COLOR_GREEN",
            "label": "z" * 100,
        }
