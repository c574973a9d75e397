"""Callers for the tests of policy."""

from typing import Any

from gateway.auth.principal import AUTHENTICATED_ROLE, Principal


def caller(*roles: str, **claims: Any) -> Principal:
    """Return ann, of these roles and claims, who has brought a token."""
    return Principal("ann", "jwt", frozenset({AUTHENTICATED_ROLE, *roles}), claims)
