"""Names of hosts by which a server may be called, against DNS rebinding.

A page of evil.example may have its own name point to 127.0.0.1, and then is of the server's origin for a
browser: what it sends bears that name (Host, :authority). No page can forge it, or send
an address instead.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address

from gateway.config.address import Address
from gateway.config.settings import ServerSettings
from gateway.errors import PermissionDenied

_ANY = "*"
_LOCAL = ("localhost", "*.localhost")
_REMEMBERED = 128
_AUTHORITY = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:@]*))(?::\d*)?")


class HostNames:
    """Names that are allowed beside addresses, which always are.

    Args:
        names: host names, without ports; `*.example.com` is every name below that one.

    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(name.lower().rstrip(".") for name in names)
        self.allow = lru_cache(_REMEMBERED)(self._allow)
        """Whether an authority (RFC 3986, 3.2), as a request has it, is allowed."""

    def _allow(self, authority: bytes) -> bool:
        # grpc core names all addresses of a target that has several: `127.0.0.1:1,127.0.0.1:2`.
        return all(map(self._allow_one, authority.decode("latin-1").split(",")))

    def _allow_one(self, authority: str) -> bool:
        match = _AUTHORITY.fullmatch(authority)
        if match is None:
            return False
        if match["v6"] is not None:
            return _is_address(match["v6"])
        name = match["name"].lower().rstrip(".")
        # HTTP/1.0, and peers that are no browsers, name none.
        return not name or _is_address(name) or any(_fits(name, one) for one in self._names)


def host_names(server: ServerSettings, address: Address) -> HostNames | None:
    """Return the names by which an address's server may be called; None where all are.

    A Unix socket is reached by no browser. Without `allowed_hosts`, an address that only this machine can
    reach has local names alone, unless it has TLS: there a browser compares the name with the certificate.
    Any other address may be called by any name: nobody has said by which.
    """
    if address.port is None or _ANY in server.allowed_hosts:
        return None
    if server.allowed_hosts or (address.is_local and server.tls_cert is None):
        own = () if _is_address(address.host) else (address.host,)
        return HostNames((*_LOCAL, *own, *server.allowed_hosts))
    return None


def misdirected() -> PermissionDenied:
    """Return the error of a call by a name that isn't the server's."""
    return PermissionDenied(
        "the host name isn't one of this server's: server.allowed_hosts lists them",
        reason="HOST_NOT_ALLOWED",
    )


def _fits(name: str, allowed: str) -> bool:
    return name.endswith(allowed[1:]) if allowed.startswith("*.") else name == allowed


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
