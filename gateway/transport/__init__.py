"""How calls arrive and answers leave: what any host of RPCs needs, and the grpc.aio server."""
