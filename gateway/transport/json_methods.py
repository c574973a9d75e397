"""Methods for callers whose messages are JSON: what Connect sends, and gRPC with `application/grpc+json`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.descriptor import Descriptor, MethodDescriptor
from google.protobuf.json_format import MessageToJson, Parse, ParseError
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.errors import InvalidArgument

MAX_ELEMENTS = 200_000
"""The most values of one request, each of which takes Python some microseconds and a hundred bytes."""

_MAKERS: Mapping[tuple[bool, bool], tuple[str, Callable[..., Any]]] = {
    (False, False): ("unary_unary", grpc.unary_unary_rpc_method_handler),
    (False, True): ("unary_stream", grpc.unary_stream_rpc_method_handler),
    (True, False): ("stream_unary", grpc.stream_unary_rpc_method_handler),
    (True, True): ("stream_stream", grpc.stream_stream_rpc_method_handler),
}


class JsonMethods(grpc.GenericRpcHandler):
    """The handlers of binary messages, with JSON in their place.

    Args:
        handlers: the handlers.
        methods: those of their methods that are served with JSON, by path.

    """

    def __init__(
        self, handlers: Sequence[grpc.GenericRpcHandler], methods: Mapping[str, MethodDescriptor]
    ) -> None:
        self._handlers = handlers
        self._methods = methods

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Return the method's handler; None for another's method."""
        method = self._methods.get(handler_call_details.method)
        found = (handler.service(handler_call_details) for handler in self._handlers)
        handler = next((one for one in found if one is not None), None)
        return _with_json(handler, method) if handler is not None and method is not None else None


def _with_json(handler: Any, method: MethodDescriptor) -> "grpc.RpcMethodHandler[Any, Any]":
    name, make = _MAKERS[handler.request_streaming, handler.response_streaming]
    made: grpc.RpcMethodHandler[Any, Any] = make(
        getattr(handler, name),
        request_deserializer=_reader(method.input_type, handler.request_deserializer),
        response_serializer=_writer(method.output_type, handler.response_serializer),
    )
    return made


def _reader(message: Descriptor, deserialize: Callable[[bytes], Any] | None) -> Callable[[bytes], Any]:
    cls = GetMessageClass(message)

    def read(body: bytes) -> Any:
        request = _parsed(body, cls()).SerializePartialToString()
        return request if deserialize is None else deserialize(request)

    return read


def _parsed(body: bytes, message: Message) -> Message:
    """Return the message that the JSON stands for (protobuf.dev, ProtoJSON); unknown fields are refused."""
    pool: Any = message.DESCRIPTOR.file.pool
    if sum(map(body.count, (b"{", b"[", b","))) > MAX_ELEMENTS:
        raise InvalidArgument(
            f"the request has more than {MAX_ELEMENTS} elements",
            reason="TOO_MANY_ELEMENTS",
            metadata={"limit": str(MAX_ELEMENTS)},
        )
    # Of other things than objects protobuf makes an empty message, or worse.
    if not body.lstrip().startswith(b"{"):
        raise _malformed(message, "an object is expected")
    try:
        return Parse(body, message, descriptor_pool=pool)
    except (ParseError, UnicodeDecodeError, RecursionError) as error:
        raise _malformed(message, str(error).partition("\n")[0]) from error


def _malformed(message: Message, wrong: str) -> InvalidArgument:
    text = f"the request is no JSON of {message.DESCRIPTOR.full_name}: {wrong}"
    return InvalidArgument(text, reason="REQUEST_MALFORMED")


def _writer(message: Descriptor, serialize: Callable[[Any], bytes] | None) -> Callable[[Any], bytes]:
    cls = GetMessageClass(message)
    pool: Any = message.file.pool

    def write(response: Any) -> bytes:
        answer = cls.FromString(response if serialize is None else serialize(response))
        return MessageToJson(answer, indent=None, ensure_ascii=False, descriptor_pool=pool).encode()

    return write
