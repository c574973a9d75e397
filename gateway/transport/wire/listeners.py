"""The sockets that a server listens on."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from gateway.config.address import Address
from gateway.transport.listen_address import cannot_listen

_SOCKET_MODE = 0o600
_ANY_IPV6 = "::"
"""Every address of this machine, IPv4's too, as grpc core takes it."""


def listen_on(address: Address) -> tuple[Address, Sequence[socket.socket]]:
    """Return the address with its port, and a bound socket for each address that its name stands for.

    Port 0 becomes a free one. Raises OSError where the address can't be had.
    """
    if address.port is None:
        return address, [_unix_socket(address)]
    port = address.port
    with ExitStack() as opened:
        sockets = []
        try:
            for family, host in _resolve(address):
                sockets.append(opened.enter_context(_new_socket(family, host)))
                sockets[-1].bind((host, port))
                port = int(sockets[-1].getsockname()[1])
        except OSError as error:
            raise cannot_listen(address) from error
        opened.pop_all()
    return address.at(port), sockets


def _unix_socket(address: Address) -> socket.socket:
    _refuse_live_socket(address)
    Path(address.host).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(address.host)
        Path(address.host).chmod(_SOCKET_MODE)
    except OSError as error:
        made.close()
        raise cannot_listen(address) from error
    return made


def _resolve(address: Address) -> Sequence[tuple[socket.AddressFamily, str]]:
    """Return the numeric addresses that an address's name stands for."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))


def _new_socket(family: socket.AddressFamily, host: str) -> socket.socket:
    """Return a socket to bind to a numeric address."""
    # Named, or asyncio leaves what is accepted to wait for acknowledgements (no TCP_NODELAY).
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family is socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != _ANY_IPV6)
    return made


def _refuse_live_socket(address: Address) -> None:
    """Raise OSError where a server answers: a new one would take its path away."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address.host)
        except OSError:
            return
    raise cannot_listen(address)
