"""grpc.testing.TestService, as the descriptions of gRPC's interoperability tests have it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gateway.config.settings import Settings
from gateway.schema.sources import compile_protos
from gateway.transport.host import Host, Hosting
from tests.harness.mounted import start_servicers

SERVICE = "grpc.testing.TestService"
_INITIAL, _TRAILING = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def _messages() -> dict[str, type[Message]]:
    pool: Any = DescriptorPool()
    (file,) = compile_protos(Path(__file__).parent / "protos").file
    pool.Add(file)
    return {
        one.name: GetMessageClass(pool.FindMessageTypeByName(f"grpc.testing.{one.name}"))
        for one in file.message_type
    }


_MESSAGES: dict[str, Any] = _messages()


async def empty_call(_request: Any, _context: Any) -> Any:
    """Answer nothing with nothing."""
    return _MESSAGES["Empty"]()


async def unary_call(request: Any, context: Any) -> Any:
    """Answer with a payload of the size that is asked for, or the status."""
    await _echo(context)
    await _fail(request, context)
    server = "this one" if request.fill_server_id else ""
    return _MESSAGES["SimpleResponse"](payload=_payload(request.response_size), server_id=server)


async def streaming_output_call(request: Any, context: Any) -> None:
    """Answer with payloads of the sizes that are asked for, at their intervals."""
    for wanted in request.response_parameters:
        await asyncio.sleep(wanted.interval_us / 1_000_000)
        await context.write(_MESSAGES["StreamingOutputCallResponse"](payload=_payload(wanted.size)))


async def streaming_input_call(requests: AsyncIterator[Any], _context: Any) -> Any:
    """Answer with the size of all payloads."""
    size = sum([len(request.payload.body) async for request in requests])
    return _MESSAGES["StreamingInputCallResponse"](aggregated_payload_size=size)


async def full_duplex_call(requests: AsyncIterator[Any], context: Any) -> None:
    """Answer each request as it comes."""
    await _echo(context)
    async for request in requests:
        await _fail(request, context)
        await streaming_output_call(request, context)


async def _echo(context: Any) -> None:
    """Send the caller's metadata back, one at the head and one at the end."""
    sent = dict(context.invocation_metadata())
    if _TRAILING in sent:
        context.set_trailing_metadata(((_TRAILING, sent[_TRAILING]),))
    if _INITIAL in sent:
        await context.send_initial_metadata(((_INITIAL, sent[_INITIAL]),))


async def _fail(request: Any, context: Any) -> None:
    if request.response_status.code:
        await context.abort(_CODES[request.response_status.code], request.response_status.message)


def _payload(size: int) -> Any:
    return _MESSAGES["Payload"](body=bytes(size))


def _handlers() -> grpc.GenericRpcHandler:
    """Return what is mounted; UnimplementedCall is left out, as it has to be."""
    behaviours: dict[str, tuple[Any, Any, str]] = {
        "EmptyCall": (grpc.unary_unary_rpc_method_handler, empty_call, "Empty"),
        "UnaryCall": (grpc.unary_unary_rpc_method_handler, unary_call, "SimpleRequest"),
        "StreamingOutputCall": (
            grpc.unary_stream_rpc_method_handler,
            streaming_output_call,
            "StreamingOutputCallRequest",
        ),
        "StreamingInputCall": (
            grpc.stream_unary_rpc_method_handler,
            streaming_input_call,
            "StreamingInputCallRequest",
        ),
        "FullDuplexCall": (
            grpc.stream_stream_rpc_method_handler,
            full_duplex_call,
            "StreamingOutputCallRequest",
        ),
    }
    made = {
        name: make(behaviour, _MESSAGES[request].FromString, lambda answer: answer.SerializeToString())
        for name, (make, behaviour, request) in behaviours.items()
    }
    return grpc.method_handlers_generic_handler(SERVICE, made)


async def start(settings: Settings, hosting: Hosting) -> Host:
    """Serve it."""
    return await start_servicers(_handlers(), settings, hosting)
