"""The hosts that a process of ours listens with."""

from collections.abc import Mapping

from gateway.transport.grpcio.server import GrpcServer
from gateway.transport.host import Hosting
from gateway.transport.http_server import HttpServer

HOSTINGS: Mapping[str, Hosting] = {"http": HttpServer, "grpcio": GrpcServer}
"""By the transport's name."""
