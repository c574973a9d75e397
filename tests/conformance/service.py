"""The service that the conformance suite calls, as its protos describe it.

The descriptors are of the suite's own protos; `make test-tools` lays them beside the runner.
"""

import asyncio
import base64
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.descriptor_pool import Default
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import code_pb2
from google.rpc.status_pb2 import Status

from gateway.config.settings import Settings
from gateway.errors import OutOfRange, RowgateError
from gateway.schema.protos.sources import load_descriptor_set
from gateway.transport.exchange import Exchange, Reply, ResponseMetadata
from gateway.transport.grpcio import handlers
from gateway.transport.protocols import calls, routing
from gateway.transport.served_method import ServedMethod
from gateway.transport.server import Server, ServerFactory
from gateway.transport.wire.headers import read_metadata
from tests.harness import mounted
from tests.harness.mounted import start_methods
from tests.harness.sample import ROOT

DESCRIPTORS = ROOT / ".tools" / "conformance.binpb"
SERVICE = "connectrpc.conformance.v1.ConformanceService"
_PACKAGE = "connectrpc.conformance.v1"


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


async def unary(exchange: Exchange) -> Reply:
    """Answer one request with one message, or an error."""
    return await _answer([_read("UnaryRequest", exchange.request)], exchange, "UnaryResponse")


async def idempotent_unary(exchange: Exchange) -> Reply:
    """Answer as Unary: clients may call it by GET."""
    request = _read("IdempotentUnaryRequest", exchange.request)
    return await _answer([request], exchange, "IdempotentUnaryResponse")


async def client_stream(exchange: Exchange) -> Reply:
    """Answer all requests with one message, or an error, as the first one says."""
    received = [request async for request in _requests(exchange, "ClientStreamRequest")]
    return await _answer(received, exchange, "ClientStreamResponse")


async def server_stream(exchange: Exchange) -> Reply:
    """Answer one request with the messages that it asks for."""
    request = _read("ServerStreamRequest", exchange.request)
    definition = request.response_definition
    _begin(definition, exchange)
    for number, data in enumerate(definition.response_data):
        info = _observed([request], exchange) if number == 0 else None
        await _send("ServerStreamResponse", data, info, definition, exchange)
    return _end(definition, [] if definition.response_data else [request], exchange)


async def bidi_stream(exchange: Exchange) -> Reply:
    """Answer each request as it comes, or all of them at their end, as the first one says."""
    received: list[Any] = []
    definition, sent = None, 0
    async for request in _requests(exchange, "BidiStreamRequest"):
        received.append(request)
        if definition is None:
            definition, full_duplex = request.response_definition, request.full_duplex
            _begin(definition, exchange)
        if not full_duplex:
            continue
        if sent == len(definition.response_data):
            break
        info = _observed(received, exchange) if sent == 0 else request_info(received)
        await _send("BidiStreamResponse", definition.response_data[sent], info, definition, exchange)
        received, sent = [], sent + 1
    if definition is None:
        return Reply()
    for data in definition.response_data[sent:]:
        info = _observed(received, exchange) if sent == 0 else None
        await _send("BidiStreamResponse", data, info, definition, exchange)
        sent += 1
    return _end(definition, [] if sent else received, exchange)


def _read(name: str, body: bytes) -> Any:
    return message(name).FromString(body)


async def _requests(exchange: Exchange, name: str) -> AsyncIterator[Any]:
    while (body := await exchange.messages().receive()) is not None:
        yield _read(name, body)


async def _answer(requests: Sequence[Any], exchange: Exchange, response: str) -> Reply:
    payload: Any = message("ConformancePayload")()
    payload.request_info.CopyFrom(_observed(requests, exchange))
    if requests:
        definition = requests[0].response_definition
        _begin(definition, exchange)
        await asyncio.sleep(definition.response_delay_ms / 1000)
        if definition.HasField("error"):
            return _end(definition, requests, exchange)
        payload.data = definition.response_data
    answer: Any = message(response)
    return Reply(answer(payload=payload).SerializeToString())


def _begin(definition: Any, exchange: Exchange) -> None:
    """Set what the response has beside messages and status."""
    exchange.metadata = ResponseMetadata(
        _metadata(definition.response_headers), _metadata(definition.response_trailers)
    )


async def _send(response: str, data: bytes, info: Any, definition: Any, exchange: Exchange) -> None:
    await asyncio.sleep(definition.response_delay_ms / 1000)
    payload: Any = message("ConformancePayload")(data=data)
    if info is not None:
        payload.request_info.CopyFrom(info)
    answer: Any = message(response)
    await exchange.messages().send(answer(payload=payload).SerializeToString())


def _end(definition: Any, unanswered: Sequence[Any], exchange: Exchange) -> Reply:
    """Return the error that is asked for, if any; it carries what no message has told."""
    if not definition.HasField("error"):
        return Reply()
    return Reply(status=error_status(definition, _observed(unanswered, exchange) if unanswered else None))


def error_status(definition: Any, info: Any) -> Status:
    """Return the status of the error that is asked for, with the information where there is any."""
    status = Status(code=definition.error.code, message=definition.error.message)
    status.details.extend(definition.error.details)
    if info is not None:
        status.details.append(_packed(info))
    return status


def _observed(requests: Iterable[Any], exchange: Exchange) -> Any:
    return request_info(requests, exchange.time_remaining, read_metadata(exchange.headers))


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


_ANSWERS = {
    "Unary": unary,
    "ClientStream": client_stream,
    "ServerStream": server_stream,
    "BidiStream": bidi_stream,
    "IdempotentUnary": idempotent_unary,
}


def methods() -> Iterator[ServedMethod]:
    """Yield what is served; Unimplemented is left out, as it has to be."""
    declared: Any = _pool().FindServiceByName(SERVICE)
    for name, answer in _ANSWERS.items():
        yield ServedMethod(f"/{SERVICE}/{name}", declared.methods_by_name[name], answer)


def leave_out_own_details() -> None:
    """Have refusals say code and message alone: the suite expects no details but its servicer's own."""
    for module in (handlers, calls, routing, mounted):
        setattr(module, "to_status", _as_the_suite_says)  # noqa: B010 - no module's own name


def _as_the_suite_says(error: RowgateError) -> Status:
    """Return an error's status. Requests past the limit are OUT_OF_RANGE to Rowgate, as they never fit."""
    code = code_pb2.RESOURCE_EXHAUSTED if isinstance(error, OutOfRange) else error.code
    return Status(code=code, message=error.message)


async def start(settings: Settings, make_server: ServerFactory) -> Server:
    """Serve it."""
    leave_out_own_details()
    return await start_methods(methods(), settings, make_server)
