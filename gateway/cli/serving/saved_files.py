"""The files of a schema, its handlers and settings, watched for being saved."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from gateway.config.load import Loaded
from gateway.files.stamp import FileStamp, file_stamp
from gateway.schema.protos.sources import proto_files

_INTERVAL = 0.2
_SHARE = 0.1
"""Of the time, how much the looks may take where there are very many files."""

_Seen = Mapping[Path, FileStamp]
"""What a look saw of each file."""


class SavedFiles:
    """Tells when a file of the schema, of handlers or of settings has been saved, added or removed.

    It looks at them five times a second, a millisecond of work for a schema's few files. The system's notices
    (inotify, and watchfiles by them) would come sooner, but not from a folder that a container, a virtual
    machine or the network mounts.

    Args:
        loaded: the settings, which name the files.
        interval: seconds between two looks, at least.

    """

    def __init__(self, loaded: Loaded, interval: float = _INTERVAL) -> None:
        self._interval = interval
        self._pause = interval
        self._places = _places(loaded)
        self._seen = self._look()

    def follow(self, loaded: Loaded) -> None:
        """Watch the files that these settings name from now on."""
        places = _places(loaded)
        if places != self._places:
            self._places = places
            self._seen = self._look()

    async def saved(self) -> Sequence[Path]:
        """Return the files that were saved since they were seen last, once no more are being saved."""
        while (now := await self._next_look()) == self._seen:
            pass
        while (later := await self._next_look()) != now:
            now = later
        before, self._seen = self._seen, now
        return sorted(path for path in before.keys() | now.keys() if before.get(path) != now.get(path))

    async def _next_look(self) -> _Seen:
        await asyncio.sleep(self._pause)
        return await asyncio.to_thread(self._look)

    def _look(self) -> _Seen:
        begun = time.monotonic()
        seen = dict(one for place in self._places for one in _files(place))
        self._pause = max(self._interval, (time.monotonic() - begun) / _SHARE)
        return seen


def _places(loaded: Loaded) -> Sequence[Path]:
    schema = loaded.settings.schema
    source = schema.protos if schema.descriptor_set is None else schema.descriptor_set
    handlers = [Path(name) for name in loaded.settings.server.handlers if name.endswith(".py")]
    return [loaded.file, *handlers] if source is None else [loaded.file, source, *handlers]


def _files(place: Path) -> Sequence[tuple[Path, FileStamp]]:
    """Return what is there now; what goes while it is looked at isn't."""
    with suppress(OSError):
        stamps = ((path, file_stamp(path)) for path in (proto_files(place) if place.is_dir() else [place]))
        return [(path, stamp) for path, stamp in stamps if stamp is not None]
    return []
