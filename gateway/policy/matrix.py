"""The matrix of roles and methods: what a caller of each role may call, as text and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.policy.permissions import Permission, methods_of
from gateway.policy.roles import held_with, with_own
from gateway.policy.table_matrix import aligned
from gateway.schema.model import Schema

YES, IF, NO = "yes", "if", "no"
_BEHIND = "condition"


@dataclass(frozen=True, slots=True)
class MethodRow:
    """Who may call one method.

    Args:
        method: its full name.
        roles: YES, NO, or IF: where the conditions are true; by role, of a caller who has no other.
        conditions: what must all be true of a caller.
        has_policy: whether anything says who may call it.

    """

    method: str
    roles: Mapping[str, str]
    conditions: Sequence[str]
    has_policy: bool


def matrix_of(schema: Schema, permissions: Mapping[str, Permission]) -> Sequence[MethodRow]:
    """Return who may call each method."""
    roles = _roles(permissions)
    return [_row(method.full_name, permissions.get(method.path), roles) for method in methods_of(schema)]


def as_json(rows: Sequence[MethodRow]) -> dict[str, Any]:
    """Return the matrix as JSON has it."""
    methods = [
        {"method": row.method, "roles": dict(row.roles), "conditions": list(row.conditions)} for row in rows
    ]
    return {"methods": methods, "without_policy": [row.method for row in rows if not row.has_policy]}


def as_lines(rows: Sequence[MethodRow]) -> list[str]:
    """Return the matrix as a table."""
    roles = list(rows[0].roles) if rows else []
    return aligned([["method", *roles, _BEHIND], *(_cells(row) for row in rows)])


def _cells(row: MethodRow) -> list[str]:
    said = (
        " AND ".join(f"({one})" for one in row.conditions)
        if len(row.conditions) > 1
        else "".join(row.conditions)
    )
    return [row.method, *row.roles.values(), said if row.has_policy else "nobody: no allow"]


def _roles(permissions: Mapping[str, Permission]) -> list[str]:
    """Return all roles that policies name, Rowgate's own first."""
    named = {role for permission in permissions.values() for rule in permission.rules for role in rule.roles}
    return with_own(named)


def _row(method: str, permission: Permission | None, roles: Sequence[str]) -> MethodRow:
    if permission is None:
        return MethodRow(method, dict.fromkeys(roles, NO), (), has_policy=False)
    conditions = tuple(rule.condition.text for rule in permission.rules if rule.condition is not None)
    return MethodRow(method, {role: _answer(permission, role) for role in roles}, conditions, has_policy=True)


def _answer(permission: Permission, role: str) -> str:
    held = held_with(role)
    if any(rule.roles and rule.roles.isdisjoint(held) for rule in permission.rules):
        return NO
    return IF if any(rule.condition for rule in permission.rules) else YES
