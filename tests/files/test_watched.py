"""Files that are watched: what changes is taken up, and what can't be read ends neither watch nor process."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.files import watched
from gateway.files.watched import WatchedFiles
from tests.harness.polling import next_poll

if TYPE_CHECKING:
    from collections.abc import Callable

# A thread of asyncio's own would be joined when the process ends.
_HANGING = """
import asyncio, threading
from pathlib import Path
from gateway.files import watched

async def main():
    watched.READ_SECONDS = 0.05
    files = watched.WatchedFiles([Path("none")], threading.Event().wait, print, print)
    await files.look()
    files.start()
    await files.stop()

asyncio.run(main())
"""


class Watch:
    """Watches a file, looking when it is told to, and notes what comes of that."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.values: list[str] = []
        self.errors: list[str] = []
        self.read: Callable[[], str] = path.read_text
        self.files = WatchedFiles(
            (path,),
            self._read,
            self.values.append,
            lambda error: self.errors.append(type(error).__name__),
        )

    def _read(self) -> str:
        return self.read()


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    path = tmp_path / "file"
    path.write_text("first")
    return Watch(path)


async def test_what_has_changed_is_taken_up_once(watch: Watch) -> None:
    assert await watch.files.load() == "first"
    await watch.files.look()
    watch.path.write_text("second")
    await watch.files.look()
    await watch.files.look()
    assert (watch.values, watch.errors) == (["second"], [])


async def test_what_can_not_be_read_is_told_once_and_read_again_though_it_has_not_changed(
    watch: Watch,
) -> None:
    def failing() -> str:
        raise PermissionError

    await watch.files.load()
    watch.path.write_text("second")
    watch.read = failing
    for _ in range(3):
        await watch.files.look()
    assert (watch.values, watch.errors) == ([], ["PermissionError"])
    watch.read = watch.path.read_text
    await watch.files.look()
    assert watch.values == ["second"]


async def test_what_is_wrong_is_told_once_for_each_change(watch: Watch) -> None:
    read = 0

    def wrong() -> str:
        nonlocal read
        read += 1
        raise ValueError

    await watch.files.load()
    watch.read = wrong
    for text in ("wrong", "wrong too"):
        watch.path.write_text(text)
        for _ in range(3):
            await watch.files.look()
    assert (watch.errors, read) == (["ValueError", "ValueError"], 2)


async def test_reads_that_do_not_return_are_told_bounded_and_not_waited_for(
    watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, begun = threading.Event(), 0

    def hanging() -> str:
        nonlocal begun
        begun += 1
        goes_on.wait()
        return "late"

    await watch.files.load()
    watch.path.write_text("second")
    watch.read = hanging
    monkeypatch.setattr(watched, "READ_SECONDS", 0.01)
    monkeypatch.setattr(watched, "MOST_STUCK", 3)
    for _ in range(2):
        await watch.files.look()
    assert (watch.errors, begun) == (["TimeoutError"], 2)
    # The file may be elsewhere now: who hangs has nobody wait.
    watch.read = watch.path.read_text
    monkeypatch.setattr(watched, "READ_SECONDS", 60)
    await watch.files.look()
    assert watch.values == ["second"]
    watch.path.write_text("the third")
    watch.read = hanging
    monkeypatch.setattr(watched, "READ_SECONDS", 0.01)
    for _ in range(5):
        await watch.files.look()
    assert (watch.errors, begun) == (["TimeoutError"] * 2, 3)
    goes_on.set()
    watch.read = watch.path.read_text
    while watch.values != ["second", "the third"]:
        await next_poll()
        await watch.files.look()


async def test_the_event_loop_goes_on_beside_a_read(watch: Watch) -> None:
    goes_on = threading.Event()

    def hanging() -> str:
        goes_on.wait()
        return "read"

    watch.read = hanging
    loading = asyncio.ensure_future(watch.files.load())
    await asyncio.sleep(0)
    goes_on.set()
    assert await loading == "read"


def test_a_process_ends_beside_a_read_that_does_not_return() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _HANGING], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "isn't read within 0.05 s\n"
