"""The servers, by the transport that a setting names."""

from collections.abc import Mapping

from gateway.transport.grpcio.server import GrpcServer
from gateway.transport.http_server import HttpServer
from gateway.transport.server import ServerFactory

SERVERS: Mapping[str, ServerFactory] = {"http": HttpServer, "grpcio": GrpcServer}
