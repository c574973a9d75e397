"""The files of a pull: what of the folder changes."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.proto_files.changes import Change
from gateway.pull.choices import FILE, read_choices
from gateway.pull.earlier.committed import is_pulled, text_of
from gateway.pull.protos import Pulled
from gateway.schema.protos.sources import proto_files


def changes(folder: Path, pulled: Pulled) -> Sequence[Change]:
    """Return what of the folder changes, by path; raises FileExistsError for a file that no pull wrote."""
    return [change for change in _compared(folder, pulled) if change.before != change.after]


def _compared(folder: Path, pulled: Pulled) -> Iterator[Change]:
    own = [path for path in proto_files(folder) if is_pulled(text_of(path))]
    for path in own:
        name = path.relative_to(folder).as_posix()
        if name not in pulled.files:
            yield Change(name, text_of(path), "")
    for name, text in sorted(pulled.files.items()):
        path = folder / name
        if path.exists() and path not in own:
            raise FileExistsError(f"{path} was not written by `rowgate pull`: move it, or exclude its table")
        yield Change(name, text_of(path) if path.exists() else "", text)
    settings = folder / FILE
    if not settings.exists() or read_choices(folder, {}) != pulled.choices:
        yield Change(FILE, text_of(settings) if settings.exists() else "", pulled.choices.text())
