"""A file that is read anew where it has changed, off the way of the calls."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.background_task import BackgroundTask

_SECONDS = 1.0

_Stamp = tuple[int, int, int] | None


class WatchedFile:
    """Looks at a file about once a second.

    Args:
        path: the file.
        changed: called when it has changed, or gone.

    """

    def __init__(self, path: Path, changed: Callable[[], Awaitable[None]]) -> None:
        self._path = path
        self._changed = changed
        self._stamp = _stamp(path)
        self._watching = BackgroundTask(f"watch of {path.name}")

    def start(self) -> None:
        """Watch from now on; what has changed since this was made is told."""
        self._watching.start(self._watch())

    async def stop(self) -> None:
        """Watch no more."""
        await self._watching.stop()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_SECONDS)
            stamp = await asyncio.to_thread(_stamp, self._path)
            if stamp != self._stamp:
                # Noted before it is read: what changes meanwhile is seen the next time.
                self._stamp = stamp
                await self._changed()


def _stamp(path: Path) -> _Stamp:
    """Return what differs when a file is written anew, or another takes its place; None where it is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
