"""A servicer's methods as handlers that the gateway calls."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from google.protobuf.message import Message

from gateway.db.database import Transaction
from gateway.db.executor import Executor
from gateway.db.steps import StepCall
from gateway.errors import OutOfRange
from gateway.handlers.context import Context
from gateway.handlers.database.statements import Statements, named_errors
from gateway.handlers.messages import Messages
from gateway.handlers.open_call import ClientGone, OpenCall, is_being_cancelled
from gateway.handlers.open_transaction import OpenTransaction
from gateway.handlers.part import Parts, parts_of
from gateway.handlers.rowgate import Rowgate
from gateway.methods import (
    AnyHandler,
    BidiHandler,
    Engine,
    Piece,
    RequestsHandler,
    StepAdmission,
    TransactionHandler,
)
from gateway.methods.validated import Validated, with_whole_requests
from gateway.request.calls.call import Call, StreamCall
from gateway.request.validation import rules_of
from gateway.response.serialized import serialized
from gateway.schema.model import Method, StandardMethod
from gateway.schema.services.standard_methods import Streams

Function = Callable[..., Any]
"""A servicer's method, or a hook."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """What the functions of one method have of the gateway.

    Args:
        engine: its parts.
        own: the database by the gateway's own role.
        statements: runs statements of their own.

    """

    engine: Engine
    own: Executor
    statements: Statements

    def parts(self, admission: StepAdmission) -> Parts:
        """Return what they reach."""
        return parts_of(self.engine, self.own, self.statements, admission)


@contextmanager
def context_of(parts: Parts, call: Call) -> Iterator[Context]:
    """Give a call's context: one that is a step has the transaction that it is part of, as long as this."""
    transaction = call.opened if isinstance(call, StepCall) else None
    with context_within(parts, call, transaction) as context:
        yield context


@contextmanager
def context_within(parts: Parts, call: Call, transaction: Transaction | None) -> Iterator[Context]:
    """Give a call's context, with a transaction that is open as long as this; None for none."""
    with named_errors(), OpenCall(call).lent() as open_call:
        if transaction is None:
            yield Context(call, Rowgate(parts, open_call))
            return
        with OpenTransaction(transaction).lent() as opened:
            yield Context(call, Rowgate(parts, open_call, opened))


class AuthoredHandler(TransactionHandler):
    """Answers a method by a function of its author's.

    Args:
        method: the method.
        reach: what it has of the gateway.
        function: `request, context` → the response, or an asynchronous generator of responses.

    """

    def __init__(self, method: Method, reach: Reach, function: Function) -> None:
        self._method = method
        self._reach = reach
        self._function = function
        self._messages = Messages(method)
        self._max_bytes = reach.engine.response_bytes
        self._max_requests = reach.engine.handler_messages
        self._rules = rules_of(method.descriptor.input_type)

    def behind(self, admission: StepAdmission) -> AnyHandler:
        """Return the handler, whose calls of the gateway's methods pass an admission."""
        parts = self._reach.parts(admission)
        streams = Streams.of(self._method.descriptor)
        if streams is Streams.BOTH:
            return cast("BidiHandler", partial(self._converse, parts=parts))
        if streams is Streams.REQUESTS:
            return cast("RequestsHandler", partial(self._gather, parts=parts))
        answer = self._unary if streams is Streams.NEITHER else self._stream
        return _validated(self._method, self._reach.engine, partial(answer, parts=parts))

    async def _unary(self, request: Message, call: Call, parts: Parts) -> Message:
        with context_of(parts, call) as context:
            answer = await self._function(self._messages.request(request), context)
        return self._messages.checked_response(answer)

    async def _stream(self, request: Message, call: StreamCall, parts: Parts) -> AsyncGenerator[Piece, None]:
        with context_of(parts, call) as context:
            given = self._function(self._messages.request(request), context)
            async with aclosing(self._pieces(given)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _gather(self, requests: AsyncIterator[Message], call: Call, parts: Parts) -> Message:
        with context_of(parts, call) as context:
            answer = await self._function(self._read(requests, call), context)
        return self._messages.checked_response(answer)

    async def _converse(
        self, requests: AsyncIterator[Message], call: StreamCall, parts: Parts
    ) -> AsyncGenerator[Piece, None]:
        with context_of(parts, call) as context:
            given = self._function(self._read(requests, call), context)
            async with aclosing(self._pieces(given)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _read(self, requests: AsyncIterator[Message], call: Call) -> AsyncIterator[Any]:
        """Yield a stream's requests, each held to its rules; raises OutOfRange for one too many."""
        count = 0
        async for request in _until_gone(requests):
            count += 1
            if count > self._max_requests:
                raise OutOfRange(
                    f"the stream has more than the limit of {self._max_requests} requests",
                    reason="TOO_MANY_MESSAGES",
                    metadata={"limit": str(self._max_requests)},
                )
            if self._rules is not None:
                with_whole_requests(lambda _request, _call: None, self._rules)(request, call)
            yield self._messages.request(request)

    async def _pieces(self, given: AsyncGenerator[Any, None]) -> AsyncGenerator[Piece, None]:
        async with aclosing(given) as messages:
            async for message in messages:
                body = serialized(self._messages.checked_response(message))
                if len(body) > self._max_bytes:
                    text = f"a response has more than the limit of {self._max_bytes} bytes"
                    raise OutOfRange.past_limit(self._max_bytes, text, reason="RESPONSE_TOO_LARGE")
                yield Piece(body)


async def _until_gone(requests: AsyncIterator[Message]) -> AsyncIterator[Message]:
    """Yield a stream's requests; raises ClientGone where the transport finds their sender gone."""
    try:
        async for request in requests:
            yield request
    except asyncio.CancelledError as cancelled:
        if is_being_cancelled():
            raise
        raise ClientGone from cancelled


def _validated(method: Method, engine: Engine, handler: Any) -> AnyHandler:
    """Return the handler behind the rules of its requests."""
    rules = rules_of(method.descriptor.input_type)
    if rules is None:
        return cast("AnyHandler", handler)
    if isinstance(method, StandardMethod):
        return cast("AnyHandler", Validated(method, engine, lambda *_: handler, rules))
    return cast("AnyHandler", with_whole_requests(handler, rules))
