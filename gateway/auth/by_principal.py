"""What is found out of each principal once, and kept for its further calls."""

from collections.abc import Callable
from typing import TypeVar

from gateway.auth.principal import Principal

_Value = TypeVar("_Value")

MAX_PRINCIPALS = 8192
"""How many have something kept; then all are forgotten. Tokens come and go, and each makes a principal."""


class ByPrincipal(dict[Principal, _Value]):
    """Values by principals: an item that isn't there is made when it is asked for.

    Args:
        make: makes a principal's.

    """

    def __init__(self, make: Callable[[Principal], _Value]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, principal: Principal) -> _Value:
        if len(self) >= MAX_PRINCIPALS:
            self.clear()
        value = self[principal] = self._make(principal)
        return value
