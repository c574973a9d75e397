"""One connection of HTTP/1.1: its socket, and its requests, one after the other (RFC 9112, 9)."""

import asyncio
import logging
import socket
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from gateway.config.settings import Settings
from gateway.transport.host_names import HostNames
from gateway.transport.wire.fast_requests import FastHeaders
from gateway.transport.wire.http1.body import NO_BODY, Body, ChunkedBody
from gateway.transport.wire.http1.errors import BadRequest
from gateway.transport.wire.http1.fast_request import FastRequest
from gateway.transport.wire.http1.head import Head, HeadReader, check_count, check_size
from gateway.transport.wire.http1.output import Output
from gateway.transport.wire.http1.parser import HEAD_END, parse
from gateway.transport.wire.http1.request import Http1Request
from gateway.transport.wire.http1.response import CLOSE, length, response_head
from gateway.transport.wire.peer_names import certificate_of, peer_of
from gateway.transport.wire.request import Gone, Responder

if TYPE_CHECKING:
    from collections.abc import MutableSet

_logger = logging.getLogger(__name__)

_HEAD_SECONDS = 10.0
# For a client to begin its next request, and to hear that it was the last here.
_LEAVING_SECONDS = 5.0
# For what is still on its way: closed before, it would have the response thrown away (RFC 9112, 9.6).
_LINGER_SECONDS = 5.0
_WRITE_BUFFER = 64 * 1024
_AHEAD = 64 * 1024
"""Bytes that may wait for their reader, or for their request's turn, before no more are read."""
_STEP = 16 * 1024
"""Bytes of a body that are read at once: a hostile body in chunks takes some 0.3 µs a byte."""
_EMPTY_LINE = b"\r\n"


class Http1Connection(asyncio.Protocol):
    """Serves one client.

    Args:
        responder: answers the requests.
        settings: timeouts, limits.
        connections: those that are open.
        heads: reads the heads of requests; all connections of a server share it.
        hosts: the names by which the server may be called; None where all are.
        is_private: whether the client is whoever runs this process, which isn't turned away.

    """

    output: Output

    def __init__(
        self,
        responder: Responder,
        settings: Settings,
        connections: "MutableSet[Any]",
        heads: HeadReader | None = None,
        *,
        hosts: HostNames | None = None,
        is_private: bool = False,
    ) -> None:
        self._responder = responder
        self._settings = settings
        self._limit = settings.limits.max_metadata_bytes
        # As long as a client of HTTP/2 may be silent that answers no ping.
        self._idle_seconds = settings.server.keepalive_interval + settings.server.keepalive_timeout
        self._connections = connections
        self._read_head = (heads or HeadReader(self._limit)).read
        self._hosts = hosts
        self._is_private = is_private
        self._data = b""
        """What came and isn't all used yet."""
        self._at = 0
        """Up to where it was used."""
        self._request: Http1Request | FastRequest | None = None
        self._is_reading = True
        self._began = self._heard = monotonic()
        self.asked = self._began
        """When it was made, or its last request was whole but for a body."""
        self._next_by = self._began + _HEAD_SECONDS
        """When the head of the next request has to be whole, or the client is too late."""
        self._ended: float | None = None
        self.closes = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for a request, unless there are too many connections."""
        self._transport = cast("asyncio.Transport", transport)
        self.loop = asyncio.get_running_loop()
        self._transport.set_write_buffer_limits(_WRITE_BUFFER)
        self.peer, self.certificate = peer_of(transport), certificate_of(transport)
        self.output = Output(self._transport)
        if self._is_private or len(self._connections) < self._settings.limits.max_connections:
            self._connections.add(self)
            _probe_when_silent(transport, self._settings.server.keepalive_interval)
        else:
            self._end()
            self.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        """End the request: nobody waits for its response any more."""
        self._ended = self._ended or monotonic()
        self._connections.discard(self)
        self.output.lose()
        request, self._request = self._request, None
        if request is not None:
            request.lose()

    def eof_received(self) -> None:
        """Take the end of what a client sends for its leave."""

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        if self._ended is not None:
            return
        self._heard = monotonic()
        if self._data:
            self._data, self._at = self._data[self._at :] + data, 0
        else:
            self._data = data
            if self._request is None:
                self._next_by = self._heard + _HEAD_SECONDS
        self.read_on()

    def read_on(self) -> None:
        """Take more of what has come, and have more come where there is room."""
        if self._data:
            try:
                goes_on = True
                while goes_on and self._ended is None:
                    goes_on = self._begin() if self._request is None else self._feed(self._request)
            except BadRequest as error:
                self._refuse(error)
            except Exception:
                _logger.exception("a connection failed")
                self._refuse(BadRequest(500, ""))
            if self._at == len(self._data):
                self._data, self._at = b"", 0
        self._regulate()

    @property
    def _unused(self) -> int:
        """Bytes that came and weren't used yet."""
        return len(self._data) - self._at

    def _feed(self, request: Http1Request | FastRequest) -> bool:
        """Take some of a request's body; return whether there may be more."""
        before, body = self._at, request.body
        if before == len(self._data) or body.is_whole or body.held >= _STEP:
            return False
        self._at = body.feed(self._data, before)
        if isinstance(request, Http1Request):
            request.arrived()
        return self._at > before

    def _begin(self) -> bool:
        """Begin a request whose head is whole; return whether there may be another step."""
        limit, data, start = self._limit, self._data, self._at
        if data.startswith(_EMPTY_LINE, start):
            # Some clients end a body with one that isn't part of it (RFC 9112, 2.2).
            start += len(_EMPTY_LINE)
        end = data.find(HEAD_END, start)
        if end < 0:
            check_size(data[start:], limit)
            check_count(data.count(b"\n", start), limit)
            return False
        end += len(HEAD_END)
        if end - start > limit:
            check_size(data[start:end], limit)
        head = self._read_head(data, start, end)
        self.asked = self._heard
        if head.fields.fast is None or not self._begin_fast(head, head.fields.fast):
            self._answer(head)
        self._at = end
        return end < len(data)

    def _begin_fast(self, head: Head, fast: FastHeaders) -> bool:
        """Begin a fast call; return False for what has to go the general way."""
        if not head.is_1_1 or head.size > self._limit or self._is_misdirected(head):
            return False
        request = FastRequest(self, head)
        if not request.begin(fast, self._heard):
            return False
        self._request = request
        return True

    def _is_misdirected(self, head: Head) -> bool:
        return self._hosts is not None and not self._hosts.allow(head.fields.host or b"")

    def _answer(self, head: Head) -> None:
        fields = head.fields
        if fields.closes or not (head.is_1_1 or fields.keeps_alive):
            self.closes = True
        if fields.length is None:
            body: Body = ChunkedBody(*parse(head.block), self._limit)
        else:
            body = Body(fields.length) if fields.length else NO_BODY
        request = self._take_turn(head, body)
        # Not by the loop's create_task, which would make up a name.
        request.task = asyncio.Task(self._respond(request, self._responder), loop=self.loop, name="request")

    def _take_turn(self, head: Head, body: Body) -> Http1Request:
        misdirected = self._is_misdirected(head)
        self._request = request = Http1Request(
            head, body, self, self.peer, self.certificate, misdirected=misdirected
        )
        return request

    async def respond(self, head: Head, task: "asyncio.Task[None]", respond: Responder) -> None:
        """Have the response to the fast call under way written as that of a request."""
        request = self._take_turn(head, NO_BODY)
        request.task = task
        await self._respond(request, respond)

    def finish(self, response: bytes) -> bool:
        """Send the whole response to the fast call under way, and go on; return False where it isn't all."""
        if self.closes or not self.output.is_free:
            return False
        self._request = None
        self.output.send(response)
        self._go_on()
        return True

    async def _respond(self, request: Http1Request, respond: Responder) -> None:
        try:
            await respond(request)
        except Gone:
            pass
        except Exception:
            _logger.exception("a request failed")
        finally:
            if not request.is_answered:
                self._fail(request)

    def _fail(self, request: Http1Request) -> None:
        """End what was left without a response, or in the middle of one."""
        if self._ended is not None or self._request is not request:
            return
        if request.is_begun:
            self._end()
            self.abort()
        else:
            self._refuse(BadRequest(500, "the request failed"))

    def answered(self) -> None:
        """Go on to the next request, or close."""
        request, self._request = self._request, None
        if self._ended is not None or request is None:
            return
        if self.closes or not request.body.is_whole:
            self._end(lingers=self._unused > 0 or not request.body.is_whole)
            return
        self._go_on()

    def _go_on(self) -> None:
        """Wait for the next request, or begin it."""
        self._next_by = monotonic() + (_HEAD_SECONDS if self._data else self._idle_seconds)
        if self._data:
            self.loop.call_soon(self.read_on)
        elif not self._is_reading:
            self._regulate()

    def pause_writing(self) -> None:
        """Note that the client doesn't read."""
        self.output.pause()

    def resume_writing(self) -> None:
        """Go on."""
        self.output.resume()

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way."""
        return self._request is None

    @property
    def calls(self) -> int:
        """How many requests are under way: they are answered one by one."""
        return int(not self.is_idle)

    @property
    def has_left(self) -> bool:
        """Whether the client has heard that it is to leave, as far as a response could tell it."""
        return True

    def leave(self) -> None:
        """Have the client connect anew for its next requests: the next response says so."""
        if not self.closes:
            self.closes = True
            if self._request is None and not self._unused:
                self._next_by = min(self._next_by, monotonic() + _LEAVING_SECONDS)

    def break_off(self) -> None:
        """Have a fast call answer that the server stops; the others are broken off by their protocols."""
        if isinstance(self._request, FastRequest):
            self._request.stop()

    def close(self) -> None:
        """Close when what was put out is written; `abort` ends it if the client doesn't read that."""
        if self._ended is None:
            self._end()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()

    def tick(self, now: float) -> None:
        """Do what is due; called about once a second."""
        server = self._settings.server
        if self._ended is not None:
            if now - self._ended > _LINGER_SECONDS:
                self.abort()
        elif self.output.is_stalled(now - 2 * server.stream_send_timeout):
            self.abort()
        elif self._request is None:
            self._look_at_head(now)
        elif self._request.is_awaited and now - self._heard > self._idle_seconds:
            self.abort()
        if server.max_connection_age and now - self._began > server.max_connection_age:
            self.leave()

    def _look_at_head(self, now: float) -> None:
        if now < self._next_by:
            return
        if self._unused:
            self._refuse(BadRequest(408, "the request came too slowly"))
        else:
            self.close()

    def _regulate(self) -> None:
        """Read no faster than what is read is used."""
        request = self._request
        # Of a head that isn't whole more has to come; it has a limit of its own.
        reads = (
            self._ended is not None
            or request is None
            or len(self._data) - self._at + request.body.held < _AHEAD
        )
        if reads != self._is_reading:
            self._is_reading = reads
            if reads:
                self._transport.resume_reading()
            else:
                self._transport.pause_reading()

    def _refuse(self, error: BadRequest) -> None:
        """Tell the client what is wrong, unless its response is under way, and close."""
        _logger.debug("a connection ends by an error", extra={"status": error.status, "error": str(error)})
        request, self._request = self._request, None
        if error.status is not None and (request is None or not request.is_begun):
            body = f"{error}\n".encode()
            headers = [(b"content-type", b"text/plain; charset=utf-8")]
            self.output.put(response_head(error.status, headers, length(body) + CLOSE), body)
        self._end(lingers=True)
        if request is not None:
            request.lose()

    def _end(self, *, lingers: bool = False) -> None:
        """Close, when the client has taken what was put out.

        Args:
            lingers: whether the client may be sending still: then it closes first, or is late.

        """
        self._ended = monotonic()
        self.output.flush()
        self.output.end()
        if not lingers:
            self._transport.close()
            return
        self._regulate()
        if self._transport.can_write_eof():
            self._transport.write_eof()


def _probe_when_silent(transport: asyncio.BaseTransport, seconds: float) -> None:
    """Have a client that vanished be found out, as pings do it over HTTP/2."""
    connected = transport.get_extra_info("socket")
    if connected is None or connected.family not in (socket.AF_INET, socket.AF_INET6):
        return
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        # They aren't named the same everywhere.
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), max(1, int(seconds)))
