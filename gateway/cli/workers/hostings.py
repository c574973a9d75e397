"""The hosts that a process of ours listens with; Envoy's listens itself."""

from collections.abc import Mapping

from gateway.transport.host import PrivateHosting
from gateway.transport.server import GrpcServer
from gateway.transport.wire.http2.host import Http2Host

HOSTINGS: Mapping[str, PrivateHosting] = {"grpcio": GrpcServer, "http2": Http2Host}
"""By the transport's name."""
