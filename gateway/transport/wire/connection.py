"""New connections: which version of HTTP each speaks, by ALPN or by its first bytes."""

import asyncio
from collections.abc import Callable, MutableSet
from dataclasses import dataclass
from functools import partial
from math import inf
from time import monotonic
from typing import Any, cast

from gateway.transport.host_names import HostNames
from gateway.transport.wire.certificates import Certificates
from gateway.transport.wire.connection_without_calls import ConnectionWithoutCalls
from gateway.transport.wire.handshakes import Handshakes
from gateway.transport.wire.http1.connection import Http1Connection
from gateway.transport.wire.http1.head import HeadReader
from gateway.transport.wire.http2.connection import Http2Connection
from gateway.transport.wire.server_context import ServerContext
from gateway.transport.wire.tls import TlsConnection

# RFC 9113, 3.4: so HTTP/2's preface begins, and no request of HTTP/1.1.
_PREFACE = b"PRI "
_FIRST_BYTES_SECONDS = 10.0
_MAX_HANDSHAKES = 1000
_PART_OF_HANDSHAKES = 4


@dataclass(frozen=True, slots=True)
class Versions:
    """What can be spoken.

    Args:
        http1: makes the protocol of a connection of HTTP/1.1.
        http2: makes that of one of HTTP/2.
        connections: those that are open.
        max_connections: how many there may be.

    """

    http1: Callable[[], asyncio.Protocol]
    http2: Callable[[], asyncio.Protocol]
    connections: MutableSet[Any]
    max_connections: float

    def by_alpn(self, chosen: str | None) -> asyncio.Protocol:
        """Return the protocol that a client of TLS has chosen, or one that finds out (RFC 7301)."""
        if chosen == "h2":
            return self.http2()
        return self.http1() if chosen == "http/1.1" else NewConnection(self)


class NewConnection(ConnectionWithoutCalls):
    """Waits for a client's first bytes, and then makes way for the protocol that they belong to.

    Args:
        versions: of HTTP.

    """

    def __init__(self, versions: Versions) -> None:
        self._versions = versions
        self._data = b""
        self.asked = monotonic()
        """When it was made."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait, unless there are too many connections."""
        self._transport = cast("asyncio.Transport", transport)
        if len(self._versions.connections) < self._versions.max_connections:
            self._versions.connections.add(self)
        else:
            self.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """Forget it."""
        self._versions.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Make way, as soon as the bytes tell for whom."""
        self._data += data
        begin = self._data[: len(_PREFACE)]
        if begin == _PREFACE:
            self._make_way(self._versions.http2())
        elif not _PREFACE.startswith(begin):
            self._make_way(self._versions.http1())

    def close(self) -> None:
        """Close."""
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def tick(self, now: float) -> None:
        """Close where the first bytes don't come."""
        if now - self.asked > _FIRST_BYTES_SECONDS:
            self.abort()

    def _make_way(self, protocol: asyncio.Protocol) -> None:
        self._versions.connections.discard(self)
        self._transport.set_protocol(protocol)
        protocol.connection_made(self._transport)
        protocol.data_received(self._data)


class ConnectionFactory:
    """Makes the protocol of each connection that is accepted.

    Args:
        context: what is served.
        certificates: for TLS, where there are any.

    """

    def __init__(self, context: ServerContext, certificates: Certificates) -> None:
        self._context = context
        self._certificates = certificates
        most = context.settings.limits.max_connections
        self._handshakes = Handshakes(min(_MAX_HANDSHAKES, max(1, most // _PART_OF_HANDSHAKES)))

        self._heads = HeadReader(context.settings.limits.max_metadata_bytes, context.read_fast)

    def protocol(self, hosts: HostNames | None, *, is_private: bool = False) -> asyncio.Protocol:
        """Return one.

        Args:
            hosts: the names by which the server may be called; None where all are.
            is_private: whether the client is whoever runs this process: without TLS, and never turned away.

        """
        context, tls = self._context, None if is_private else self._certificates.context
        most = inf if is_private else context.settings.limits.max_connections
        versions = Versions(
            partial(_http1, context, self._heads, hosts, is_private=is_private),
            partial(Http2Connection, context, hosts, is_private=is_private),
            context.connections,
            most,
        )
        if tls is None:
            return NewConnection(versions)
        return TlsConnection(tls, self._handshakes, versions.by_alpn, context.connections, most)


def _http1(
    context: ServerContext, heads: HeadReader, hosts: HostNames | None, *, is_private: bool
) -> Http1Connection:
    connection = Http1Connection(
        context.respond, context.settings, context.connections, heads, hosts=hosts, is_private=is_private
    )
    if context.is_leaving:
        connection.leave()
    return connection
