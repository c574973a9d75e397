"""A pooler in the way: PgBouncer and its like may give each transaction of a connection another server."""

import logging
from typing import Any

_logger = logging.getLogger(__name__)
REFUSED = "08P01"
ADVICE = (
    "; a pooler may refuse start-up parameters: set statement_timeout, lock_timeout and "
    "idle_in_transaction_timeout to 0"
)


async def warn_of_pooler(connection: Any) -> None:
    """Warn where statements that are kept on this connection may be run on a server that has others.

    The process that a pooler names when it takes a connection is of its own making, so it differs from the
    one that answers.
    """
    async with connection.transaction():
        answering = await connection.fetchval("SELECT pg_backend_pid()")
    if answering != connection.get_server_pid():
        _logger.warning(
            "a pooler stands before the database: set database.statement_cache_size to 0, unless it pools "
            "whole sessions or keeps prepared statements (PgBouncer 1.21's max_prepared_statements)"
        )
