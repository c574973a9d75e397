"""From model to catalog: revisions and direct upgrades."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gateway.migrate.errors import DestructiveChangeError, MigrationError, NotOursError
from gateway.migrate.locks.lock import Connect, connect_to
from gateway.migrate.locks.waits import LockWaits
from gateway.migrate.plan.steps import Plan, Step
from gateway.migrate.preview import Found, differences, preview
from gateway.migrate.privileges import naming_grants
from gateway.migrate.without_folder import apply

if TYPE_CHECKING:
    from gateway.migrate.revisions.baseline import Baseline, baseline
    from gateway.migrate.revisions.folder import Folder
    from gateway.migrate.revisions.revise import revise
    from gateway.migrate.revisions.upgrade import upgrade

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

# Without a folder nothing needs Alembic, and to import it takes a third of the time of `rowgate migrate`.
_OF_FOLDERS = {
    "Baseline": "baseline",
    "Folder": "folder",
    "baseline": "baseline",
    "revise": "revise",
    "upgrade": "upgrade",
}


def __getattr__(name: str) -> Any:
    """Return what migrations folders are used by; raises AttributeError."""
    if name not in _OF_FOLDERS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"gateway.migrate.revisions.{_OF_FOLDERS[name]}"), name)
