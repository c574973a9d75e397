"""The service that the conformance suite calls, as its protos describe it.

The descriptors are of the suite's own protos; `make test-tools` lays them beside the runner.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status

from gateway.config.settings import Settings
from gateway.errors import RowgateError
from gateway.schema.sources import load_descriptor_set
from gateway.transport import calls
from gateway.transport.asgi import context
from gateway.transport.host import Host, Hosting
from tests.harness.mounted import start_servicers
from tests.harness.sample import ROOT

DESCRIPTORS = ROOT / ".tools" / "conformance.binpb"
SERVICE = "connectrpc.conformance.v1.ConformanceService"
_PACKAGE = "connectrpc.conformance.v1"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@cache
def _pool() -> Any:
    pool: Any = Default()
    for file in load_descriptor_set(DESCRIPTORS).file:
        # A file that is known to this process is the same: protobuf's own, such as google/protobuf/any.proto.
        with suppress(TypeError):
            pool.Add(file)
    return pool


def message(name: str) -> type[Message]:
    """Return a message of the suite."""
    return GetMessageClass(_pool().FindMessageTypeByName(f"{_PACKAGE}.{name}"))


async def unary(request: Any, context: Any) -> Any:
    """Answer one request with one message, or an error."""
    return await _answer([request], context, "UnaryResponse")


async def client_stream(requests: AsyncIterator[Any], context: Any) -> Any:
    """Answer all requests with one message, or an error, as the first one says."""
    received = [request async for request in requests]
    return await _answer(received, context, "ClientStreamResponse")


async def server_stream(request: Any, context: Any) -> None:
    """Answer one request with the messages that it asks for."""
    definition = request.response_definition
    await _begin(definition, context)
    for number, data in enumerate(definition.response_data):
        info = _observed([request], context) if number == 0 else None
        await _send("ServerStreamResponse", data, info, definition, context)
    await _fail(definition, [] if definition.response_data else [request], context)


async def bidi_stream(requests: AsyncIterator[Any], context: Any) -> None:
    """Answer each request as it comes, or all of them at their end, as the first one says."""
    received: list[Any] = []
    definition, sent = None, 0
    async for request in requests:
        received.append(request)
        if definition is None:
            definition, full_duplex = request.response_definition, request.full_duplex
            if full_duplex:
                await _begin(definition, context)
        if not full_duplex:
            continue
        if sent == len(definition.response_data):
            break
        info = _observed(received, context) if sent == 0 else _observed(received)
        await _send("BidiStreamResponse", definition.response_data[sent], info, definition, context)
        received, sent = [], sent + 1
    if definition is None:
        return
    if not full_duplex:
        await _begin(definition, context)
    for data in definition.response_data[sent:]:
        info = _observed(received, context) if sent == 0 else None
        await _send("BidiStreamResponse", data, info, definition, context)
        sent += 1
    await _fail(definition, [] if sent else received, context)


async def _answer(requests: Sequence[Any], context: Any, response: str) -> Any:
    payload: Any = message("ConformancePayload")()
    payload.request_info.CopyFrom(_observed(requests, context))
    if requests:
        definition = requests[0].response_definition
        await _begin(definition, context)
        await asyncio.sleep(definition.response_delay_ms / 1000)
        await _fail(definition, requests, context)
        payload.data = definition.response_data
    return message(response)(payload=payload)


async def _begin(definition: Any, context: Any) -> None:
    """Send the response's headers, which a caller waits for before the first message."""
    context.set_trailing_metadata(_metadata(definition.response_trailers))
    await context.send_initial_metadata(_metadata(definition.response_headers))


async def _send(response: str, data: bytes, info: Any, definition: Any, context: Any) -> None:
    await asyncio.sleep(definition.response_delay_ms / 1000)
    payload: Any = message("ConformancePayload")(data=data)
    if info is not None:
        payload.request_info.CopyFrom(info)
    await context.write(message(response)(payload=payload))


async def _fail(definition: Any, unanswered: Sequence[Any], context: Any) -> None:
    """End with the error that is asked for, if any; it carries what no message has told."""
    if not definition.HasField("error"):
        return
    status = error_status(definition, _observed(unanswered, context) if unanswered else None)
    trailers = _metadata(definition.response_trailers)
    details = ("grpc-status-details-bin", status.SerializeToString())
    await context.abort(_CODES[status.code], status.message, (*trailers, details))


def error_status(definition: Any, info: Any) -> Status:
    """Return the status of the error that is asked for, with the information where there is any."""
    status = Status(code=definition.error.code, message=definition.error.message)
    status.details.extend(definition.error.details)
    if info is not None:
        status.details.append(_packed(info))
    return status


def _observed(requests: Iterable[Any], context: Any = None) -> Any:
    if context is None:
        return request_info(requests)
    return request_info(requests, context.time_remaining(), context.invocation_metadata())


def request_info(
    requests: Iterable[Any],
    remaining: float | None = None,
    metadata: Iterable[tuple[str, str | bytes]] = (),
) -> Any:
    """Return what was observed of a call, as the suite wants to be told."""
    info: Any = message("ConformancePayload.RequestInfo")()
    info.requests.extend(map(_packed, requests))
    info.request_headers.extend(_headers(metadata))
    if remaining is not None:
        info.timeout_ms = int(remaining * 1000)
    return info


def _headers(metadata: Iterable[tuple[str, str | bytes]]) -> Iterable[Any]:
    values: dict[str, list[str]] = {}
    for key, value in metadata:
        text = base64.b64encode(value).decode() if isinstance(value, bytes) else value
        values.setdefault(key, []).append(text)
    return (message("Header")(name=key, value=texts) for key, texts in values.items())


def _packed(one: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(one)
    return packed


def _metadata(headers: Iterable[Any]) -> Sequence[tuple[str, str | bytes]]:
    return [(header.name.lower(), _value(header.name, one)) for header in headers for one in header.value]


def _value(name: str, text: str) -> str | bytes:
    return base64.b64decode(text + "==") if name.lower().endswith("-bin") else text


_BEHAVIOURS = {
    "Unary": (grpc.unary_unary_rpc_method_handler, unary),
    "ClientStream": (grpc.stream_unary_rpc_method_handler, client_stream),
    "ServerStream": (grpc.unary_stream_rpc_method_handler, server_stream),
    "BidiStream": (grpc.stream_stream_rpc_method_handler, bidi_stream),
}


def handlers() -> grpc.GenericRpcHandler:
    """Return what is mounted; Unimplemented is left out, as it has to be."""
    made: dict[str, Any] = {
        name: make(behaviour, message(f"{name}Request").FromString, lambda answer: answer.SerializeToString())
        for name, (make, behaviour) in _BEHAVIOURS.items()
    }
    return grpc.method_handlers_generic_handler(SERVICE, made)


def leave_out_own_details() -> None:
    """Have refusals say code and message alone: the suite expects no details but its servicer's own."""
    for module in (context, calls):
        setattr(module, "to_status", _without_details)  # noqa: B010 - no module's own name


def _without_details(error: RowgateError) -> Status:
    return Status(code=error.code, message=error.message)


async def start(settings: Settings, hosting: Hosting) -> Host:
    """Serve it."""
    leave_out_own_details()
    return await start_servicers(handlers(), settings, hosting)
