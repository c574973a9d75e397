"""Where the store is."""

from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit

EXPECTED = "redis://[user:password@]host[:port][/number], rediss://… for TLS, or unix:///path[?db=number]"
_PORT = 6379


class StoreAddress(NamedTuple):
    """An address.

    Args:
        host: empty for a socket of this machine.
        port: of the host.
        path: of the socket.
        tls: whether the connection is TLS.
        user: empty for the default one.
        password: empty without one.
        number: the database's.

    """

    host: str
    port: int
    path: str
    tls: bool
    user: str
    password: str
    number: int

    def __str__(self) -> str:
        """Return it without user and password."""
        return self.path or f"{self.host}:{self.port}"


def store_address(url: str) -> StoreAddress:
    """Return the address that a URL names; raises ValueError, which doesn't repeat the URL."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORT
    except ValueError:
        raise ValueError(EXPECTED) from None
    is_socket = parts.scheme == "unix"
    place = parts.path if is_socket else parts.hostname
    if parts.scheme not in ("redis", "rediss", "unix") or not place or parts.fragment:
        raise ValueError(EXPECTED)
    return StoreAddress(
        host="" if is_socket else (parts.hostname or ""),
        port=port,
        path=unquote(parts.path) if is_socket else "",
        tls=parts.scheme == "rediss",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        number=_number(parts),
    )


def _number(parts: SplitResult) -> int:
    text = parts.path.removeprefix("/")
    if parts.scheme == "unix":
        text = parts.query.removeprefix("db=")
    elif parts.query:
        raise ValueError(EXPECTED)
    if not text:
        return 0
    if not text.isascii() or not text.isdigit():
        raise ValueError(EXPECTED)
    return int(text)
