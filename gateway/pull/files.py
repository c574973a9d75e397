"""The files of a pull: what of the folder changes, and the writing of it."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.pull.choices import FILE, read_choices
from gateway.pull.committed import is_pulled, proto_files
from gateway.pull.protos import Pulled


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


def changes(folder: Path, pulled: Pulled) -> Sequence[Change]:
    """Return what of the folder changes, by path; raises FileExistsError for a file that no pull wrote."""
    return [change for change in _compared(folder, pulled) if change.before != change.after]


def _compared(folder: Path, pulled: Pulled) -> Iterator[Change]:
    own = [path for path in proto_files(folder) if is_pulled(path)]
    for path in own:
        name = path.relative_to(folder).as_posix()
        if name not in pulled.files:
            yield Change(name, path.read_text(encoding="utf-8"), "")
    for name, text in sorted(pulled.files.items()):
        path = folder / name
        if path.exists() and path not in own:
            raise FileExistsError(f"{path} was not written by `rowgate pull`: move it, or exclude its table")
        yield Change(name, path.read_text(encoding="utf-8") if path.exists() else "", text)
    settings = folder / FILE
    if not settings.exists() or read_choices(folder, {}) != pulled.choices:
        yield Change(
            FILE, settings.read_text(encoding="utf-8") if settings.exists() else "", pulled.choices.text()
        )


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
