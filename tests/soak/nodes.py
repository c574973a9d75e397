"""Random calls of the nodes' service, none of which fails by what another does."""

import itertools
from collections.abc import Callable, Sequence
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
    *("IngestNodes", "IngestNodes"),
)
CHUNKS, CHUNK = 10, 50
"""Chunks of one stream that is ingested, and rows of each."""
PARTLY_STORED = (
    "SELECT stream_id, watermark, count(node.id) AS rows "
    "FROM rowgate.ingest LEFT JOIN node ON label = stream_id "
    "GROUP BY stream_id, watermark HAVING count(node.id) <> $1::int * watermark"
)
"""Selects the streams of which other rows are stored than their watermark tells of, at so many a chunk."""
WATERMARKS = "SELECT watermark FROM rowgate.ingest"

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

    def requests(self, method: str) -> Sequence[dict[str, Any]]:
        """Return the messages of a call as proto JSON: one, unless the method takes a stream."""
        if method == "IngestNodes":
            return self._stream(self._unknown())
        make = self._makers.get(method)
        return [make() if make else {}]

    def _stream(self, name: str) -> Sequence[dict[str, Any]]:
        """Return the start of a stream and its chunks, of rows that have its name."""
        chunks = ([{**self._new(), "label": name} for _ in range(CHUNK)] for _ in range(CHUNKS))
        numbered = ({"sequence": number, "nodes": rows} for number, rows in enumerate(chunks, 1))
        # A row that was written twice would be refused, which no call ends with.
        return [{"start": {"stream_id": name, "on_conflict": "ON_CONFLICT_FAIL"}}, *numbered]

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
