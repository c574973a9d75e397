"""gRPC over HTTP/2 (grpc.io, PROTOCOL-HTTP2)."""
