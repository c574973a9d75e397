"""Handlers of methods, as the transports call them."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from google.protobuf.message import Message

from gateway.request.calls.call import Call, StreamCall


@dataclass(frozen=True, slots=True)
class Piece:
    """One streamed response.

    Args:
        body: the message's bytes: whoever fills it up to a size has serialised it already.
        rows: how many rows it tells of.
        resume_token: where a client goes on that has read it; empty where it can't.
        is_json: whether the bytes are the call's JSON already.

    """

    body: bytes
    rows: int = 0
    resume_token: str = ""
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class WrittenResponse:
    """A response of rows whose bytes were written already, those of some rows after those of others.

    Args:
        body: the message's bytes, or its call's JSON.
        rows: how many rows it holds.
        is_json: whether it is that JSON.

    """

    body: bytes
    rows: int
    is_json: bool = False


Response = Message | WrittenResponse

Handler = Callable[[Message, Call], Awaitable[Response]]
"""Answers one RPC; raises gateway.errors.RowgateError."""

StreamHandler = Callable[[Message, StreamCall], AsyncGenerator[Piece, None]]
"""Answers one request with a stream. Each response is made when the caller has taken the one before."""

BidiHandler = Callable[[AsyncIterator[Message], StreamCall], AsyncGenerator[Piece, None]]
"""As StreamHandler, for a stream of requests, which it reads at its own pace."""

RequestsHandler = Callable[[AsyncIterator[Message], Call], Awaitable[Response]]
"""As Handler, for a stream of requests, which it reads at its own pace."""

AnyHandler = Handler | StreamHandler | BidiHandler | RequestsHandler
