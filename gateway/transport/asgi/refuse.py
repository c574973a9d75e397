"""Answers to requests that are no gRPC calls."""

from collections.abc import Sequence

from gateway.transport.asgi.stream import Send
from gateway.transport.wire.headers import find
from gateway.transport.wire.request import Header

_FOREIGN_PAGE = b"pages of this origin may not call: edge.allowed_origins doesn't name it\n"
_OTHER_HOST = b"this server isn't called by that name: server.hosts names those that it has\n"
_NO_CALL = b"no call that is answered here: gRPC's have content-type application/grpc\n"
_METHOD_NOT_ALLOWED = 405
_NOT_POST = b"calls of gRPC are made by POST\n"


async def refuse(
    headers: Sequence[Header], send: Send, *, is_grpc: bool = False, misdirected: bool = False
) -> None:
    """Say why there is no answer; 421 to a request by a name that isn't the server's (RFC 9110, 15.5.20).

    What a page sends is refused for its origin: a call of an allowed one comes here as gRPC.
    """
    # PROTOCOL-HTTP2: 415 for another content type; then 405 for another method, as grpc-go answers.
    status, text = (_METHOD_NOT_ALLOWED, _NOT_POST) if is_grpc else (415, _NO_CALL)
    if find(headers, b"origin") is not None:
        status, text = 403, _FOREIGN_PAGE
    if misdirected:
        status, text = 421, _OTHER_HOST
    allowed = [(b"allow", b"POST")] if status == _METHOD_NOT_ALLOWED else []
    said = [(b"content-type", b"text/plain"), *allowed]
    await send({"type": "http.response.start", "status": status, "headers": said})
    await send({"type": "http.response.body", "body": text})
