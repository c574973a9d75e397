"""What calls look like on HTTP: gRPC, gRPC-Web, Connect and REST, each to and from exchanges."""
