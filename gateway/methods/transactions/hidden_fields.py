"""Fields that a step's caller may not read: to its bindings they don't exist."""

from collections.abc import Mapping
from functools import lru_cache

from gateway.methods.engine import Engine
from gateway.policy.columns import has_limits, limits_of
from gateway.schema.model import Method, Resource, StandardMethod

Hidden = Mapping[str, frozenset[str]]
"""The names of hidden fields, by the full names of their messages."""
_CALLERS = 256
"""How many pairs of a method and a caller's roles are remembered."""


class HiddenFields:
    """Tells the hidden fields of methods' requests and responses.

    Args:
        engine: has the methods, and says whether callers are identified.

    """

    def __init__(self, engine: Engine) -> None:
        self._limited: Mapping[str, tuple[Resource, ...]] = {
            name: limited
            for name, method in engine.methods.items()
            if engine.identified and (limited := _limited(method))
        }
        self._of = lru_cache(_CALLERS)(self._found)

    def __call__(self, method: Method, roles: frozenset[str]) -> Hidden:
        """Return those of a method, for a caller of some roles."""
        return self._of(method.full_name, roles) if method.full_name in self._limited else {}

    def _found(self, name: str, roles: frozenset[str]) -> Hidden:
        return {one.message.full_name: limits_of(one, roles).hidden for one in self._limited[name]}


def _limited(method: Method) -> tuple[Resource, ...]:
    if not isinstance(method, StandardMethod):
        return ()
    return tuple(filter(has_limits, (method.resource, *method.related.values())))
