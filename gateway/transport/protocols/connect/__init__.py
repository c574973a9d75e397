"""The Connect protocol (connectrpc.com/docs/protocol): HttpRequest to Exchange, and its answer back."""
