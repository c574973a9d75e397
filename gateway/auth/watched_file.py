"""A file that is read anew where it has changed, off the way of the calls."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.background_task import BackgroundTask
from gateway.file_stamp import file_stamp

_SECONDS = 1.0


class WatchedFile:
    """Looks at a file about once a second.

    Args:
        path: the file.
        changed: called when it has changed, or gone.

    """

    def __init__(self, path: Path, changed: Callable[[], Awaitable[None]]) -> None:
        self._path = path
        self._changed = changed
        self._stamp = file_stamp(path)
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
            stamp = await asyncio.to_thread(file_stamp, self._path)
            if stamp != self._stamp:
                # Noted before it is read: what changes meanwhile is seen the next time.
                self._stamp = stamp
                await self._changed()
