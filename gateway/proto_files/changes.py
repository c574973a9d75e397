"""Changes of files: shown as a diff, and written all together."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after; an empty text stands for none."""

    path: str
    before: str
    after: str

    def __str__(self) -> str:
        verb = "wrote" if self.after else "removed"
        return f"{verb} {self.path}"

    def difference(self) -> str:
        """Return the unified diff."""
        sides = (self.before.splitlines(keepends=True), self.after.splitlines(keepends=True))
        names = (self.path if self.before else "/dev/null", self.path if self.after else "/dev/null")
        return "".join(difflib.unified_diff(*sides, *names))


def write(folder: Path, found: Sequence[Change]) -> None:
    """Make the changes: first all texts are written beside their files, then each takes its place."""
    written = [(_beside(folder / one.path, one.after), folder / one.path) for one in found if one.after]
    for scratch, path in written:
        scratch.replace(path)
    for one in found:
        if not one.after:
            (folder / one.path).unlink()


def _beside(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(text, encoding="utf-8")
    return scratch
