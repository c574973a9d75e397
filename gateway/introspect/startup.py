"""At start: a database that doesn't match the schema is not served."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import MetaData

from gateway.introspect.differences import Change, Difference, Kind
from gateway.introspect.drift import drift

_logger = logging.getLogger(__name__)
_CLOSE_SECONDS = 5


class SchemaMismatchError(Exception):
    """The database doesn't match the schema.

    Args:
        differences: each of them.

    """

    def __init__(self, differences: Sequence[Difference]) -> None:
        listed = "".join(f"\n  {difference}" for difference in differences)
        advice = (
            "`rowgate migrate` brings what it made to the schema, `rowgate migrate --sql` shows how; "
            "of what others made let the schema say what it is, or name it with --adopt"
        )
        super().__init__(f"the database doesn't match the schema:{listed}\n{advice}")
        self.differences = tuple(differences)


async def require_match(connect: Callable[[], Awaitable[Any]], metadata: MetaData) -> None:
    """Raise SchemaMismatchError unless the schema's statements fit the database; log what else differs.

    Args:
        connect: opens an asyncpg connection, which is closed again.
        metadata: the schema's tables.

    """
    connection = await connect()
    try:
        found = await drift(connection, metadata)
    finally:
        await connection.close(timeout=_CLOSE_SECONDS)
    for difference in found:
        if not difference.forbids_serving and _matters(difference):
            _logger.warning("schema differs", extra={"difference": str(difference)})
    grave = [difference for difference in found if difference.forbids_serving]
    if grave:
        raise SchemaMismatchError(grave)


def _matters(difference: Difference) -> bool:
    """Return whether it is worth a line in the log: what only the database has is its own affair."""
    return difference.change is not Change.EXTRA and difference.kind is not Kind.COMMENT
