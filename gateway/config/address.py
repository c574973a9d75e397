"""Addresses to listen on, names of hosts, and origins of pages."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.%]+)\]|(?P<host>[^\s:\[\]]+)):(?P<port>\d{1,5})")
_MAX_PORT = 65535
_LOOPBACK = "127.0.0.1"
_HOST_NAME = re.compile(r"\*|(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_ORIGIN = re.compile(r"\*|https?://[a-z0-9.\[\]:-]*[a-z0-9\]]")


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: a host and a TCP port, or the path of a Unix socket (as `host`, without a port)."""

    host: str
    port: int | None

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach it."""
        if self.port is None or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def at(self, port: int) -> "Address":
        """Return the address with another port, where it has one."""
        return self if self.port is None else Address(self.host, port)

    def __str__(self) -> str:
        if self.port is None:
            return f"unix:{self.host}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(text: str) -> Address:
    """Return the address of `host:port`, `[IPv6]:port` or `unix:PATH`; raises ValueError."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return Address(text.removeprefix("unix:"), None)
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or int(match["port"]) > _MAX_PORT:
        raise ValueError(f'"{text}" is not host:port, [IPv6]:port or unix:PATH')
    return Address(match["v6"] or match["host"], int(match["port"]))


def admin_address(value: object) -> object:
    """Return an address, a port's being this machine's alone; None for an empty text. Raises ValueError."""
    if value in ("", None):
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if isinstance(value, str):
        return parse_address(f"{_LOOPBACK}:{value}" if value.isdigit() else value)
    return value


def listed(value: object) -> object:
    """Return the parts of a comma-separated text; other values as they are."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def addresses(value: object) -> object:
    """Return the addresses of a comma-separated text or a list of texts; other values as they are."""
    value = listed(value)
    if isinstance(value, (list, tuple)):
        return tuple(parse_address(part) if isinstance(part, str) else part for part in value)
    return value


def host_name(text: str) -> str:
    """Return the name of a host, or `*`; raises ValueError."""
    if _HOST_NAME.fullmatch(text) is None:
        raise ValueError(
            f'"{text}" is no host name: write it without scheme, port and path, in ASCII (db.internal), '
            'with "*." in front for every name below it (*.example.com), or "*" alone for all'
        )
    return text


def origin(text: str) -> str:
    """Return the origin of a page, or `*`; raises ValueError."""
    if _ORIGIN.fullmatch(text) is None:
        raise ValueError(
            f'"{text}" is no origin: write scheme, host and port as browsers send them, in small letters and '
            'without a path (https://shop.example.com), or "*" for every page'
        )
    return text


def https_url(text: str) -> str:
    """Return a URL of https, or of http to this machine; raises ValueError."""
    parts = urlsplit(text)
    is_local = parts.scheme == "http" and Address(parts.hostname or "", parts.port or 80).is_local
    is_plain = text.isascii() and text.isprintable() and " " not in text
    if not is_plain or not parts.hostname or "@" in parts.netloc or not (parts.scheme == "https" or is_local):
        raise ValueError(
            "is no URL of https, or of http to this machine, without a login, as https://login.example.org/keys"
        )
    return text
