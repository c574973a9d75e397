"""Files that are read anew where they have changed, off the event loop and off the way of the calls."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

from gateway.background_task import BackgroundTask
from gateway.files.daemon_thread import in_daemon_thread
from gateway.files.stamp import FileStamp, file_stamp

_Value = TypeVar("_Value")
_Stamps = Sequence[FileStamp | None]
_LOOK_SECONDS, _MAX_LOOK_SECONDS = 1.0, 60.0
"""Between two looks, and between two whose files aren't read in time."""
READ_SECONDS = 5.0
"""For the files to be read; after that they are told to be unusable."""
MOST_STUCK = 32
"""Reads that don't return, past which no further one is begun before one does."""


class _Found(NamedTuple, Generic[_Value]):
    """What a look has found: a value, an error, or that nothing has changed.

    Args:
        stamps: of the files before they were read.
        value: of their bytes.
        error: why there is none.
        is_changed: whether the files had to be read.

    """

    stamps: _Stamps
    value: _Value | None = None
    error: Exception | None = None
    is_changed: bool = True


class WatchedFiles(Generic[_Value]):
    """Looks at files about once a second. `stop` before `start`, and twice, is safe.

    Files that can't be used are told of once, and the watch goes on: those that couldn't be read are read
    again each second, those that were read and are wrong when they change. A read that doesn't return is left
    to its thread, for which neither the event loop nor the end of the process waits: others are begun, ever
    more seldom, as the files may be elsewhere by then.

    Args:
        paths: the files.
        read: makes a value of them, in a thread; raises what says why they can't be used.
        taken: called with each new value.
        failed: called with what `read` raised.

    """

    def __init__(
        self,
        paths: Sequence[Path],
        read: Callable[[], _Value],
        taken: Callable[[_Value], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._paths = paths
        self._read = read
        self._taken = taken
        self._failed = failed
        self._stamps: _Stamps | None = None
        """Of the files that were read last; None where they couldn't be."""
        self._told: tuple[_Stamps, str] = ((), "")
        """What was told last, and of which files."""
        self._stuck: set[asyncio.Future[_Found[_Value]]] = set()
        self._pause = _LOOK_SECONDS
        self._name = f"watch of {', '.join(path.name for path in paths)}"
        self._watching = BackgroundTask(self._name)

    async def load(self) -> _Value:
        """Return the files' first value; raises what `read` does, and TimeoutError."""
        found = await self._found()
        if found.error is not None:
            raise found.error
        self._stamps = found.stamps
        return found.value  # type: ignore[return-value]  # there is one where there is no error

    def start(self) -> None:
        """Watch from now on; what has changed since `load` is told."""
        self._watching.start(self._watch())

    async def stop(self) -> None:
        """Watch no more."""
        await self._watching.stop()

    async def look(self) -> None:
        """Look at the files now."""
        try:
            found = await self._found()
        except TimeoutError as error:
            self._pause = min(2 * self._pause, _MAX_LOOK_SECONDS)
            self._tell((), error)
        else:
            self._pause = _LOOK_SECONDS
            self._take(found)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._pause)
            await self.look()

    def _take(self, found: _Found[_Value]) -> None:
        if found.error is not None:
            self._stamps = None if _is_unread(found.error) else found.stamps
            self._tell(found.stamps, found.error)
            return
        self._told = (), ""
        if found.is_changed:
            self._stamps = found.stamps
            self._taken(found.value)  # type: ignore[arg-type]  # as above

    def _tell(self, stamps: _Stamps, error: Exception) -> None:
        if (stamps, str(error)) != self._told:
            self._told = stamps, str(error)
            self._failed(error)

    async def _found(self) -> _Found[_Value]:
        """Return what a look has found; raises TimeoutError."""
        self._stuck = {one for one in self._stuck if not one.done()}
        if len(self._stuck) < MOST_STUCK:
            looking = in_daemon_thread(self._look, self._name)
            done, _ = await asyncio.wait((looking,), timeout=READ_SECONDS)
            if done:
                return looking.result()
            self._stuck.add(looking)
        raise TimeoutError(f"isn't read within {READ_SECONDS:g} s")

    def _look(self) -> _Found[_Value]:
        # Noted before they are read: what changes meanwhile is seen the next time.
        stamps = [file_stamp(path) for path in self._paths]
        if stamps == self._stamps:
            return _Found(stamps, is_changed=False)
        try:
            return _Found(stamps, self._read())
        except Exception as error:  # noqa: BLE001 - told, whatever it is: the watch goes on
            return _Found(stamps, error=error)


def _is_unread(error: Exception) -> bool:
    """Whether files couldn't be read, which may pass without a change of theirs."""
    return isinstance(error, OSError) or isinstance(error.__cause__, OSError)
