"""The hosts that a process of ours listens with; Envoy's listens itself."""

from collections.abc import Mapping

from gateway.transport.host import PrivateHosting
from gateway.transport.http_server import HttpServer
from gateway.transport.server import GrpcServer

HOSTINGS: Mapping[str, PrivateHosting] = {"grpcio": GrpcServer, "http2": HttpServer}
"""By the transport's name."""
