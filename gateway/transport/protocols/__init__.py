"""The protocols of calls over HTTP: gRPC, gRPC-Web, Connect and REST, each to and from exchanges."""
