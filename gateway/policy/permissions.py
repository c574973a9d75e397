"""The permission of each method: who may call it, as its `allow` says."""

from collections.abc import Mapping

from gateway.auth.principal import AUTHENTICATED_ROLE, Principal
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Allow, Method, Schema


class Permission:
    """Says whether a caller may call a method.

    Where roles aren't named, a credential is needed: who has none is let in by the role `anonymous` alone.

    Args:
        allow: who may.

    """

    def __init__(self, allow: Allow) -> None:
        self._roles = frozenset(allow.roles or (AUTHENTICATED_ROLE,))

    def allows(self, principal: Principal) -> bool:
        """Whether a caller may."""
        return not self._roles.isdisjoint(principal.roles)


def permissions_of(schema: Schema) -> Mapping[str, Permission]:
    """Return the permissions of the methods that somebody may call, by path; raises SchemaError."""
    allowed = {method.path: method.allow for method in _methods(schema) if method.allow is not None}
    known = {allow: Permission(allow) for allow in dict.fromkeys(allowed.values())}
    wrong = [_unknown(allow) for allow in known if allow.condition]
    if wrong:
        raise SchemaError(wrong)
    return {path: known[allow] for path, allow in allowed.items()}


def without_policy(schema: Schema) -> list[str]:
    """Return the full names of the methods of which nothing says who may call them: nobody may."""
    return [method.full_name for method in _methods(schema) if method.allow is None]


def _methods(schema: Schema) -> list[Method]:
    return [method for service in schema.services.values() for method in service.methods]


def _unknown(allow: Allow) -> Diagnostic:
    wrong = "allow: conditions aren't known yet"
    return Diagnostic(allow.file, allow.line, allow.where, wrong, "name roles")
