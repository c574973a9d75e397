"""The methods that a server answers, as the protocols find them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

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
        converses: whether its requests and responses have to go both ways at once.
        name: the path without its first slash.
        takes_stream: whether its requests are a stream of messages.
        streams: whether a side of it is one.

    """

    path: str
    descriptor: MethodDescriptor
    answer: Callable[[Exchange], Awaitable[Reply]]
    reads: bool = False
    converses: bool = False
    name: str = field(init=False)
    takes_stream: bool = field(init=False)
    streams: bool = field(init=False)

    def __post_init__(self) -> None:
        """Tell once what each call asks for."""
        takes, gives = self.descriptor.client_streaming, self.descriptor.server_streaming
        object.__setattr__(self, "name", self.path.removeprefix("/"))
        object.__setattr__(self, "takes_stream", bool(takes))
        object.__setattr__(self, "streams", bool(takes or gives))
