"""gRPC over HTTP/2 in the event loop itself (RFC 9113): no thread and no process between socket and call."""
