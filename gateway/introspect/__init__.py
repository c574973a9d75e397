"""From catalog to model: what the database really holds, and where it drifts."""

from gateway.introspect.drift.differences import Change, Difference, Kind
from gateway.introspect.drift.find_drift import ModelRefusedError, Sides, drift, read_sides
from gateway.introspect.drift.watch import DriftWatch, comparing, tables_of_services
from gateway.introspect.startup.audit_table import AuditUnavailableError, require_audit
from gateway.introspect.startup.connection_room import warn_of_too_many_connections
from gateway.introspect.startup.database_roles import PoliciesBypassedError, require_policies_hold
from gateway.introspect.startup.grants import LackedPrivilegeError, warn_of_missing_grants
from gateway.introspect.startup.heard_warnings import WarningsUnheardError, require_warnings
from gateway.introspect.startup.own_tables import has_own_tables
from gateway.introspect.startup.startup_check import SchemaMismatchError, require_match
from gateway.introspect.startup.unserved_rules import tell_unserved_rules
from gateway.introspect.startup.withheld_columns import withheld_columns
from gateway.introspect.tables.model_tables import is_audited

__all__ = [
    "AuditUnavailableError",
    "Change",
    "Difference",
    "DriftWatch",
    "Kind",
    "LackedPrivilegeError",
    "ModelRefusedError",
    "PoliciesBypassedError",
    "SchemaMismatchError",
    "Sides",
    "WarningsUnheardError",
    "comparing",
    "drift",
    "has_own_tables",
    "is_audited",
    "read_sides",
    "require_audit",
    "require_match",
    "require_policies_hold",
    "require_warnings",
    "tables_of_services",
    "tell_unserved_rules",
    "warn_of_missing_grants",
    "warn_of_too_many_connections",
    "withheld_columns",
]
