"""Envoy's filters before the application, in the order in which a request meets them.

They are off until a route switches them on (gateway.transport.envoy.routes).
"""

from collections.abc import Mapping

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.config.settings import EdgeSettings, LimitSettings
from gateway.transport.envoy.connect import bridge, version_header
from gateway.transport.envoy.names import (
    BUFFER,
    CONNECT,
    CONNECT_HEADER,
    CORS,
    FILTERS,
    GRPC_WEB,
    TRANSCODER,
    Config,
)
from gateway.transport.envoy.rest import transcoder


def edge_filters(
    descriptors: FileDescriptorSet, edge: EdgeSettings, limits: LimitSettings
) -> Mapping[str, Config]:
    """Return the filters that the settings and the schema call for, by name."""
    wanted = {
        CORS: cors() if edge.allowed_origins else None,
        GRPC_WEB: grpc_web() if edge.grpc_web else None,
        CONNECT_HEADER: version_header() if edge.connect else None,
        BUFFER: buffer(limits) if edge.rest or edge.connect else None,
        CONNECT: bridge() if edge.connect else None,
        TRANSCODER: transcoder(descriptors, edge, limits) if edge.rest else None,
    }
    return {
        name: {"name": name, "typed_config": config, "disabled": True}
        for name, config in wanted.items()
        if config is not None
    }


def cors() -> Config:
    """Return what tells browsers that a page may call; which pages is the route's policy."""
    return {"@type": f"{FILTERS}.cors.v3.Cors"}


def grpc_web() -> Config:
    """Return what makes gRPC of gRPC-Web, binary or text, and trailers the end of the answer's body."""
    return {"@type": f"{FILTERS}.grpc_web.v3.GrpcWeb"}


def buffer(limits: LimitSettings) -> Config:
    """Return what bounds a body that the next filters have to hold as a whole, and more than once."""
    return {"@type": f"{FILTERS}.buffer.v3.Buffer", "max_request_bytes": limits.max_request_bytes}
