"""A channel for generated stubs, whose calls are answered by this gateway, without a connection."""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

UnaryCall = Callable[[str, bytes], Awaitable[bytes]]
"""Answers the request of a method, by its path."""


class StubChannel:
    """What a generated stub takes for a channel of grpc.aio's.

    Args:
        answer: answers unary calls.

    """

    def __init__(self, answer: UnaryCall) -> None:
        self._answer = answer

    def unary_unary(
        self, path: str, request_serializer: Any, response_deserializer: Any, **_: Any
    ) -> Callable[[Any], Awaitable[Any]]:
        """Return what calls a unary method."""

        async def call(request: Any) -> Any:
            return response_deserializer(await self._answer(path, request_serializer(request)))

        return call

    def unary_stream(self, path: str, *_: Any, **__: Any) -> Callable[..., NoReturn]:
        """Return what refuses a method that streams."""

        def call(*_: Any, **__: Any) -> NoReturn:
            raise TypeError(f"{path} streams: handlers call unary methods, such as List page by page")

        return call

    stream_unary = stream_stream = unary_stream
