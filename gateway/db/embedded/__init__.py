"""PostgreSQL 18 from a wheel, where no server is named."""

from gateway.db.embedded.keeper import Keeper
from gateway.db.embedded.server import EmbeddedPostgres
from gateway.db.embedded.user import EmbeddedPostgresError

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError", "Keeper"]
