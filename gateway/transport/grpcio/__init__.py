"""grpc.aio's server: the fallback, and the measure of what is right in gRPC."""
