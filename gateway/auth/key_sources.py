"""Where verification keys come from: a file, or a URL that is asked again and again."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Protocol

from gateway.auth.bounded_download import Download
from gateway.auth.verification_keys import MAX_BYTES, BadKeys, VerificationKeys
from gateway.background_task import BackgroundTask
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.files.regular import read_regular
from gateway.files.watched import WatchedFiles

_logger = logging.getLogger(__name__)
_RETRY_SECONDS = 10.0
"""After a failure."""
_LEAST_SECONDS = 10.0
"""Between two times that the URL is asked for an unknown key, whatever keys tokens name."""
_MAX_WAITING = 64
"""Calls that wait for keys at once; further ones are refused."""

ReadKeys = Callable[[bytes], VerificationKeys]
"""Makes keys of a file's bytes, or a response's; raises BadKeys."""


class KeySource(Protocol):
    """The keys there are, kept up to date."""

    keys: VerificationKeys

    async def start(self, changed: Callable[[], None]) -> None:
        """Have keys, and call `changed` whenever there are others; raises ConfigError."""

    async def stop(self) -> None:
        """Keep them up to date no more."""

    def may_look(self) -> bool:
        """Whether `look` may find keys that aren't known yet."""

    async def look(self) -> None:
        """Wait until it has been looked for further keys."""


class KeyFile:
    """A KeySource: a file, which is read anew when it has changed; one that can't be used isn't taken up.

    Args:
        path: the file.
        setting: that names it.
        read: makes keys of its bytes.

    """

    def __init__(self, path: Path, setting: str, read: ReadKeys) -> None:
        self.keys = VerificationKeys({})
        self._path = path
        self._setting = setting
        self._read = read
        self._changed: Callable[[], None] = lambda: None
        self._file = WatchedFiles((path,), self._load, self._take, self._failed)

    async def start(self, changed: Callable[[], None]) -> None:
        """Read the file, and watch it; raises ConfigError."""
        self._changed = changed
        try:
            self.keys = await self._file.load()
        except (OSError, BadKeys) as error:
            wrong = f"can't be used: {_said(error)}"
            raise ConfigError([ConfigDiagnostic(self._setting, str(self._path), wrong)]) from error
        self._file.start()

    async def stop(self) -> None:
        """Watch the file no more."""
        await self._file.stop()

    def may_look(self) -> bool:
        """Tell that it is watched anyway."""
        return False

    async def look(self) -> None:
        """Do nothing: it is watched."""

    def _take(self, keys: VerificationKeys) -> None:
        self.keys = keys
        _logger.info("the keys of tokens have changed", extra={"keys": len(keys)})
        self._changed()

    def _failed(self, error: Exception) -> None:
        told = {"file": str(self._path), "error": _said(error)}
        _logger.warning("the keys of tokens have changed and can't be used", extra=told)

    def _load(self) -> VerificationKeys:
        return self._read(read_regular(self._path, MAX_BYTES))


class KeyUrl:
    """A KeySource: a URL, asked at an interval, and when a token names a key that isn't known.

    While it fails the keys there are stay, for a time. It is asked once at a time, beside the calls.

    Args:
        download: gets it.
        read: makes keys of what it gives.
        interval: seconds between two times that it is asked.
        max_age: seconds that keys stay while it fails.

    """

    def __init__(self, download: Download, read: ReadKeys, interval: float, max_age: float) -> None:
        self.keys = VerificationKeys({})
        self._download = download
        self._read = read
        self._interval = interval
        self._max_age = max_age
        self._changed: Callable[[], None] = lambda: None
        self._asking = BackgroundTask("keys of tokens")
        self._text = b""
        self._had = self._asked = float("-inf")
        self._wanted = asyncio.Event()
        self._round: asyncio.Future[None] | None = None
        self._waiting = 0

    async def start(self, changed: Callable[[], None]) -> None:
        """Ask the URL, and go on to; where it fails there are no keys yet, which is logged."""
        self._changed = changed
        await self._ask()
        self._asking.start(self._ask_again())

    async def stop(self) -> None:
        """Ask no more."""
        await self._asking.stop()

    def may_look(self) -> bool:
        """Whether it is asked at the moment, or hasn't been for a while, and not too many wait for that."""
        is_due = self._round is not None or monotonic() - self._asked >= _LEAST_SECONDS
        return is_due and self._waiting < _MAX_WAITING

    async def look(self) -> None:
        """Wait until it has been asked, if that may help: no longer than it may take to answer."""
        if not self.may_look():
            return
        if self._round is None:
            self._round = asyncio.get_running_loop().create_future()
            self._wanted.set()
        self._waiting += 1
        try:
            await asyncio.shield(self._round)
        finally:
            self._waiting -= 1

    async def _ask_again(self) -> None:
        while True:
            delay = self._interval if self._had == self._asked else min(_RETRY_SECONDS, self._interval)
            try:
                async with asyncio.timeout(delay):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            await self._ask()

    async def _ask(self) -> None:
        self._asked = asked = monotonic()
        if self._round is None:
            self._round = asyncio.get_running_loop().create_future()
        try:
            text = await self._download()
            if text != self._text:
                await self._take(text)
            self._had = asked
        except (OSError, ValueError) as error:
            self._failed(error)
        finally:
            self._wanted.clear()
            answered, self._round = self._round, None
            answered.set_result(None)

    async def _take(self, text: bytes) -> None:
        self.keys = await asyncio.to_thread(self._read, text)
        self._text = text
        _logger.info("the keys of tokens have changed", extra={"keys": len(self.keys)})
        self._changed()

    def _failed(self, error: Exception) -> None:
        told = {"url": self._download.url, "error": _said(error), "keys": len(self.keys)}
        _logger.warning("the keys of tokens can't be had", extra=told)
        if len(self.keys) and monotonic() - self._had > self._max_age:
            self.keys, self._text = VerificationKeys({}), b""
            _logger.error("the keys of tokens are too old: no token is known", extra=told)
            self._changed()


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
