"""The error of wrong settings: all of them at once, each with its key and its place."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class ConfigDiagnostic:
    """One wrong setting.

    Args:
        key: `section.name`, or the name that is unknown.
        source: file and line, variable or flag.
        wrong: what is wrong, with the value unless it is a secret.
        allowed: what would be right.

    """

    key: str
    source: str
    wrong: str
    allowed: str = ""

    def __str__(self) -> str:
        return f"{self.key} ({self.source}): {self.wrong}" + (f"; {self.allowed}" if self.allowed else "")


class ConfigError(Exception):
    """Settings that can't be used. Holds every diagnostic."""

    def __init__(self, diagnostics: Iterable[ConfigDiagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))
