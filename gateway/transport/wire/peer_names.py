"""Names of clients, by their connections."""

import asyncio
from itertools import count

from gateway.transport.wire.headers import peer_name

_numbers = count(1)


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Return a client's address as gRPC writes it.

    Clients of a Unix socket have no names: they are numbered, as each has its own share of the limits.
    """
    peer = transport.get_extra_info("peername")
    return peer_name((peer[0], peer[1]) if isinstance(peer, tuple) else ("", next(_numbers)))
