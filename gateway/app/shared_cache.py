"""The store in which gateways keep rows together, where the settings name one."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gateway.app.storage import Storage
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.settings import CacheSettings
from gateway.db.cache.row_cache import RowCache
from gateway.files.regular import read_regular
from gateway.request.calls.call import Call
from gateway.schema.model import Schema
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from gateway.db.cache.shared.shared_cache import SharedCache

_DATABASE = Statement(
    text="SELECT system_identifier, oid::int8 FROM pg_control_system(), pg_database "
    "WHERE datname = current_database()",
    binds=(),
    fields=(),
    writes=False,
    name="database",
    constants={},
)
_MAX_BYTES = 64 * 1024


async def open_shared_cache(
    storage: Storage, settings: CacheSettings, secret: bytes, cache: RowCache, opened: AsyncExitStack
) -> "SharedCache | None":
    """Return the rows that gateways share; the store need not answer yet. None where the settings name none.

    Raises ConfigError for a URL that can't be read, and where what talks to the store isn't installed.

    Args:
        storage: whose rows they are; it follows the primary's log.
        settings: the store's.
        secret: that of page tokens.
        cache: what this process keeps by itself.
        opened: lets go of the store.

    """
    url = _url(settings)
    if url is None or storage.replicas is None:
        return None
    try:
        from gateway.db.cache.shared.address import store_address  # noqa: PLC0415 - an extra, which few have
        from gateway.db.cache.shared.shared_cache import SharedCache, StoreSettings  # noqa: PLC0415
    except ImportError as error:
        raise _wrong(f"hiredis isn't installed: {error}", "pip install 'rowgate[redis]'") from error
    try:
        address = store_address(url)
    except ValueError as error:
        raise _wrong("can't be read", str(error)) from None
    database = await _database(storage)
    use = StoreSettings(address, settings.tls_ca, settings.timeout, settings.prefix, secret, database)
    shared = SharedCache(use, _seconds(storage.schema), cache, storage.replicas.log)
    opened.push_async_callback(shared.stop)
    shared.start()
    return shared


def _url(settings: CacheSettings) -> str | None:
    if settings.url is not None:
        return settings.url.get_secret_value()
    if settings.url_file is None:
        return None
    try:
        return read_regular(settings.url_file, _MAX_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        wrong = f"can't be read: {error.strerror or error}" if isinstance(error, OSError) else "is no text"
        given = str(settings.url_file)
        raise ConfigError(
            [ConfigDiagnostic("cache.url_file", given, wrong, "a file that holds a URL")]
        ) from None


async def _database(storage: Storage) -> bytes:
    """Return what tells the database from all others, in whatever store."""
    (found,) = await storage.database.fetch(_DATABASE, (), Call("cache"))
    return "{}/{}".format(*found).encode()


def _seconds(schema: Schema) -> Mapping[str, float]:
    """Return how long rows are kept, by table."""
    found: dict[str, float] = {}
    for one in schema.resources.values():
        if one.cache_seconds:
            table = f"{one.schema}.{one.table}"
            found[table] = max(found.get(table, 0), one.cache_seconds)
    return found


def _wrong(what: str, allowed: str) -> ConfigError:
    return ConfigError([ConfigDiagnostic("cache.url", "***", what, allowed)])
