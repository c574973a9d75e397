"""The addresses, held for Envoy: it shares its ports, so it would never say that one is taken."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from gateway.config.address import Address
from gateway.transport.listening import cannot_listen

ANY_IPV6 = "::"
"""Every address of this machine, IPv4's too, as grpc core takes it."""


class HeldAddresses:
    """Ports bound and not listened on: nobody else gets them, also while a process is restarted.

    A socket that doesn't listen is given no connection. Each process listens on a socket of its own
    (SO_REUSEPORT, socket(7)).

    Args:
        listen: as the settings say; port 0 becomes a free one.

    Raises OSError where an address can't be had.

    """

    def __init__(self, listen: Sequence[Address]) -> None:
        self._held = ExitStack()
        with ExitStack() as held:
            taken = [_take(address, held) for address in listen]
            self._held = held.pop_all()
        self.told: Sequence[Address] = [told for told, _ in taken]
        self.numeric: Sequence[Address] = [one for _, numeric in taken for one in numeric]

    def close(self) -> None:
        """Let go of them."""
        self._held.close()


def _take(address: Address, held: ExitStack) -> tuple[Address, Sequence[Address]]:
    """Return the address with its port, and what its name stands for."""
    if address.port is None:
        refuse_live_socket(address)
        return address, [Address(str(Path(address.host).absolute()), None)]
    port, numeric = address.port, list[Address]()
    try:
        for family, host in resolve(address):
            port = _bind(family, host, port, held)
            numeric.append(Address(host, port))
    except OSError as error:
        raise cannot_listen(address) from error
    return address.at(port), numeric


def resolve(address: Address) -> Sequence[tuple[socket.AddressFamily, str]]:
    """Return the numeric addresses that an address's name stands for."""
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys((family, str(where[0])) for family, _, _, _, where in found))


def _bind(family: socket.AddressFamily, host: str, port: int, held: ExitStack) -> int:
    # Without SO_REUSEPORT first: it fails where another process listens, whatever that process shares.
    with new_socket(family, host) as alone:
        alone.bind((host, port))
    shared = held.enter_context(new_socket(family, host))
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    shared.bind((host, port))
    return int(shared.getsockname()[1])


def new_socket(family: socket.AddressFamily, host: str) -> socket.socket:
    """Return a socket to bind to a numeric address."""
    # Named, or asyncio leaves what is accepted to wait for acknowledgements (no TCP_NODELAY).
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family is socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, host != ANY_IPV6)
    return made


def refuse_live_socket(address: Address) -> None:
    """Raise OSError where a server answers: a new one would take its path away."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(address.host)
        except OSError:
            return
    raise cannot_listen(address)
