"""Hooks: functions that see the calls of a method before or after the gateway."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Awaitable[Any]])
_HOOKS = "__rowgate_hooks__"


class When(Enum):
    """When a hook is called; values are the names of the decorators."""

    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Hook:
    """What a decorator says of a function.

    Args:
        when: it is called.
        method: whose calls it sees, `package.Service/Method`.

    """

    when: When
    method: str


def before(method: str) -> Callable[[F], F]:
    """Have a function see the requests of a method before they are carried out.

    It is `async def hook(request, context)`. It may change the request, or return another one; what it raises
    refuses the call. It is called again where a client sends a request again.

    Args:
        method: `package.Service/Method`, one that takes a single request.

    """
    return _hook(When.BEFORE, method)


def after(method: str) -> Callable[[F], F]:
    """Have a function see the responses of a method, and the requests that were carried out.

    It is `async def hook(request, response, context)`. Of a method that writes it is called within the
    transaction of the write, which `context.rowgate` is part of: what it raises undoes all. It is called
    again where the transaction is tried again, and not for a `request_id` that was answered before.

    Args:
        method: `package.Service/Method`, a unary one.

    """
    return _hook(When.AFTER, method)


def hooks_of(function: Any) -> tuple[Hook, ...]:
    """Return what decorators have said of a function."""
    found: tuple[Hook, ...] = getattr(function, _HOOKS, ())
    return found


def _hook(when: When, method: str) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        setattr(function, _HOOKS, (*hooks_of(function), Hook(when, method)))
        return function

    return decorate
