"""Answers to requests that are no gRPC calls."""

from collections.abc import Sequence

from gateway.transport.asgi.headers import Header, find
from gateway.transport.asgi.stream import Send

_FOREIGN_PAGE = b"pages of this origin may not call: edge.allowed_origins doesn't name it\n"
_NO_CALL = b"no call that is answered here: gRPC's have content-type application/grpc\n"


async def refuse(headers: Sequence[Header], send: Send) -> None:
    """Say why there is no answer.

    What a page sends is refused for its origin: a call of an allowed one comes here as gRPC.
    """
    # PROTOCOL-HTTP2: 415 for another content type.
    status, text = (415, _NO_CALL) if find(headers, b"origin") is None else (403, _FOREIGN_PAGE)
    start = {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"text/plain")]}
    await send(start)
    await send({"type": "http.response.body", "body": text})
