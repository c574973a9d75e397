"""The protocol of a request, by method, content type and path, and what is refused before it is a call."""

from collections.abc import Awaitable, Callable, Container, Sequence
from functools import partial
from typing import Protocol

from google.rpc import code_pb2

from gateway.errors.status import to_status
from gateway.transport.limits.refusals import unknown_method
from gateway.transport.protocols.caller_check import CallerCheck
from gateway.transport.protocols.connect.errors import error_object, to_json
from gateway.transport.protocols.cors import Origins
from gateway.transport.protocols.grpc_web import GrpcWebRequest
from gateway.transport.protocols.refused_requests import refuse
from gateway.transport.wire.headers import find, media_type, media_type_of, named
from gateway.transport.wire.request import Header, HttpRequest, Responder

_GRPC = b"application/grpc"
_GRPC_WEB = b"application/grpc-web"
_CONNECT = (b"application/connect+", b"application/proto")
_TEXT: Sequence[Header] = ((b"content-type", b"text/plain"),)
_JSON: Sequence[Header] = ((b"content-type", b"application/json"),)
_OTHER_HOST = b"the host name isn't one of this server's: server.allowed_hosts lists them\n"
_NO_CALL = b"no call that is answered here: gRPC's have content-type application/grpc\n"
_NOWHERE = to_json({"code": code_pb2.NOT_FOUND, "message": "nothing is served at this path"})


class PathResponder(Protocol):
    """A protocol that has paths of its own."""

    def path_of(self, request: HttpRequest) -> str | None:
        """Return the path of the method that a request calls; None where it calls none."""

    def answer(self, request: HttpRequest) -> Awaitable[None] | None:
        """Return what answers a request, which raises Gone; None where its path is none of its."""


class Routing:
    """The Responder of a server's port.

    Args:
        grpc: answers gRPC.
        paths: the protocols that are known by their paths; the first that has a path answers.
        methods: the paths of the served methods.
        origins: whose pages may call.
        grpc_web: whether gRPC-Web is spoken.
        callers: lets callers in; None where everybody may call.

    """

    def __init__(
        self,
        grpc: Responder,
        paths: Sequence[PathResponder],
        methods: Container[str],
        origins: Origins,
        *,
        grpc_web: bool,
        callers: CallerCheck | None = None,
    ) -> None:
        self._grpc = grpc
        self._paths = tuple(paths)
        self._methods = methods
        self._origins = origins
        self._grpc_web = grpc_web
        self._callers = callers

    def __call__(self, request: HttpRequest) -> Awaitable[None]:
        """Return what answers a request, which raises Gone."""
        headers = named(request.headers)
        content_type, origin = headers.get(b"content-type", b""), headers.get(b"origin")
        if content_type:
            content_type = media_type_of(content_type)
        if request.misdirected and not _is(_GRPC, content_type):
            return refuse(request, 421, _TEXT, _OTHER_HOST)
        if origin is not None:
            return self._answer_page(request, origin, content_type)
        return self._answer(request, content_type)

    async def _answer_page(self, request: HttpRequest, origin: bytes, content_type: bytes) -> None:
        page = await self._origins.admit(request, origin)
        if page is not None:
            await self._answer(page, content_type)

    def _answer(self, request: HttpRequest, content_type: bytes) -> Awaitable[None]:
        if content_type.startswith(_GRPC):
            if _is(_GRPC, content_type):
                return self._admit(request, content_type, partial(self._grpc, request))
            if self._grpc_web and content_type.startswith(_GRPC_WEB):
                page = GrpcWebRequest(request, content_type)
                return self._admit(page, media_type(page.headers), partial(self._grpc, page))
        if self._callers is None:
            return self._answer_by_path(request, content_type)
        return self._callers.admit(
            request, content_type, partial(self._answer_by_path, request, content_type)
        )

    def _admit(
        self, request: HttpRequest, content_type: bytes, answer: Callable[[], Awaitable[None]]
    ) -> Awaitable[None]:
        return answer() if self._callers is None else self._callers.admit(request, content_type, answer)

    def _answer_by_path(self, request: HttpRequest, content_type: bytes) -> Awaitable[None]:
        for protocol in self._paths:
            answer = protocol.answer(request)
            if answer is not None:
                return answer
        if request.path in self._methods:
            return refuse(request, 415, _TEXT, _NO_CALL)
        if content_type.startswith(_CONNECT) or find(request.headers, b"connect-protocol-version"):
            return refuse(request, 404, _JSON, to_json(error_object(to_status(unknown_method()))))
        return refuse(request, 404, _JSON, _NOWHERE)


def _is(kind: bytes, content_type: bytes) -> bool:
    """Whether a content type is a kind's, or one of its subformats (`kind+proto`)."""
    return content_type == kind or content_type.startswith(kind + b"+")
