"""Files that are watched: each that was saved is told, and no others."""

import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis.strategies as st
from hypothesis import given, settings

from gateway.cli.serving.saved_files import SavedFiles
from gateway.config.load import Loaded, settings_of

WATCHED = ("rowgate.toml", "protos/a.proto", "protos/b.proto", "protos/deep/er/c.proto")
OTHERS = (
    "protos/a.txt",
    "protos/a.proto~",
    "protos/.proto",
    "protos/.cache/d.proto",
    "e.proto",
    "pyproject.toml",
)
LAST = "protos/last.proto"
Act = tuple[Callable[["Saver", str], None], str]


class Saver:
    """Saves files in the ways that programs have, none twice with as many bytes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bytes = 0

    def write(self, name: str) -> None:
        """Write a file in its place."""
        self._path(name).write_bytes(self._new())

    def replace(self, name: str) -> None:
        """Write a file beside its place, and move it there."""
        beside = self._path(f"{name}.new")
        beside.write_bytes(self._new())
        beside.rename(self._path(name))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        self._path(name).unlink(missing_ok=True)

    def remove_folder(self, name: str) -> None:
        """Remove the folder that a file is in, unless it is the outermost."""
        if self._path(name).parent != self._folder:
            shutil.rmtree(self._path(name).parent)

    def read(self, name: str) -> None:
        """Read a file, if it is there, and change its rights."""
        if self._path(name).exists():
            self._path(name).read_bytes()
            self._path(name).chmod(0o640)

    def state(self) -> dict[str, bytes]:
        """Return what the watched files hold."""
        paths = {name: self._folder / name for name in (*WATCHED, LAST)}
        return {name: path.read_bytes() for name, path in paths.items() if path.exists()}

    def _path(self, name: str) -> Path:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _new(self) -> bytes:
        self._bytes += 1
        return b"x" * self._bytes


WAYS = (Saver.write, Saver.replace, Saver.remove, Saver.remove_folder, Saver.read)
ACTS = st.lists(st.tuples(st.sampled_from(WAYS), st.sampled_from((*WATCHED, *OTHERS))), max_size=6)


@settings(max_examples=50, deadline=None)
@given(before=ACTS, rounds=st.lists(ACTS, min_size=1, max_size=3))
async def test_each_file_that_was_saved_is_told_and_no_other(
    before: list[Act], rounds: list[list[Act]]
) -> None:
    with TemporaryDirectory() as name:
        folder, saver = Path(name), Saver(Path(name))
        for act, path in before:
            act(saver, path)
        loaded = Loaded(settings_of(protos=folder / "protos"), {}, folder / "rowgate.toml")
        files = SavedFiles(loaded, interval=0)
        for acts in rounds:
            seen = saver.state()
            for act, path in acts:
                act(saver, path)
            saver.write(LAST)
            now = saver.state()
            wanted = {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}
            assert {str(path.relative_to(folder)) for path in await files.saved()} == wanted


async def test_the_files_that_the_settings_name_next_are_watched_from_then_on(tmp_path: Path) -> None:
    saver, config = Saver(tmp_path), tmp_path / "rowgate.toml"
    for name in ("protos/a.proto", "set.binpb"):
        saver.write(name)
    files = SavedFiles(Loaded(settings_of(protos=tmp_path / "protos"), {}, config), interval=0)
    files.follow(Loaded(settings_of(descriptor_set=tmp_path / "set.binpb"), {}, config))
    for name in ("protos/a.proto", "set.binpb", "rowgate.toml"):
        saver.write(name)
    assert await files.saved() == [config, tmp_path / "set.binpb"]
