"""The context of one filter's checks: its text, for errors, and the values of its binds."""

from typing import Any

from gateway.errors import InvalidArgument
from gateway.request.filter.errors import filter_error


class Context:
    """One filter under check."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._values: list[Any] = []
        self.hops = 0
        """How many relations were gone through so far."""

    def bind(self, value: Any) -> int:
        """Take a driver value; return the number of its bind."""
        self._values.append(value)
        return len(self._values) - 1

    def values(self) -> tuple[Any, ...]:
        """Return the values taken, in order."""
        return tuple(self._values)

    def error(self, offset: int, expected: str) -> InvalidArgument:
        """Return the error at a place of the filter."""
        return filter_error(self._text, offset, expected)
