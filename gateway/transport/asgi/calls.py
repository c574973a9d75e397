"""The four kinds of call, as a servicer's method sees them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any

import grpc
import grpc.aio

from gateway.transport.asgi.context import Context
from gateway.transport.refusals import out_of_time

Run = Callable[[Context], Awaitable[None]]


class WrongCount(Exception):  # noqa: N818 - becomes the call's status
    """Not exactly one request where one is expected."""


def runner(handler: "grpc.RpcMethodHandler[Any, Any]") -> Run:
    """Return what runs a call of the handler's kind. A handler that isn't asynchronous is no use here."""
    made: Any = handler
    if made.request_streaming and made.response_streaming:
        return _streaming_both(made.stream_stream)
    if made.request_streaming:
        return _streaming_in(made.stream_unary)
    if made.response_streaming:
        return _streaming_out(made.unary_stream)
    return _unary(made.unary_unary)


def _unary(behaviour: Any) -> Run:
    async def run(context: Context) -> None:
        await _answer(context, await behaviour(await _only(context), context))

    return run


def _streaming_in(behaviour: Any) -> Run:
    async def run(context: Context) -> None:
        await _answer(context, await behaviour(_requests(context), context))

    return run


def _streaming_out(behaviour: Any) -> Run:
    async def run(context: Context) -> None:
        await _answer_all(context, behaviour(await _only(context), context))

    return run


def _streaming_both(behaviour: Any) -> Run:
    async def run(context: Context) -> None:
        await _answer_all(context, behaviour(_requests(context), context))

    return run


async def _answer(context: Context, response: Any) -> None:
    """Send the response, unless the handler set an error's status: then there is none (as grpc.aio)."""
    if context.code() is grpc.StatusCode.OK:
        await context.write(response)


async def _answer_all(context: Context, responses: Any) -> None:
    if not hasattr(responses, "__aiter__"):  # a coroutine, which calls context.write itself
        await responses
        return
    async with aclosing(responses):
        async for response in responses:
            await context.write(response)


async def _only(context: Context) -> Any:
    try:
        async with asyncio.timeout(context.request_seconds):
            request = await context.read()
            if request is grpc.aio.EOF or await context.read() is not grpc.aio.EOF:
                raise WrongCount
    except TimeoutError as error:
        raise out_of_time() from error
    return request


async def _requests(context: Context) -> AsyncIterator[Any]:
    while (request := await context.read()) is not grpc.aio.EOF:
        yield request
