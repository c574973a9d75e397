"""One stream as an ASGI application sees it: `receive` and `send`."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from gateway.transport.asgi.stream import Event
from gateway.transport.http2.frames import DATA, END_STREAM, frame, header_frames
from gateway.transport.http2.headers import write_block
from gateway.transport.http2.incoming import Incoming
from gateway.transport.http2.outbox import Outbox
from gateway.transport.http2.outgoing import Outgoing

_logger = logging.getLogger(__name__)


class Stream:
    """A request that is no plain call, and its answer.

    Args:
        number: the stream's.
        incoming: what arrives of its body.
        outgoing: the connection's.
        ended: called when neither side has anything more to send.

    """

    def __init__(
        self, number: int, incoming: Incoming, outgoing: Outgoing, ended: Callable[[int], None]
    ) -> None:
        self.number = number
        self.task: asyncio.Task[None] | None = None
        self.incoming = incoming
        self.outbox = Outbox(outgoing, number, 0, self._emptied)
        self._outgoing = outgoing
        self._ended = ended
        self._start: bytes | None = None
        self._trailers = False
        self._finished = False
        self._over = False
        self._taken: asyncio.Future[None] | None = None

    async def run(self, application: Any, scope: Mapping[str, Any]) -> None:
        """Have the application answer."""
        try:
            await application(scope, self.incoming.receive, self.send)
        except ConnectionResetError:
            return
        except Exception:
            _logger.exception("the application failed")

    async def send(self, event: Event) -> None:
        """Take an event of the application; returns when the peer has taken it, raises where it is gone."""
        if self._over:
            raise ConnectionResetError
        kind = event["type"]
        if kind == "http.response.start":
            self._begin(event)
        elif kind == "http.response.body":
            await self._send_body(event.get("body", b""), last=not event.get("more_body", False))
        elif kind == "http.response.trailers":
            self._finish(header_frames(self.number, write_block(event["headers"]), ends=True))

    @property
    def is_finished(self) -> bool:
        """Whether the application has answered; the peer may not have taken it."""
        return self._finished

    @property
    def whole(self) -> bool:
        """Whether the request is."""
        return self.incoming.whole

    def take(self, payload: bytes, size: int) -> None:
        """Take the payload of a DATA frame that was `size` bytes with its padding; raises StreamFault."""
        self.incoming.take(payload, size)

    def end(self) -> None:
        """Note that the request is whole; raises StreamFault."""
        self.incoming.end()

    def widen(self, more: int) -> None:
        """Take a WINDOW_UPDATE; raises StreamFault."""
        self.outbox.widen(more)

    def reset(self) -> None:
        """Take the peer's word that it wants no answer."""
        self._over = self._finished = True
        self.outbox.drop()
        self.incoming.disconnect()
        if self._taken is not None and not self._taken.done():
            self._taken.set_exception(ConnectionResetError())

    def stop(self) -> None:
        """Leave it to the application, which stops with all its calls."""

    def _begin(self, event: Event) -> None:
        status = (b":status", b"%d" % event["status"])
        self._start = write_block([status, *event["headers"]])
        self._trailers = bool(event.get("trailers"))
        if self._trailers:
            self._send_start()

    def _send_start(self) -> None:
        if self._start is not None:
            self._outgoing.put(header_frames(self.number, self._start, ends=False))
            self._start = None

    async def _send_body(self, body: bytes, *, last: bool) -> None:
        if last and not self._trailers:
            self._send_last(body)
            return
        self.outbox.put(body)
        if not self.outbox.is_empty:
            self._taken = asyncio.get_running_loop().create_future()
            await self._taken

    def _send_last(self, body: bytes) -> None:
        """Send the end of an answer without trailers."""
        if body or self._start is None:
            self._send_start()
            self.outbox.put(body)
            self._finish(frame(DATA, END_STREAM, self.number))
        else:
            block, self._start = self._start, None
            self._finish(header_frames(self.number, block, ends=True))

    def _finish(self, frames: bytes) -> None:
        self._finished = True
        self.outbox.end(frames)

    def _emptied(self, ends: bool) -> None:  # noqa: FBT001 - Outbox's
        """Note that the peer has taken all there was."""
        if self._taken is not None and not self._taken.done():
            self._taken.set_result(None)
        if ends:
            self._close()

    def _close(self) -> None:
        self._over = True
        self.incoming.disconnect()
        self._ended(self.number)
