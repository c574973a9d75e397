"""Options of a request that are enums: proto3 lets any number through."""

from typing import Any

from gateway.errors import InvalidArgument


def known_value(enum: Any, number: int, path: str) -> int:
    """Return the number if the generated `enum` has it; raises InvalidArgument naming `path` otherwise."""
    if number in enum.values():
        return number
    allowed = ", ".join(enum.keys())
    raise InvalidArgument.field(path, f"has no number {number}: use {allowed}", reason="UNKNOWN_ENUM_VALUE")
