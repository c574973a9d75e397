"""Hooks around the gateway's own handler of a method."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import fields
from functools import partial
from typing import Any, cast

from google.protobuf.message import Message

from gateway.db.database import Transaction
from gateway.db.steps import StepCall
from gateway.handlers.authored import Function, Reach, context_of, context_within
from gateway.handlers.context import Context
from gateway.handlers.messages import Messages
from gateway.handlers.part import Parts
from gateway.methods import (
    AnyHandler,
    Handler,
    Piece,
    StepAdmission,
    StreamHandler,
    TransactionHandler,
    own_handler_of,
)
from gateway.methods.idempotent import Writes
from gateway.request.calls.call import Call, StreamCall
from gateway.schema.model import Method


class Hooked(TransactionHandler):
    """Calls hooks before and after the gateway's own handler of a method.

    Where hooks see what a method has written, all is one transaction, request_id and validate_only included.

    Args:
        method: the method.
        reach: what hooks have of the gateway.
        before: those that see requests.
        after: those that see responses.

    """

    def __init__(
        self, method: Method, reach: Reach, before: Sequence[Function], after: Sequence[Function]
    ) -> None:
        self._reach = reach
        self._before = before
        self._after = after
        self._messages = Messages(method)
        self._handler: Any = own_handler_of(method, reach.engine)
        self._streams = bool(method.descriptor.server_streaming)
        self._writes = None if method.reads or not after else Writes(method, reach.engine)
        if self._writes is not None:
            self._handler = own_handler_of(method, reach.engine.of_steps())
        self._cleared = _names(method, _of_whole(method))
        self._of_whole = _names(method, ("request_id", "validate_only"))

    def behind(self, admission: StepAdmission) -> AnyHandler:
        """Return the handler, whose hooks' calls of the gateway's methods pass an admission."""
        parts = self._reach.parts(admission)
        if self._streams:
            return cast("StreamHandler", partial(self._stream, parts=parts))
        answer = self._read if self._writes is None else self._write
        return cast("Handler", partial(answer, parts=parts))

    async def _stream(self, request: Message, call: StreamCall, parts: Parts) -> AsyncGenerator[Piece, None]:
        with context_of(parts, call) as context:
            changed = await self._seen(request, context)
        async with aclosing(self._handler(self._messages.served_request(changed), call)) as pieces:
            async for piece in pieces:
                yield piece

    async def _read(self, request: Message, call: Call, parts: Parts) -> Any:
        with context_of(parts, call) as context:
            changed = await self._seen(request, context)
        served = self._messages.served_request(changed)
        if not self._after:
            return await self._handler(served, call)
        call.json = None  # hooks see a message
        response = self._messages.response(await self._handler(served, call))
        with context_of(parts, call) as context:
            await self._tell(changed, response, context)
        return response

    async def _write(self, request: Message, call: Call, parts: Parts) -> Any:
        with context_of(parts, call) as context:
            changed = await self._seen(request, context)
        served = self._messages.served_request(changed)
        whole = _with_fields(request, served, self._of_whole)
        for name in self._cleared:
            served.ClearField(name)

        async def work(transaction: Transaction) -> Message:
            answer = await self._handler(served, _as_step(call, transaction))
            response = self._messages.response(answer)
            transaction.call = call
            with context_within(parts, call, transaction) as context:
                await self._tell(changed, response, context)
            return self._messages.served_response(response)

        if self._writes is None:
            raise AssertionError(call.method)
        return await self._writes.atomically(whole, call, work)

    async def _seen(self, request: Message, context: Context) -> Any:
        """Return a request as hooks have changed it."""
        message = self._messages.request(request)
        for hook in self._before:
            changed = await hook(message, context)
            message = message if changed is None else changed
        return message

    async def _tell(self, request: Any, response: Any, context: Context) -> None:
        for hook in self._after:
            await hook(request, response, context)


def _names(method: Method, roles: Sequence[str]) -> Sequence[str]:
    return [method.request[role].name for role in roles if role in method.request]


def _with_fields(request: Message, changed: Message, names: Sequence[str]) -> Message:
    """Return a request as its caller sent it, but for fields that hooks have changed."""
    whole = type(request)()
    whole.CopyFrom(request)
    for name in names:
        if getattr(whole, name) != getattr(changed, name):
            setattr(whole, name, getattr(changed, name))
    return whole


def _of_whole(method: Method) -> Sequence[str]:
    """Return the roles of the request's fields that the transaction with the hooks takes care of.

    Where the response to validate_only holds more than another, the method has to hear of it, too.
    """
    return ("request_id",) if "sample" in method.response else ("request_id", "validate_only")


def _as_step(call: Call, transaction: Transaction) -> StepCall:
    """Return a call as a step of a transaction."""
    given = {one.name: getattr(call, one.name) for one in fields(Call)}
    return StepCall(**{**given, "json": None}, opened=transaction)
