"""The permission of each method: who may call it, as its `allow` says, and a file of policy beside it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gateway.auth.by_principal import ByPrincipal
from gateway.auth.principal import AUTHENTICATED_ROLE, Principal
from gateway.policy.condition import Condition, ConditionError, compile_condition
from gateway.schema.diagnostics import Diagnostic, SchemaError
from gateway.schema.model import Allow, Method, Schema


@dataclass(frozen=True, slots=True)
class Rule:
    """What one place asks of callers.

    Args:
        roles: of which a caller has one; empty where any will do.
        condition: what is true of a caller; None where nothing need be.

    """

    roles: frozenset[str]
    condition: Condition | None = None

    def lets_in(self, principal: Principal) -> bool:
        """Whether a caller is as the place asks."""
        if self.roles and self.roles.isdisjoint(principal.roles):
            return False
        return self.condition is None or self.condition.holds(principal) is True


Rules = Mapping[str, Sequence[Rule]]
"""Rules by the paths of methods."""


class Permission:
    """Says whether a caller may call a method: all rules let it in. They are asked once of each caller.

    Args:
        rules: those of the method; without any nobody may.

    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._allowed = ByPrincipal(self._ask)

    def allows(self, principal: Principal) -> bool:
        """Whether a caller may."""
        return self._allowed[principal]

    def _ask(self, principal: Principal) -> bool:
        return bool(self.rules) and all(rule.lets_in(principal) for rule in self.rules)


def permissions_of(schema: Schema, narrowing: Rules | None = None) -> Mapping[str, Permission]:
    """Return the permissions of the methods that somebody may call, by path.

    Args:
        schema: says who may, in each method's `allow`.
        narrowing: what callers have to be beside; it opens no method that the schema doesn't.

    Raises SchemaError with all conditions that are wrong.

    """
    allowed = {method.path: method.allow for method in methods_of(schema) if method.allow is not None}
    wrong: list[Diagnostic] = []
    rules = {allow: _rule(allow, wrong) for allow in dict.fromkeys(allowed.values())}
    if wrong:
        raise SchemaError(wrong)
    further = narrowing or {}
    known: dict[tuple[Rule, ...], Permission] = {}
    found = {path: (rules[allow], *further.get(path, ())) for path, allow in allowed.items()}
    return {path: known.setdefault(rules, Permission(rules)) for path, rules in found.items()}


def permission_of(roles: Collection[str]) -> Permission:
    """Return the permission of callers of one of some roles; that of nobody for none."""
    return Permission([Rule(frozenset(roles))] if roles else [])


def without_policy(schema: Schema) -> list[str]:
    """Return the full names of the methods of which nothing says who may call them: nobody may."""
    return [method.full_name for method in methods_of(schema) if method.allow is None]


def methods_of(schema: Schema) -> Sequence[Method]:
    """Return the methods of all services."""
    return [method for service in schema.services.values() for method in service.methods]


def _rule(allow: Allow, wrong: list[Diagnostic]) -> Rule:
    """Return an allow's rule: without roles a credential is needed, whatever the condition says."""
    condition = None
    try:
        if allow.condition.strip():
            condition = compile_condition(allow.condition, "allow.condition")
    except ConditionError as error:
        wrong.append(Diagnostic(allow.file, allow.line, allow.where, str(error)))
    return Rule(frozenset(allow.roles or (AUTHENTICATED_ROLE,)), condition)
