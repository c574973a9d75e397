"""The key of a caller: what decides which rows and columns are there for it.

An answer that is kept for a request_id, and a stream of Ingest, are of the caller as it was: one whose role
or claims are others by now may not see any more what was answered then.
"""

from hashlib import sha256

from gateway.auth.principal import Principal
from gateway.methods.engine import Engine
from gateway.policy.row_rules import caller_values
from gateway.schema.model import Resource


class CallerKey:
    """Makes the keys of a resource's callers.

    Args:
        resource: as these callers know it.
        engine: the gateway's parts.

    """

    def __init__(self, resource: Resource, engine: Engine) -> None:
        self._columns = resource.limits_key.encode()
        self._rules = engine.rules_of(resource)
        self._roles = engine.caller_roles

    def __call__(self, caller: Principal) -> bytes:
        """Return a caller's key; raises PermissionDenied for one who has no role of the database."""
        asked = [repr(sorted(caller_values(self._rules, caller).items()))] if self._rules is not None else []
        if self._roles is not None:
            asked.append(self._roles.rights(caller))
        return self._columns + (sha256("\n".join(asked).encode()).digest() if asked else b"")
