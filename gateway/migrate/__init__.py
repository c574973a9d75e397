"""From model to catalog: revisions and direct upgrades."""

from gateway.migrate.errors import DestructiveChangeError, MigrationError, NotOursError
from gateway.migrate.folder import Folder
from gateway.migrate.lock import Connect, connect_to
from gateway.migrate.lock_waits import LockWaits
from gateway.migrate.preview import Found, differences, preview
from gateway.migrate.revise import revise
from gateway.migrate.steps import Plan, Step
from gateway.migrate.upgrade import upgrade
from gateway.migrate.without_folder import apply

__all__ = [
    "Connect",
    "DestructiveChangeError",
    "Folder",
    "Found",
    "LockWaits",
    "MigrationError",
    "NotOursError",
    "Plan",
    "Step",
    "apply",
    "connect_to",
    "differences",
    "preview",
    "revise",
    "upgrade",
]
