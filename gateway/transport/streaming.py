"""From the messages of a streaming call to its handler and back, at the pace of the slower side."""

import asyncio
from contextlib import aclosing

from gateway.config.settings import LimitSettings
from gateway.errors import Aborted
from gateway.methods import Piece, StreamHandler
from gateway.request.call import Call
from gateway.schema.model import Method
from gateway.transport.exchange import Channel, Exchange
from gateway.transport.parsing import RequestParser


class StreamEndpoint:
    """One method that streams: an Answer without bytes of its own, which go through the exchange's channel.

    The handler is asked for its next response when the transport has taken the last. Raises InvalidArgument
    for bytes that are no message, Aborted where the client takes nothing for too long.

    Args:
        method: the method.
        handler: answers it.
        limits: sizes of messages.
        patience: seconds that the client may leave a response untaken.

    """

    def __init__(
        self, method: Method, handler: StreamHandler, limits: LimitSettings, patience: float
    ) -> None:
        self._full_name = method.full_name
        self._handler = handler
        self._parse = RequestParser(method.descriptor.input_type, limits.max_request_bytes)
        self._patience = patience

    async def __call__(self, exchange: Exchange) -> bytes:
        """Send the responses; return nothing more."""
        channel = exchange.channel
        if channel is None:
            raise TypeError("a streaming method was called without a channel")
        call = Call(self._full_name, exchange.principal, exchange.deadline)
        async with aclosing(self._handler(self._parse(exchange.request), call)) as pieces:
            async for piece in pieces:
                await self._send(channel, piece)
                exchange.facts.rows = (exchange.facts.rows or 0) + piece.rows
                exchange.facts.response_bytes += len(piece.body)
        return b""

    async def _send(self, channel: Channel, piece: Piece) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await channel.send(piece.body)
        except TimeoutError as error:
            raise Aborted(
                f"the client took nothing for {self._patience:g} s: go on by the last token that it read",
                reason="CLIENT_TOO_SLOW",
            ) from error
