"""The servers, by the transport that a setting names."""

from collections.abc import Mapping

from gateway.config.settings import Settings
from gateway.transport.http_server import HttpServer
from gateway.transport.served_api import ServedApi
from gateway.transport.server import Server, ServerFactory


def _grpc_server(api: ServedApi, settings: Settings) -> Server:
    from gateway.transport.grpcio.server import GrpcServer  # noqa: PLC0415 - HttpServer does without grpc core

    return GrpcServer(api, settings)


SERVERS: Mapping[str, ServerFactory] = {"http": HttpServer, "grpcio": _grpc_server}
