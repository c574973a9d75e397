"""Whether the connections of all gateways fit what PostgreSQL takes, told at start where they don't.

Else one gateway after the other starts well, and calls fail once all are busy. How many gateways there are is
the operator's to say: those that start later, or have opened only a part of their pools, can't be seen.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.config.settings import Settings
from gateway.db.database import Database
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

_logger = logging.getLogger(__name__)
_NO_LIMIT = -1

# Limits of roles and databases don't hold for superusers, who have the reserved connections, too.
_LIMITS = Statement(
    """
    SELECT current_setting('max_connections')::int,
           CASE WHEN r.rolsuper THEN 0 ELSE current_setting('superuser_reserved_connections')::int END
           + CASE WHEN r.rolsuper OR coalesce(pg_has_role(r.oid, reserve.oid, 'USAGE'), false) THEN 0
             ELSE coalesce(current_setting('reserved_connections', true)::int, 0) END,
           CASE WHEN r.rolsuper THEN -1 ELSE d.datconnlimit END,
           CASE WHEN r.rolsuper THEN -1 ELSE r.rolconnlimit END
    FROM pg_catalog.pg_database AS d, pg_catalog.pg_roles AS r
    LEFT JOIN pg_catalog.pg_roles AS reserve ON reserve.rolname = 'pg_use_reserved_connections'
    WHERE d.datname = current_database() AND r.rolname = session_user
    """,
    binds=(),
    fields=(),
    writes=False,
    name="connection limits",
    constants={},
)


@dataclass(frozen=True, slots=True)
class _Limits:
    """As _LIMITS's columns say; of a database and a role -1 is none."""

    max_connections: int
    reserved: int
    database: int
    role: int

    def all(self) -> Iterator[tuple[int, str]]:
        """Yield how many connections each limit leaves to the gateways, and what sets it."""
        reserved = f" less {self.reserved} that are reserved" if self.reserved else ""
        yield self.max_connections - self.reserved, f"max_connections{reserved}"
        yield self.database, "the database's CONNECTION LIMIT"
        yield self.role, "the role's CONNECTION LIMIT"


async def warn_of_too_many_connections(database: Database, settings: Settings, call: Call) -> None:
    """Write a line of the log where all gateways together may open more connections than the database takes.

    Of a server's workers the first one does, for all.
    """
    gateways, share = settings.database.gateways, settings.share
    if not gateways or share.worker:
        return
    pool_size = share.pool_size or settings.database.pool_size
    # Each process compares schema and database over a connection of its own, now and then.
    needed = gateways * (pool_size + share.workers)
    (row,) = await database.fetch(_LIMITS, (), call)
    allowed, limit = min(one for one in _Limits(*row).all() if one[0] != _NO_LIMIT)
    if needed <= allowed:
        return
    facts = {"gateways": gateways, "pool_size": pool_size, "connections": needed, "allowed": allowed}
    advice = "lower pool_size or the number of gateways, raise the limit, or put a pooler between"
    _logger.warning(
        "all gateways together may open more connections than the database takes",
        extra={**facts, "limit": limit, "advice": advice},
    )
