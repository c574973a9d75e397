"""From the messages of a streaming call to its handler and back, at the pace of the slower side."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from time import monotonic

from google.protobuf.message import Message

from gateway.config.settings import LimitSettings
from gateway.errors import Unavailable
from gateway.methods import BidiHandler, Piece, RequestsHandler, StreamHandler, WrittenResponse
from gateway.request.calls.bulkheads import Operation
from gateway.request.calls.call import StreamCall
from gateway.request.calls.memory import ResponseMemory
from gateway.request.calls.stream_delivery import Delivery
from gateway.response.serialized import serialized
from gateway.schema.model import Method
from gateway.transport.exchange import Answer, Channel, Exchange
from gateway.transport.limits.refusals import response_too_large
from gateway.transport.parsing.parser import RequestParser

_RETRY_SECONDS = 1.0

Respond = Callable[[Exchange, Channel, StreamCall], Awaitable[AsyncGenerator[Piece, None]]]
"""Begins a call's responses."""


def stream_answer(
    method: Method,
    handler: StreamHandler,
    limits: LimitSettings,
    send_timeout: float,
    memory: ResponseMemory | None = None,
) -> Answer:
    """Return what answers a method with one request and a stream of responses; see `_sent`."""
    parse = RequestParser(method, limits)

    async def respond(exchange: Exchange, _channel: Channel, call: StreamCall) -> AsyncGenerator[Piece, None]:
        return handler(await parse.in_slices(exchange.request), call)

    return _sent(method, respond, send_timeout, memory)


def bidi_answer(
    method: Method,
    handler: BidiHandler,
    limits: LimitSettings,
    send_timeout: float,
    memory: ResponseMemory | None = None,
) -> Answer:
    """Return what answers a method with streams of requests and responses; see `_sent`."""
    parse = RequestParser(method, limits)

    async def respond(exchange: Exchange, channel: Channel, call: StreamCall) -> AsyncGenerator[Piece, None]:
        return handler(_requests(exchange, channel, parse), call)

    return _sent(method, respond, send_timeout, memory)


def requests_answer(
    method: Method, handler: RequestsHandler, limits: LimitSettings, memory: ResponseMemory | None = None
) -> Answer:
    """Return what answers a method with a stream of requests and one response.

    It raises OutOfRange for a response past the limit.
    """
    parse = RequestParser(method, limits)
    begin = _calls_of(method, memory)

    async def answer(exchange: Exchange) -> bytes:
        call = exchange.call = begin(exchange)
        response = await handler(_requests(exchange, exchange.messages(), parse), call)
        body = response.body if isinstance(response, WrittenResponse) else serialized(response)
        if len(body) > limits.max_response_bytes:
            raise response_too_large(len(body), limits.max_response_bytes)
        call.hold(len(body), anyway=True)
        exchange.record.response_bytes = len(body)
        return body

    return answer


async def _requests(exchange: Exchange, channel: Channel, parse: RequestParser) -> AsyncIterator[Message]:
    while (body := await channel.receive()) is not None:
        exchange.record.request_bytes += len(body)
        yield await parse.in_slices(body)


def _calls_of(method: Method, memory: ResponseMemory | None) -> Callable[[Exchange], StreamCall]:
    """Return what makes the call that a handler is handed of an exchange."""
    full_name, operation = method.full_name, Operation.of(method)
    return lambda exchange: StreamCall(
        full_name,
        exchange.identified(),
        exchange.deadline,
        operation,
        exchange.caller,
        memory=memory,
        json=exchange.json,
        spans=exchange.spans,
        record=exchange.record,
        explanation=exchange.explanation,
        reads_at=exchange.reads_at,
        must_hold=exchange.must_hold,
        current_since=exchange.current_since,
    )


def _sent(method: Method, respond: Respond, send_timeout: float, memory: ResponseMemory | None) -> Answer:
    """Return an Answer that sends the responses through the exchange's channel, and has no bytes of its own.

    The handler is asked for its next response when the transport has taken the last. The Answer raises
    Unavailable where the client takes nothing for `send_timeout` seconds, or for less when others
    want its place.
    """
    begin = _calls_of(method, memory)

    async def answer(exchange: Exchange) -> bytes:
        channel = exchange.messages()
        call = exchange.call = begin(exchange)
        async with aclosing(await respond(exchange, channel, call)) as pieces:
            async for piece in pieces:
                exchange.is_json, exchange.resume_token = piece.is_json, piece.resume_token
                await _send(channel, piece, send_timeout, call.delivery)
                call.unsettled = False
                exchange.record.rows = (exchange.record.rows or 0) + piece.rows
                exchange.record.response_bytes += len(piece.body)
        return b""

    return answer


async def _send(channel: Channel, piece: Piece, send_timeout: float, delivery: Delivery) -> None:
    begun = monotonic()
    try:
        async with delivery.within(send_timeout):
            await channel.send(piece.body)
    except TimeoutError as error:
        raise Unavailable(
            f"the client took nothing for {monotonic() - begun:.1f} s: "
            "go on by the last token or watermark that it read",
            reason="CLIENT_TOO_SLOW",
            resume_token=piece.resume_token,
            retry_delay=_RETRY_SECONDS,
        ) from error
