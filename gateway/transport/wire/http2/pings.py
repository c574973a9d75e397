"""Pings: the peer's, which must not be too many, and ours, which find dead connections (RFC 9113, 6.7)."""

from gateway.config.settings import ServerSettings
from gateway.transport.wire.http2.errors import ErrorCode, Http2Error
from gateway.transport.wire.http2.frames import ACK, PING, frame
from gateway.transport.wire.http2.outgoing import Outgoing

_ALIVE = b"alive?\x00\x00"
_LEAVE = b"leave!\x00\x00"
_STRIKES = 2


class Pings:
    """The pings of one connection.

    Args:
        outgoing: the connection's.
        settings: the intervals.

    """

    def __init__(self, outgoing: Outgoing, settings: ServerSettings) -> None:
        self._outgoing = outgoing
        self._settings = settings
        self._heard = 0.0
        self._count = 0
        self._strikes = 0
        self._asked: float | None = None

    def take(self, payload: bytes, now: float) -> None:
        """Answer the peer's ping; raises Http2Error where it pings too often.

        Clients of gRPC ping with much of what they send, to learn how much is on its way: so the answer
        leaves with other frames. As in gRPC's keepalive (grpc/proposal, A8): what we send in between makes a
        ping welcome.
        """
        if self._outgoing.count > self._count:
            self._strikes = 0
        elif now - self._heard < self._settings.min_ping_interval:
            self._strikes += 1
            if self._strikes > _STRIKES:
                raise Http2Error(ErrorCode.ENHANCE_YOUR_CALM, "too_many_pings")
        self._heard = now
        self._outgoing.put_aside(frame(PING, ACK, 0, payload))
        # The answer itself doesn't count.
        self._count = self._outgoing.count

    def take_answer(self, payload: bytes) -> bool:
        """Take the answer to one of ours; return whether the peer has heard that it is to leave."""
        self._asked = None
        return payload == _LEAVE

    def ask_to_leave(self) -> None:
        """Ping so that the answer tells when the peer has read what was sent before."""
        self._outgoing.put(frame(PING, 0, 0, _LEAVE))

    def tick(self, now: float, last_read: float) -> bool:
        """Ping a peer that has been silent; return whether it is alive, as far as can be told."""
        if self._asked is not None and last_read > self._asked:
            self._asked = None
        if self._asked is not None:
            return now - self._asked < self._settings.keepalive_timeout
        if now - last_read >= self._settings.keepalive_interval:
            self._asked = now
            self._outgoing.put(frame(PING, 0, 0, _ALIVE))
        return True
