"""State of a BulkUpsert or Ingest method, which its handlers for different kinds of callers share."""

import asyncio
import time

from gateway.db.bulk.database_encoding import Repertoire

CROWDED_SECONDS = 30.0
"""How long after a collision the calls that follow take the table's lock for themselves at once."""


class BulkState:
    """One method's turns, and what its calls have learnt of the database.

    Args:
        max_concurrent: calls of the method that hold a connection at once.

    """

    def __init__(self, max_concurrent: int) -> None:
        self.turns = asyncio.Semaphore(max_concurrent)
        """Held by whoever is about to take a connection."""
        self.repertoire = Repertoire()
        self._crowded_until = 0.0

    @property
    def is_crowded(self) -> bool:
        """Whether calls have collided lately."""
        return time.monotonic() < self._crowded_until

    def note_collision(self) -> None:
        """Tell the calls that follow."""
        self._crowded_until = time.monotonic() + CROWDED_SECONDS
