"""The file of API keys: their names, rights and hashes. The keys themselves are in no file."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.files.regular import read_regular

KEY_PREFIX = "rgk_"
MAX_FILE = 16 * 1024 * 1024
_ID_BYTES = 8
_SECRET_BYTES = 32
_MAX_CLAIMS = 4096

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@:/-]{0,63}$")]


class ApiKey(BaseModel):
    """What is kept of one key.

    Args:
        id: stands in the key, before its secret.
        name: whose it is.
        sha256: the hash of its secret, which is random and long enough for a fast one.
        roles: what it may act as.
        claims: what else policies may ask of it.
        created_at: when it was made.
        expires_at: when it ends; None for never.

    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    name: Name
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    roles: tuple[Name, ...] = ()
    claims: Mapping[str, Any] = Field(default_factory=dict)
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None

    @model_validator(mode="after")
    def _check_claims(self) -> "ApiKey":
        if len(json.dumps(self.claims)) > _MAX_CLAIMS:
            raise ValueError(f"the claims of {self.name} have more than {_MAX_CLAIMS} bytes")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: tuple[ApiKey, ...] = ()

    @model_validator(mode="after")
    def _check_names(self) -> "_File":
        for what in ("id", "name"):
            if len({getattr(key, what) for key in self.keys}) < len(self.keys):
                raise ValueError(f"two keys have one {what}")
        return self


def new_key(
    name: str, roles: Sequence[str], claims: Mapping[str, Any], expires_at: datetime | None
) -> tuple[str, ApiKey]:
    """Return a key, to be shown once, and what is kept of it; raises ValueError."""
    key_id, secret = secrets.token_hex(_ID_BYTES), secrets.token_hex(_SECRET_BYTES)
    kept = ApiKey(
        id=key_id,
        name=name,
        sha256=sha256(secret.encode()).hexdigest(),
        roles=tuple(roles),
        claims=claims,
        created_at=datetime.now(UTC).replace(microsecond=0),
        expires_at=expires_at,
    )
    return f"{KEY_PREFIX}{key_id}_{secret}", kept


def read_keys(path: Path) -> Sequence[ApiKey]:
    """Return the keys of a file; raises ConfigError where it can't be read, or holds something else."""
    try:
        text = read_regular(path, MAX_FILE)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        return _File.model_validate_json(text).keys
    except ValidationError as error:
        raise _wrong(path, "; ".join(_told(one) for one in error.errors(include_input=False)[:3])) from error


@contextmanager
def changed_keys(path: Path) -> Iterator[dict[str, ApiKey]]:
    """Give the keys of a file by name, and write what they were changed to, whole or not at all.

    Who comes meanwhile waits. Raises ConfigError as `read_keys`, and OSError where nothing can be written.
    """
    path = path.resolve()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        before = {key.name: key for key in read_keys(path)} if path.exists() else {}
        after = dict(before)
        yield after
        if after != before:
            _write(path, _File(keys=tuple(after.values())).model_dump_json(indent=2, exclude_none=True))
            os.fsync(folder)
    finally:
        os.close(folder)


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        _keep_owner(path, fresh)
        fresh.replace(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise


def _keep_owner(path: Path, fresh: Path) -> None:
    """Give a file to whoever has the one that it takes the place of: the server may be another user."""
    with suppress(FileNotFoundError, PermissionError):
        before = path.stat()
        os.chown(fresh, before.st_uid, before.st_gid)


def _told(error: Any) -> str:
    place = ".".join(map(str, error["loc"]))
    return f"{place}: {error['msg']}" if place else error["msg"]


def unreadable(path: Path, error: OSError) -> ConfigError:
    """Return the error of a file that can't be read."""
    return _wrong(path, f"can't be read: {error.strerror or error}")


def _wrong(path: Path, wrong: str) -> ConfigError:
    return ConfigError(
        [ConfigDiagnostic("auth.api_keys", str(path), wrong, "a file that `rowgate keys` wrote")]
    )
