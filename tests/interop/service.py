"""grpc.testing.TestService, as the descriptions of gRPC's interoperability tests have it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from google.rpc.status_pb2 import Status

from gateway.config.settings import Settings
from gateway.schema.protos.sources import compile_protos
from gateway.transport.exchange import Channel, Exchange, Reply, ResponseMetadata
from gateway.transport.served_method import ServedMethod
from gateway.transport.server import Server, ServerFactory
from gateway.transport.wire.headers import read_metadata
from tests.harness.mounted import start_methods

SERVICE = "grpc.testing.TestService"
_INITIAL, _TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"


def _pool() -> Any:
    pool: Any = DescriptorPool()
    (file,) = compile_protos(Path(__file__).parent / "protos").file
    pool.Add(file)
    return pool


_POOL = _pool()


def _message(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"grpc.testing.{name}"))


_OUTPUT_RESPONSE = _message("StreamingOutputCallResponse")
_OUTPUT_REQUEST = _message("StreamingOutputCallRequest")
_INPUT_REQUEST = _message("StreamingInputCallRequest")


async def empty_call(_exchange: Exchange) -> Reply:
    """Answer nothing with nothing."""
    return Reply()


async def unary_call(exchange: Exchange) -> Reply:
    """Answer with a payload of the size that is asked for, or the status."""
    request = _message("SimpleRequest").FromString(exchange.request)
    _echo(exchange)
    if request.response_status.code:
        return _error(request)
    server = "this one" if request.fill_server_id else ""
    response = _message("SimpleResponse")(payload=_payload(request.response_size), server_id=server)
    return Reply(response.SerializeToString())


async def streaming_output_call(exchange: Exchange) -> Reply:
    """Answer with payloads of the sizes that are asked for, at their intervals."""
    await _send_payloads(_OUTPUT_REQUEST.FromString(exchange.request), exchange.messages())
    return Reply()


async def streaming_input_call(exchange: Exchange) -> Reply:
    """Answer with the size of all payloads."""
    size, requests = 0, exchange.messages()
    while (body := await requests.receive()) is not None:
        size += len(_INPUT_REQUEST.FromString(body).payload.body)
    response = _message("StreamingInputCallResponse")(aggregated_payload_size=size)
    return Reply(response.SerializeToString())


async def full_duplex_call(exchange: Exchange) -> Reply:
    """Answer each request as it comes."""
    _echo(exchange)
    channel = exchange.messages()
    while (body := await channel.receive()) is not None:
        request = _OUTPUT_REQUEST.FromString(body)
        if request.response_status.code:
            return _error(request)
        await _send_payloads(request, channel)
    return Reply()


def _echo(exchange: Exchange) -> None:
    """Have the caller's metadata sent back, one at the head and one at the end."""
    sent = dict(read_metadata(exchange.headers))
    exchange.metadata = ResponseMetadata(
        *([(name, sent[name])] if name in sent else [] for name in (_INITIAL, _TRAILING))
    )


def _error(request: Any) -> Reply:
    return Reply(status=Status(code=request.response_status.code, message=request.response_status.message))


async def _send_payloads(request: Any, channel: Channel) -> None:
    for wanted in request.response_parameters:
        await asyncio.sleep(wanted.interval_us / 1_000_000)
        await channel.send(_OUTPUT_RESPONSE(payload=_payload(wanted.size)).SerializeToString())


def _payload(size: int) -> Any:
    return _message("Payload")(body=bytes(size))


_ANSWERS = {
    "EmptyCall": empty_call,
    "UnaryCall": unary_call,
    "StreamingOutputCall": streaming_output_call,
    "StreamingInputCall": streaming_input_call,
    "FullDuplexCall": full_duplex_call,
}


def _methods() -> Iterator[ServedMethod]:
    for method in _POOL.FindServiceByName(SERVICE).methods:
        yield ServedMethod(f"/{SERVICE}/{method.name}", method, _ANSWERS[method.name])


async def start(settings: Settings, make_server: ServerFactory) -> Server:
    """Serve it."""
    return await start_methods(_methods(), settings, make_server)
