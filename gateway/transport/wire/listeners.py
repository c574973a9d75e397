"""The sockets that a host listens on."""

import socket
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from gateway.config.address import Address
from gateway.transport.envoy.sockets import new_socket, refuse_live_socket, resolve
from gateway.transport.listening import cannot_listen

_SOCKET_MODE = 0o600


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
            for family, host in resolve(address):
                sockets.append(opened.enter_context(new_socket(family, host)))
                sockets[-1].bind((host, port))
                port = int(sockets[-1].getsockname()[1])
        except OSError as error:
            raise cannot_listen(address) from error
        opened.pop_all()
    return address.at(port), sockets


def _unix_socket(address: Address) -> socket.socket:
    refuse_live_socket(address)
    Path(address.host).unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(address.host)
        Path(address.host).chmod(_SOCKET_MODE)
    except OSError as error:
        made.close()
        raise cannot_listen(address) from error
    return made
