"""The key of a caller: what decides which rows and columns are there for it.

An answer that is kept for a request_id, and a stream of Ingest, are of the caller as it was: one whose role
or claims are others by now may not see any more what was answered then.
"""

import json
from collections.abc import Callable, Iterable
from hashlib import sha256

from gateway.auth.principal import Principal
from gateway.db.statements.caller_role import OF_A_TOKEN
from gateway.methods.engine import Engine
from gateway.policy.columns import has_limits, limits_of
from gateway.policy.row_rules import caller_values
from gateway.schema.model import Method, Resource, StandardMethod
from gateway.schema.privileges import WRITES


class CallerKey:
    """Makes the keys of a resource's callers.

    Args:
        resource: as these callers know it.
        engine: the gateway's parts.
        related: those whose rows are answered with its own.

    """

    def __init__(self, resource: Resource, engine: Engine, related: Iterable[Resource] = ()) -> None:
        resources = (resource, *related)
        self._columns = "".join(one.limits_key for one in resources).encode()
        self._rules = [rules for one in resources if (rules := engine.rules_of(one)) is not None]
        self._roles = engine.caller_roles

    def __call__(self, caller: Principal) -> bytes:
        """Return a caller's key; raises PermissionDenied for one who has no role of the database."""
        asked = [repr(sorted(caller_values(rules, caller).items())) for rules in self._rules]
        if self._roles is not None:
            asked.append(self._roles.rights(caller))
        return self._columns + (sha256("\n".join(asked).encode()).digest() if asked else b"")


class StepKeys:
    """Makes the keys of callers for a list of methods, whose calls are steps of one: what all of them ask."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made: dict[str, Callable[[Principal], bytes]] = {}

    def __call__(self, methods: Iterable[Method], caller: Principal) -> bytes:
        """Return a caller's key; raises PermissionDenied for one who has no role of the database."""
        distinct = {method.full_name: method for method in methods}
        keys = (self._of(distinct[name])(caller) for name in sorted(distinct))
        return sha256(b"".join(sha256(key).digest() for key in keys)).digest()

    def _of(self, method: Method) -> Callable[[Principal], bytes]:
        made = self._made.get(method.full_name)
        if made is None:
            made = self._made[method.full_name] = self._make(method)
        return made

    def _make(self, method: Method) -> Callable[[Principal], bytes]:
        if not isinstance(method, StandardMethod) or method.full_name in self._engine.authored:
            return _whole_key
        # What a step reads is kept, too, with the rows of its relations.
        resources = (method.resource, *method.related.values())
        of_rows = CallerKey(method.resource, self._engine, method.related.values())
        if not (self._engine.identified and any(map(has_limits, resources))):
            return of_rows
        return lambda caller: _columns_key(resources, caller) + of_rows(caller)


def _columns_key(resources: Iterable[Resource], caller: Principal) -> bytes:
    """Return what tells which columns are there for a caller."""
    return repr([limits_of(one, caller.roles).cache_key for one in resources]).encode()


def caller_key_of(method: Method, engine: Engine) -> Callable[[Principal], bytes]:
    """Return what makes the keys of a method's callers: of what its resource asks of them, else of all."""
    if isinstance(method, StandardMethod):
        return CallerKey(method.resource, engine, method.related.values() if method.kind in WRITES else ())
    return _whole_key


def _whole_key(caller: Principal) -> bytes:
    """Return the key of all that a credential says: a method without a resource may ask anything of it."""
    claims = {name: value for name, value in caller.claims.items() if name not in OF_A_TOKEN}
    said = [sorted(caller.roles), claims]
    # Not orjson, for which whole numbers end at 64 bits: those of claims don't.
    return sha256(json.dumps(said, sort_keys=True, default=repr).encode()).digest()
