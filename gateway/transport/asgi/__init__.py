"""A gRPC server as an ASGI application, with the interface of grpc.aio.Server.

Any grpc.aio servicer mounts unchanged: `add_XServicer_to_server(servicer, server)`. HTTP/2 is the host's: it
has to hand over trailers (the `http.response.trailers` extension), as Envoy does through pyvoy.
"""

from gateway.transport.asgi.server import AsgiServer

__all__ = ["AsgiServer"]
