"""Names of clients, and their certificates, by their connections."""

import asyncio
import ssl
from itertools import count

from gateway.transport.wire.headers import peer_name

_numbers = count(1)


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Return a client's address as gRPC writes it.

    Clients of a Unix socket have no names: they are numbered, as each has its own share of the limits.
    """
    peer = transport.get_extra_info("peername")
    return peer_name((peer[0], peer[1]) if isinstance(peer, tuple) else ("", next(_numbers)))


def certificate_of(transport: asyncio.BaseTransport) -> bytes:
    """Return a client's certificate, DER, as the handshake has verified it; empty without one."""
    tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
    if tls is None or tls.context.verify_mode is ssl.CERT_NONE:
        return b""
    return tls.getpeercert(binary_form=True) or b""
