"""The hosts that a process of ours listens with; Envoy's listens itself."""

from collections.abc import Mapping

from gateway.transport.host import Hosting
from gateway.transport.http_server import HttpServer
from gateway.transport.server import GrpcServer

HOSTINGS: Mapping[str, Hosting] = {"grpcio": GrpcServer, "http2": HttpServer}
"""By the transport's name."""
