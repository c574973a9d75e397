"""The methods that a server answers, as the protocols find them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor

from gateway.transport.exchange import Exchange, Reply


@dataclass(frozen=True, slots=True)
class ServedMethod:
    """One method.

    Args:
        path: `/package.Service/Method`.
        descriptor: declares its messages, and which side of it streams.
        answer: answers a call; raises nothing but CancelledError. What it sends beside the reply goes by the
            exchange's channel, which a call has where a side of the method streams.
        reads: whether it is known to change nothing.

    """

    path: str
    descriptor: MethodDescriptor
    answer: Callable[[Exchange], Awaitable[Reply]]
    reads: bool = False

    @property
    def streams(self) -> bool:
        """Whether a side of it is a stream of messages."""
        return bool(self.descriptor.client_streaming or self.descriptor.server_streaming)
