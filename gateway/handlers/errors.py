"""Errors of handlers: what is wrong with their files at the start, each with its place."""

from collections.abc import Iterable
from typing import Any

from gateway.schema.diagnostics import Diagnostic


class HandlersError(Exception):
    """Handlers that can't be served. Holds every diagnostic, sorted by place."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(sorted(set(diagnostics)))
        super().__init__("\n\n".join(map(str, self.diagnostics)))


def wrong_at(code: Any, where: str, wrong: str, right: str = "") -> Diagnostic:
    """Return a diagnostic of a function or a class."""
    return Diagnostic(*place_of(code), where, wrong, right)


def place_of(code: Any) -> tuple[str, int]:
    """Return where a function stands, or a class by its first function; no line where that isn't known."""
    if isinstance(code, type):
        code = next((one for one in vars(code).values() if hasattr(one, "__code__")), None)
    compiled = getattr(code, "__code__", None)
    return ("", 0) if compiled is None else (compiled.co_filename, compiled.co_firstlineno)
