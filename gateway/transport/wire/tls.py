"""TLS of a connection: OpenSSL, in memory, between a socket's bytes and a protocol's.

asyncio's own TLS and uvloop's take each step of a handshake where its bytes come, so that a thousand that
come at once hold everybody up.
"""

import asyncio
import logging
import select
import ssl
from collections.abc import Callable, MutableSet
from contextlib import suppress
from time import monotonic
from typing import Any, cast

from gateway.transport.wire.connection_without_calls import ConnectionWithoutCalls
from gateway.transport.wire.handshakes import Handshakes

_logger = logging.getLogger(__name__)

_HANDSHAKE_SECONDS = 10.0
_RECORD = 16 * 1024
_SLICE = 256 * 1024
"""Bytes that are encrypted at once, and held twice for that."""
# Where the system can't tell that a peer has closed its side, it tells of a reset.
_GONE = select.POLLERR | select.POLLHUP | getattr(select, "POLLRDHUP", 0)

Choose = Callable[[str | None], asyncio.Protocol]
"""Returns the protocol of a connection by what ALPN says (RFC 7301); None where the client says nothing."""


class TlsConnection(ConnectionWithoutCalls):
    """A socket's protocol: it makes the handshake, and then hands on what comes to another protocol.

    Args:
        context: the certificates.
        handshakes: those that aren't finished.
        choose: returns what is spoken over TLS.
        connections: those that are open; this is one of them as long as its handshake goes on.
        max_connections: how many there may be.

    """

    def __init__(
        self,
        context: ssl.SSLContext,
        handshakes: Handshakes,
        choose: Choose,
        connections: MutableSet[Any],
        max_connections: float,
    ) -> None:
        self._handshakes = handshakes
        self._choose = choose
        self._connections = connections
        self._max_connections = max_connections
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._began = monotonic()
        self._is_over = False
        self.inner: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the client's first message, unless there are too many connections."""
        self._socket = cast("asyncio.Transport", transport)
        if len(self._connections) < self._max_connections:
            self._connections.add(self)
            self._handshakes.begin(self)
        else:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        """Tell the protocol."""
        self._is_over = True
        self._forget()
        # They refer to one another: let go of, both are freed at once.
        inner, self.inner = self.inner, None
        if inner is not None:
            inner.connection_lost(error)

    def pause_writing(self) -> None:
        """Tell the protocol."""
        if self.inner is not None:
            self.inner.pause_writing()

    def resume_writing(self) -> None:
        """Tell the protocol."""
        if self.inner is not None:
            self.inner.resume_writing()

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; a handshake waits for its turn with it."""
        if self._is_over:
            return
        self._incoming.write(data)
        if self.inner is None:
            self._socket.pause_reading()
            self._handshakes.ready(self)
        else:
            self._read(self.inner)

    def step(self) -> None:
        """Take a step of the handshake."""
        if self._is_over:
            return
        if self._is_deserted():
            self.abort()
            return
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            self._socket.resume_reading()
        except ssl.SSLError as error:
            self._fail(error)
        else:
            self._flush()
            self._begin()

    def write(self, data: bytes) -> None:
        """Encrypt, and send."""
        if self._is_over:
            return
        view = memoryview(data)
        for at in range(0, len(data), _SLICE):
            self._tls.write(view[at : at + _SLICE])
            self._flush()

    def close(self) -> None:
        """Say that nothing more comes, and close when it is written (RFC 8446, 6.1)."""
        if self._is_over:
            return
        self._is_over = True
        with suppress(ssl.SSLError):  # it would wait for the client to say so too
            self._tls.unwrap()
        self._flush()
        self._socket.close()

    def abort(self) -> None:
        """Close at once."""
        self._is_over = True
        self._socket.abort()

    def tick(self, now: float) -> None:
        """End a handshake that takes too long."""
        if now - self._began > _HANDSHAKE_SECONDS:
            self.abort()

    def extra_info(self, name: str, default: Any = None) -> Any:
        """Return what is known of the connection."""
        return self._tls if name == "ssl_object" else self._socket.get_extra_info(name, default)

    @property
    def socket_transport(self) -> asyncio.Transport:
        """The transport of what is encrypted."""
        return self._socket

    def _is_deserted(self) -> bool:
        """Whether the client went away while its handshake waited: nothing is read then that would tell."""
        poll = select.poll()
        poll.register(self._socket.get_extra_info("socket").fileno(), _GONE)
        return bool(poll.poll(0))

    def _forget(self) -> None:
        self._handshakes.end(self)
        self._connections.discard(self)

    def _begin(self) -> None:
        """Hand over to the protocol."""
        self._forget()
        self.inner = inner = self._choose(self._tls.selected_alpn_protocol())
        self._socket.resume_reading()
        inner.connection_made(TlsTransport(self))
        # Some of it may have come with the handshake's last message.
        self._read(inner)

    def _read(self, inner: asyncio.Protocol) -> None:
        incoming, tls, pieces, ends = self._incoming, self._tls, list[bytes](), False
        try:
            # To find out by an error that there is nothing more costs more than to ask.
            while incoming.pending or tls.pending():
                piece = tls.read(_RECORD)
                if not piece:
                    ends = True
                    break
                pieces.append(piece)
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._fail(error)
            return
        self._flush()
        if pieces and not self._is_over:
            inner.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if ends:
            self.close()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._socket.write(self._outgoing.read())

    def _fail(self, error: ssl.SSLError) -> None:
        """Close, after the alert that OpenSSL has for it."""
        _logger.debug("a connection ends by an error of TLS", extra={"error": str(error)})
        self._is_over = True
        self._flush()
        self._socket.close()


class TlsTransport(asyncio.Transport):
    """The transport of what isn't encrypted.

    Args:
        connection: encrypts it.

    """

    def __init__(self, connection: TlsConnection) -> None:
        super().__init__()
        self._connection = connection
        self.write = connection.write  # type: ignore[assignment, method-assign]
        self.close = connection.close  # type: ignore[method-assign]
        self.abort = connection.abort  # type: ignore[method-assign]
        self.get_extra_info = connection.extra_info  # type: ignore[method-assign]
        socket = connection.socket_transport
        self.pause_reading = socket.pause_reading  # type: ignore[method-assign]
        self.resume_reading = socket.resume_reading  # type: ignore[method-assign]
        self.is_closing = socket.is_closing  # type: ignore[method-assign]
        self.set_write_buffer_limits = socket.set_write_buffer_limits  # type: ignore[method-assign]
        self.get_write_buffer_size = socket.get_write_buffer_size  # type: ignore[method-assign]

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol from now on."""
        self._connection.inner = cast("asyncio.Protocol", protocol)

    def can_write_eof(self) -> bool:
        """Tell that TLS can't close one side alone."""
        return False
