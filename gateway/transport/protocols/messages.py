"""Messages of requests: bodies in which each has its length before it, and those that are one."""

import asyncio
import zlib
from collections.abc import Callable
from io import BytesIO
from typing import Protocol

from gateway.errors import Internal, InvalidArgument, OutOfRange, RowgateError
from gateway.request.calls.memory import HeldBytes, RequestMemory
from gateway.transport.limits.refusals import not_one_request, out_of_time
from gateway.transport.wire.framing import BadFrame, MessageCutter, UnnamedEncoding, unpacked
from gateway.transport.wire.headers import find
from gateway.transport.wire.request import Gone, HttpRequest

Convert = Callable[[bytes], bytes]
"""One spelling of a message to another."""
_QUICK = 16_384
"""Bytes of a message that are converted at once."""


class RequestMessages(Protocol):
    """The messages of one request; whoever has the last one lets go of what is counted of it."""

    async def receive(self) -> bytes | None:
        """Return the next message, None after the last; raises RowgateError for what is none."""

    async def receive_only(self) -> bytes:
        """Return the message where there is to be one; raises RowgateError for none, or several."""

    def take(self) -> bytes | None:
        """Return the only message, if it is all here; else it is received. Raises RowgateError."""

    def release(self) -> None:
        """Count nothing more of the request."""


class Envelopes:
    """The messages of a body that holds several: each with its length before it, or as a line.

    Args:
        request: the request.
        cutter: cuts its body into messages.
        held: counts the bytes that are held: of what isn't whole, and of the last message.
        message_seconds: how long a message that has begun is waited for.
        decode: makes protobuf's bytes of a message; None where it has them.

    """

    def __init__(
        self,
        request: HttpRequest,
        cutter: MessageCutter,
        held: HeldBytes,
        message_seconds: float,
        decode: Convert | None = None,
    ) -> None:
        self._request = request
        self._cutter = cutter
        self._held = held
        self._message_seconds = message_seconds
        self._decode = decode
        self._given = 0
        self._whole = False

    async def receive(self) -> bytes | None:
        """Return the next message, None after the last; raises RowgateError for what is none.

        DeadlineExceeded where one has begun and doesn't end, ResourceExhausted where too much is held.
        """
        try:
            message = await self._next()
        except Gone:
            raise asyncio.CancelledError from None
        except BadFrame as error:
            raise refused(error) from error
        return message if message is None else await converted(self._decode, message)

    async def receive_only(self) -> bytes:
        """Return the message where there is to be one; raises RowgateError for none, or several."""
        message = await self.receive()
        if message is None or await self.receive() is not None:
            raise not_one_request()
        return message

    def take(self) -> None:
        """Return nothing: more may come behind a message."""

    def release(self) -> None:
        """Hold nothing more of the request."""
        self._cutter.clear()
        self._held.release()

    async def _next(self) -> bytes | None:
        message = await self._cutter.next(self._give)
        while message is None and not self._whole:
            if self._cutter.holds_part:
                message = await self._begun_message()
            else:
                await self._piece()
                message = await self._cutter.next(self._give)
        if message is not None:
            self._give(len(message))
        elif self._cutter.holds_part:
            raise BadFrame("the request ends in the middle of a message")
        return message

    async def _begun_message(self) -> bytes | None:
        """Return a message of which a part is here; None where the request ends within it."""
        message = None
        try:
            async with asyncio.timeout(self._message_seconds):
                while message is None and not self._whole:
                    await self._piece()
                    message = await self._cutter.next(self._give)
        except TimeoutError as error:
            raise out_of_time() from error
        return message

    async def _piece(self) -> None:
        piece = await self._request.read()
        self._cutter.feed(piece)
        self._count()
        self._whole = not piece

    def _give(self, size: int) -> None:
        """Count a message of so many bytes in place of the last one; raises ResourceExhausted."""
        self._given = size
        self._count()

    def _count(self) -> None:
        self._held.hold(self._given + self._cutter.size)


class WholeBody:
    """The only message of a request whose body it is.

    Args:
        request: the request.
        memory: counts the bytes that are held of it.
        limit: the most bytes that are taken in, before and after decompression.
        told: what is told as the limit.
        encoding: what the body is compressed with; None where it isn't.
        decode: makes protobuf's bytes of it; None where it has them.

    """

    def __init__(
        self,
        request: HttpRequest,
        memory: RequestMemory,
        limit: int,
        *,
        told: int,
        encoding: str | None = None,
        decode: Convert | None = None,
    ) -> None:
        self._request = request
        self._memory = memory
        self._limit = limit
        self._told = told
        self._encoding = encoding
        self._decode = decode
        self._read = False
        self._held: HeldBytes | None = None

    async def receive(self) -> bytes | None:
        """Return the message, None when asked again; raises RowgateError for what is none."""
        return None if self._read else await self.receive_only()

    async def receive_only(self) -> bytes:
        """Return the message; raises RowgateError for what is none."""
        self._read = True
        try:
            message = await self._body()
            if self._encoding is not None and message:  # nothing is packed of nothing
                message = await self._unpacked(message, self._encoding)
        except Gone:
            raise asyncio.CancelledError from None
        except BadFrame as error:
            raise refused(error) from error
        return await converted(self._decode, message)

    def take(self) -> bytes | None:
        """Return the message, if all of it has come and it is soon read; raises RowgateError."""
        body = self._request.take_body(0 if self._encoding is not None else min(_QUICK, self._limit))
        if body is None:
            return None
        self._read = True
        if body:
            self._hold(len(body))
        return body if self._decode is None else self._decode(body)

    def release(self) -> None:
        """Hold nothing more of the request."""
        if self._held is not None:
            self._held.release()

    async def _body(self) -> bytes:
        declared = find(self._request.headers, b"content-length")
        if declared is not None and int(declared) > self._limit:
            # Before a byte of it is asked for, or sent: of such a one none is of use.
            raise BadFrame("", limit=self._told)
        body = BytesIO()  # unlike a bytearray, it gives its bytes away without a copy
        while piece := await self._request.read():
            body.write(piece)
            self._take(body.tell())
        return body.getvalue()

    async def _unpacked(self, body: bytes, encoding: str) -> bytes:
        try:
            return await unpacked(body, encoding, lambda size: self._take(max(size, len(body))))
        except zlib.error as error:
            raise BadFrame("a body that can't be decompressed") from error

    def _take(self, size: int) -> None:
        if size > self._limit:
            raise BadFrame("", limit=self._told)
        self._hold(size)

    def _hold(self, size: int) -> None:
        if self._held is None:
            self._held = self._memory.call(self._request.peer)
        self._held.hold(size)


async def converted(convert: Convert | None, message: bytes) -> bytes:
    """Return the other spelling of a message; a long one is made beside the event loop."""
    if convert is None:
        return message
    return convert(message) if len(message) <= _QUICK else await asyncio.to_thread(convert, message)


def refused(error: BadFrame) -> RowgateError:
    """Return the error of bytes that are no message of a call."""
    if error.limit is not None:
        text = f"the request has more bytes than the limit of {error.limit}"
        return OutOfRange.past_limit(error.limit, text, reason="REQUEST_TOO_LARGE")
    # As gRPC has it for what no compression is named for (grpc.io, compression.md).
    kind = Internal if isinstance(error, UnnamedEncoding) else InvalidArgument
    return kind(f"the request can't be read: {error}", reason="REQUEST_MALFORMED")
