"""API keys: bearer tokens that `rowgate keys` makes, known by the hashes in a file."""

import hmac
import logging
import re
from collections.abc import Callable, Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import time

from gateway.auth.api_key_file import KEY_PREFIX, ApiKey, read_keys, unreadable
from gateway.auth.authenticator import refused_credential
from gateway.auth.principal import Principal, with_credential
from gateway.auth.provider_chain import Presented
from gateway.files.watched import WatchedFiles

_logger = logging.getLogger(__name__)
_PREFIX = KEY_PREFIX.encode()
_Keys = Mapping[bytes, tuple[bytes, Principal]]
"""The hashes and owners of keys, by the keys' ids."""
_KEY = re.compile(rb"rgk_([0-9a-f]{16})_([0-9a-f]{64})")
_NO_DIGEST = bytes(2 * sha256().digest_size)
"""In the place of the hash of a key that isn't known."""


class ApiKeys:
    """A Provider. A file that has gone knows nobody; one that can't be read as keys leaves those before it.

    Args:
        path: the file; rules of the settings see to it that there is one.

    """

    def __init__(self, path: Path | None) -> None:
        self._path = path or Path()
        self._keys: _Keys = {}
        self._changed: Callable[[], None] = lambda: None
        self._file = WatchedFiles((self._path,), partial(_read, self._path), self._take, self._failed)

    async def start(self, changed: Callable[[], None]) -> None:
        """Read the file, and watch it; raises ConfigError."""
        self._changed = changed
        try:
            self._keys = await self._file.load()
        except TimeoutError as error:
            raise unreadable(self._path, error) from error
        self._file.start()

    async def stop(self) -> None:
        """Watch the file no more."""
        await self._file.stop()

    def recognises(self, presented: Presented) -> bool:
        """Whether there is an API key, right or wrong."""
        return presented.token.startswith(_PREFIX)

    def recall(self, presented: Presented) -> Principal:
        """Return whose key this is; raises Unauthenticated."""
        match = _KEY.fullmatch(presented.token)
        if match is None:
            raise refused_credential("no API key has this form")
        digest, principal = self._keys.get(match[1], (_NO_DIGEST, None))
        # Compared in any case, with as many characters: what it takes tells nothing.
        is_right = hmac.compare_digest(sha256(match[2]).hexdigest().encode(), digest)
        if principal is None:
            raise refused_credential("no API key has this id: it may be revoked")
        if not is_right:
            raise refused_credential(f"the secret of the API key {principal.id} is wrong")
        if principal.expires_at is not None and principal.expires_at <= time():
            raise refused_credential(f"the API key {principal.id} has expired")
        return principal

    async def authenticate(self, presented: Presented) -> Principal:
        """Return whose key this is; raises Unauthenticated."""
        return self.recall(presented)

    def _take(self, keys: _Keys) -> None:
        self._keys = keys
        _logger.info("the API keys have changed", extra={"keys": len(keys)})
        self._changed()

    def _failed(self, error: Exception) -> None:
        if not isinstance(error.__cause__, FileNotFoundError):
            _logger.warning("the API keys have changed and can't be used", extra={"error": str(error)})
            return
        self._keys = {}
        _logger.warning("the API keys have gone: nobody is known by one", extra={"error": str(error)})
        self._changed()


def _read(path: Path) -> _Keys:
    return {key.id.encode(): (key.sha256.encode(), _principal(key)) for key in read_keys(path)}


def _principal(key: ApiKey) -> Principal:
    expires_at = None if key.expires_at is None else key.expires_at.timestamp()
    return Principal(key.name, "api_key", with_credential(key.roles), key.claims, expires_at)
