"""Answers to requests that are no gRPC calls."""

import json
from collections.abc import Sequence

from google.rpc import code_pb2

from gateway.transport.asgi.headers import Header, find
from gateway.transport.asgi.stream import Send

_FOREIGN_PAGE = "pages of this origin may not call: edge.allowed_origins doesn't name it"
_NO_CALL = "this is no call that is answered here: gRPC has content-type application/grpc"


async def refuse(headers: Sequence[Header], send: Send) -> None:
    """Say why there is no answer, as a google.rpc.Status.

    A request that a page sends is refused for its origin: those of the allowed ones come here as calls.
    """
    if find(headers, b"origin") is not None:
        await _answer(send, 403, code_pb2.PERMISSION_DENIED, _FOREIGN_PAGE)
    else:
        # PROTOCOL-HTTP2: 415 for another content type.
        await _answer(send, 415, code_pb2.INVALID_ARGUMENT, _NO_CALL)


async def _answer(send: Send, status: int, code: int, message: str) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    body = json.dumps({"code": code, "message": message}).encode()
    await send({"type": "http.response.body", "body": body})
