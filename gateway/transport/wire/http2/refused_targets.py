"""Targets that are refused before a protocol sees their requests, as they are over HTTP/1.1."""

from typing import NamedTuple

from gateway.transport.wire.headers import find
from gateway.transport.wire.http2.request_head import Head
from gateway.transport.wire.request import Header, HttpRequest
from gateway.transport.wire.targets import are_target

_GRPC = b"application/grpc"
_TEXT: Header = (b"content-type", b"text/plain; charset=utf-8")


class RefusedTarget(NamedTuple):
    """Why a target is refused.

    Args:
        status: of HTTP.
        message: for the response's body.

    """

    status: int
    message: str

    async def answer(self, request: HttpRequest) -> None:
        """Answer a request that has it; raises Gone."""
        await request.respond(self.status, (_TEXT,), f"{self.message}\n".encode())


def check_target(head: Head, limit: int) -> RefusedTarget | None:
    """Return why a request's target is refused; None where it may lead somewhere (RFC 9113, 8.3.1).

    gRPC has words of its own for a path that is no method's, and for too much metadata.

    Args:
        head: the request.
        limit: of metadata, in bytes.

    """
    if (find(head.headers, b"content-type") or b"").startswith(_GRPC):
        return None
    if len(head.path) + len(head.query) > limit:
        return RefusedTarget(414, f"the path has more than {limit} bytes")
    if are_target(head.path, head.query) or (head.path == "*" and head.method == "OPTIONS"):
        return None
    return RefusedTarget(400, "the path doesn't begin with /, or has what is to be percent-encoded")
