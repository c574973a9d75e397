"""The key of page tokens: as set, or one of the gateway's own."""

import logging
import os
import secrets
from contextlib import suppress
from pathlib import Path

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.settings import TokenSettings
from gateway.files.regular import read_regular

_KEY_FILE = "page-tokens.key"
_KEY_BYTES = 32
_MIN_BYTES = 16
_MAX_BYTES = 64 * 1024
_logger = logging.getLogger(__name__)


def token_secret(settings: TokenSettings, keep_in: Path | None) -> bytes:
    """Return the secret that page tokens are encrypted with.

    Args:
        settings: the secret, or the file that holds it.
        keep_in: where neither is set, the folder in which a random one is kept; None: nowhere, so that tokens
            end with the process and aren't understood by others that serve the same schema.

    Raises ConfigError for a file that can't be read or holds too little, and OSError where none can be made.

    """
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    if settings.secret_file is not None:
        return _of_file(settings.secret_file)
    if keep_in is not None:
        return _kept(keep_in)
    _logger.warning(
        "page tokens become invalid when this process ends: set tokens.secret or tokens.secret_file"
    )
    return secrets.token_bytes(_KEY_BYTES)


def _of_file(path: Path) -> bytes:
    try:
        text = read_regular(path, _MAX_BYTES).strip()
    except OSError as error:
        raise _config_error(path, f"can't be read: {error.strerror or error}") from error
    if len(text) < _MIN_BYTES:
        raise _config_error(path, "is short")
    return text


def _config_error(path: Path, wrong: str) -> ConfigError:
    allowed = f"a file that holds {_MIN_BYTES} bytes or more"
    return ConfigError([ConfigDiagnostic("tokens.secret_file", str(path), wrong, allowed)])


def _kept(folder: Path) -> bytes:
    """Make the key under another name and link it into place: whoever comes second finds a whole one."""
    path = folder / _KEY_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fresh = folder / f"{_KEY_FILE}.{secrets.token_hex(4)}"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return _of_file(path)
