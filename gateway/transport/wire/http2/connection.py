"""One connection: its socket, and its life from the preface to the last answer (RFC 9113, 3.4, 5.4, 6.8)."""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import cast

from gateway.transport.host_names import HostNames
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.frames import MAX_STREAM, FrameReader, goaway
from gateway.transport.wire.http2.outgoing import Outgoing
from gateway.transport.wire.http2.pings import Pings
from gateway.transport.wire.http2.request_body import CONNECTION_WINDOW, Window
from gateway.transport.wire.http2.session import Session
from gateway.transport.wire.http2.streams import Streams
from gateway.transport.wire.peer_names import certificate_of, peer_of
from gateway.transport.wire.server_context import ServerContext

_logger = logging.getLogger(__name__)

_BEGINNING_SECONDS = 10.0
# For the peer to answer that it has heard that it is to leave.
_LEAVING_SECONDS = 5.0
_CLOSING_SECONDS = 5.0
_WRITE_BUFFER = 512 * 1024


class Http2Connection(asyncio.Protocol):
    """Serves one peer.

    Args:
        context: what is served.
        hosts: the names by which the server may be called; None where all are.
        is_private: whether the peer is whoever runs this process, which isn't turned away.

    """

    def __init__(
        self, context: ServerContext, hosts: HostNames | None = None, *, is_private: bool = False
    ) -> None:
        self._context = context
        self._hosts = hosts
        self._is_private = is_private
        self._began = self._ended = monotonic()
        self._leaving: float | None = None
        self._said_last = False
        self._is_blocked = False
        """Whether the peer doesn't read what is written."""
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the peer's preface, unless there are too many."""
        context = self._context
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(_WRITE_BUFFER)
        self._outgoing = outgoing = Outgoing(self._transport.write, asyncio.get_running_loop())
        window = Window(outgoing.put, 0, CONNECTION_WINDOW)
        reader = FrameReader()
        peer, certificate = peer_of(transport), certificate_of(transport)
        self._streams = Streams(context, reader, outgoing, window, peer=peer, certificate=certificate)
        self._pings = Pings(outgoing, context.settings.server)
        self._session = Session(
            context,
            reader,
            self._streams,
            outgoing,
            window=window,
            pings=self._pings,
            left=self.say_last,
            hosts=self._hosts,
        )
        if self._is_private or len(context.connections) < context.settings.limits.max_connections:
            context.connections.add(self)
        else:
            self._over = True
            self.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """End the calls: nobody waits for them any more."""
        self._over = True
        self._outgoing.end()
        self._streams.disconnect()
        self._context.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        """Take what the peer sends."""
        if not self._over:
            self._read(self._session.read, data)

    def _go_on(self) -> None:
        """Take the frames that had to wait for this turn."""
        if not self._over:
            self._read(self._session.go_on, b"")
            if not self._session.is_halted and not self._is_blocked:
                self._transport.resume_reading()

    def _read(self, read: Callable[[bytes], None], data: bytes) -> None:
        self._streams.unread = self._context.processor.share
        try:
            read(data)
        except Http2Error as error:
            self._fail(error.code, str(error))
        except Exception:
            _logger.exception("a connection failed")
            self._fail(ErrorCode.INTERNAL_ERROR, "")
        if self._context.processor.is_bounded:
            self._outgoing.flush()  # refusals don't wait for the calls that go on in this turn
        if self._session.is_halted and not self._over:
            self._transport.pause_reading()
            self._context.processor.read_later(self._go_on)

    def pause_writing(self) -> None:
        """Read nothing from a peer that reads nothing: so its frames can't fill our memory with answers."""
        self._is_blocked = True
        self._outgoing.pause()
        self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._is_blocked = False
        if not self._session.is_halted:
            self._transport.resume_reading()
        self._outgoing.resume()

    @property
    def is_idle(self) -> bool:
        """Whether no call is under way, nor still sent."""
        return self._streams.is_idle

    @property
    def calls(self) -> int:
        """How many are under way."""
        return len(self._streams)

    @property
    def has_left(self) -> bool:
        """Whether the client has heard that it is to leave: its answer to a ping tells."""
        return self._said_last or self._over

    def leave(self) -> None:
        """Have the peer begin its next calls elsewhere. Those that it begins until it knows are answered."""
        if self._leaving is None:
            self._leaving = monotonic()
            self._outgoing.put(goaway(MAX_STREAM, ErrorCode.NO_ERROR, "the server asks to connect anew"))
            self._pings.ask_to_leave()

    def say_last(self) -> None:
        """Tell the peer which of its calls is the last one: by now it knows that it is to leave."""
        if self._leaving is not None and not self._said_last:
            self._said_last = True
            self._streams.leave()
            self._outgoing.put(goaway(self._streams.last, ErrorCode.NO_ERROR, ""))

    def break_off(self) -> None:
        """Have the calls under way answer that the server stops."""
        self._streams.break_off()

    def close(self) -> None:
        """Close when what was put out is written; `abort` ends it if the peer doesn't read that."""
        if not self._over:
            self.leave()
            self.say_last()
            self._end()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def tick(self, now: float) -> None:
        """Do what is due; called about once a second."""
        if self._over:
            if now - self._ended > _CLOSING_SECONDS:
                self.abort()
        elif not self._pings.tick(now, self._session.now):
            self.abort()
        elif self._is_late(now):
            self._fail(ErrorCode.ENHANCE_YOUR_CALM, "too slow")
        else:
            self._streams.tick(now)
            self._check_age(now)

    def _is_late(self, now: float) -> bool:
        """Whether the peer's preface, or a header block, isn't whole after all that time."""
        begun = self._session.block_since if self._session.greeted else self._began
        return begun is not None and now - begun > _BEGINNING_SECONDS

    def _check_age(self, now: float) -> None:
        age = self._context.settings.server.max_connection_age
        if age and now - self._began > age:
            self.leave()
        if self._context.is_leaving and self._streams.last:
            self.leave()  # who connects during a stop has learnt from a first call why to go elsewhere
        if self._leaving is not None and now - self._leaving > _LEAVING_SECONDS:
            self.say_last()
        if self._said_last and self.is_idle:
            self._end()

    def _fail(self, code: ErrorCode, message: str) -> None:
        """Tell the peer what it did wrong, and close."""
        _logger.debug("a connection ends by an error", extra={"code": code.name, "error": message})
        self._outgoing.put(goaway(self._streams.last, code, message))
        self._end()

    def _end(self) -> None:
        self._over = True
        self._ended = monotonic()
        self._outgoing.flush()
        self._outgoing.end()
        self._streams.disconnect()
        self._transport.close()
