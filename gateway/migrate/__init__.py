"""From model to catalog: revisions and direct upgrades."""

from gateway.migrate.errors import DestructiveChangeError, MigrationError, NotOursError
from gateway.migrate.locks.lock import Connect, connect_to
from gateway.migrate.locks.waits import LockWaits
from gateway.migrate.plan.steps import Plan, Step
from gateway.migrate.preview import Found, differences, preview
from gateway.migrate.privileges import naming_grants
from gateway.migrate.revisions.baseline import Baseline, baseline
from gateway.migrate.revisions.folder import Folder
from gateway.migrate.revisions.revise import revise
from gateway.migrate.revisions.upgrade import upgrade
from gateway.migrate.without_folder import apply

__all__ = [
    "Baseline",
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
    "baseline",
    "connect_to",
    "differences",
    "naming_grants",
    "preview",
    "revise",
    "upgrade",
]
