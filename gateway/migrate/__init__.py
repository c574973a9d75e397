"""From model to catalog: revisions and direct upgrades."""

from gateway.migrate.direct import apply
from gateway.migrate.errors import DestructiveChangeError, MigrationError
from gateway.migrate.lock import Connect, connect_to
from gateway.migrate.steps import Step

__all__ = ["Connect", "DestructiveChangeError", "MigrationError", "Step", "apply", "connect_to"]
