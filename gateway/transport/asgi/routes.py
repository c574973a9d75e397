"""Which mounted handler answers a path."""

from collections.abc import Mapping, Sequence
from typing import Any

import grpc

from gateway.transport.asgi.calls import Run, runner

_UNKNOWN_PATHS = 1024

Route = tuple[Run, Any]
"""What runs a call, and the handler it belongs to."""


class _Details:
    """A grpc.HandlerCallDetails: which method is called, with what metadata."""

    __slots__ = ("invocation_metadata", "method")

    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata: tuple[()] = ()


class Routes:
    """The mounted handlers; what was looked for is remembered."""

    def __init__(self) -> None:
        self._generic: list[grpc.GenericRpcHandler] = []
        self._registered: dict[str, Any] = {}
        self._found: dict[str, Route | None] = {}

    def add(self, handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        """Mount handlers that know their paths."""
        self._generic += handlers
        self._found.clear()

    def register(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Mount a service's handlers by method."""
        for name, handler in handlers.items():
            self._registered[f"/{service}/{name}"] = handler
        self._found.clear()

    def find(self, path: str) -> Route | None:
        """Return the path's route; None where nobody answers it."""
        if path not in self._found:
            if len(self._found) > _UNKNOWN_PATHS:
                self._found.clear()
            handler = self._handler(path)
            self._found[path] = None if handler is None else (runner(handler), handler)
        return self._found[path]

    def _handler(self, path: str) -> Any:
        if path in self._registered:
            return self._registered[path]
        details: Any = _Details(path)
        found = (generic.service(details) for generic in self._generic)
        return next((handler for handler in found if handler is not None), None)
