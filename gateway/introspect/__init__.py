"""From catalog to model: what the database really holds, and where it drifts."""

from gateway.introspect.differences import Change, Difference, Kind
from gateway.introspect.drift import ModelRefusedError, Sides, drift, read_sides
from gateway.introspect.grants import LackedPrivilegeError, warn_of_missing_grants
from gateway.introspect.own_tables import has_own_tables
from gateway.introspect.startup_check import SchemaMismatchError, require_match

__all__ = [
    "Change",
    "Difference",
    "Kind",
    "LackedPrivilegeError",
    "ModelRefusedError",
    "SchemaMismatchError",
    "Sides",
    "drift",
    "has_own_tables",
    "read_sides",
    "require_match",
    "warn_of_missing_grants",
]
