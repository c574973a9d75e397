"""Roles, as a matrix has them: one after the other, of callers who have no other."""

from collections.abc import Set as AbstractSet

from gateway.auth.principal import ANONYMOUS_ROLE, AUTHENTICATED_ROLE, with_credential


def with_own(named: AbstractSet[str]) -> list[str]:
    """Return the roles that policies name, behind those of Rowgate's own."""
    return [ANONYMOUS_ROLE, AUTHENTICATED_ROLE, *sorted(named - {ANONYMOUS_ROLE, AUTHENTICATED_ROLE})]


def held_with(role: str) -> frozenset[str]:
    """Return all roles of a caller who is given one."""
    return frozenset({role}) if role == ANONYMOUS_ROLE else with_credential({role})
