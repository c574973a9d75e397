"""The permission of each method: who may call it, as its `allow` says."""

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from gateway.auth.principal import AUTHENTICATED_ROLE, Principal
from gateway.policy.condition import Condition, ConditionError, compile_condition
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Allow, Method, Schema


class Permission:
    """Says whether a caller may call a method.

    Where roles aren't named, a credential is needed: who has none is let in by the role `anonymous` alone.
    A condition is asked once of each caller.

    Args:
        roles: of which a caller needs one.
        condition: what must be true of it, too.

    """

    def __init__(self, roles: frozenset[str], condition: Condition | None = None) -> None:
        self._roles = roles or frozenset({AUTHENTICATED_ROLE})
        self._condition = condition
        self._known: WeakKeyDictionary[Principal, bool] = WeakKeyDictionary()

    def allows(self, principal: Principal) -> bool:
        """Whether a caller may."""
        if self._roles.isdisjoint(principal.roles):
            return False
        return self._condition is None or self._meets(principal, self._condition)

    def _meets(self, principal: Principal, condition: Condition) -> bool:
        known = self._known.get(principal)
        if known is None:
            known = self._known[principal] = condition.holds(principal) is True
        return known


def permissions_of(schema: Schema) -> Mapping[str, Permission]:
    """Return the permissions of the methods that somebody may call, by path.

    Raises SchemaError with all conditions that are wrong.
    """
    allowed = {method.path: method.allow for method in _methods(schema) if method.allow is not None}
    wrong: list[Diagnostic] = []
    known = {allow: _permission(allow, wrong) for allow in dict.fromkeys(allowed.values())}
    if wrong:
        raise SchemaError(wrong)
    return {path: known[allow] for path, allow in allowed.items()}


def without_policy(schema: Schema) -> list[str]:
    """Return the full names of the methods of which nothing says who may call them: nobody may."""
    return [method.full_name for method in _methods(schema) if method.allow is None]


def _methods(schema: Schema) -> list[Method]:
    return [method for service in schema.services.values() for method in service.methods]


def _permission(allow: Allow, wrong: list[Diagnostic]) -> Permission:
    condition = None
    try:
        if allow.condition.strip():
            condition = compile_condition(allow.condition, "allow.condition")
    except ConditionError as error:
        wrong.append(Diagnostic(allow.file, allow.line, allow.where, str(error)))
    return Permission(frozenset(allow.roles), condition)
