"""Callers are let in before path and form of a request are looked at: others learn nothing of what is served.

A path that leads nowhere, a method that a caller may not call and one that is called in a wrong form have the
same answer then, by the form of the request alone. Plain calls of gRPC, whose method is known and whose form
is right, need no look beforehand: their refusal is the same, and comes from the dispatcher.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic

from gateway.errors import RowgateError
from gateway.transport.authorization import Authorization
from gateway.transport.dispatch import Dispatcher
from gateway.transport.exchange import REQUEST_ID, Exchange, Reply
from gateway.transport.protocols.calls import record_of
from gateway.transport.protocols.connect.streams import StreamResponse
from gateway.transport.protocols.connect.unary import UnaryResponse
from gateway.transport.protocols.grpc.response import GrpcResponse
from gateway.transport.protocols.refused_requests import pass_over
from gateway.transport.protocols.rest.responses import respond_error
from gateway.transport.wire.headers import find
from gateway.transport.wire.request import HttpRequest

_REQUEST_ID = REQUEST_ID.encode()
_GRPC, _CONNECT_STREAM, _PROTO = b"application/grpc", b"application/connect+", b"application/proto"
_METHOD = re.compile(r"/\w+(\.\w+)+/\w+")
"""How the paths of methods look; hardly any route does."""

PathOf = Callable[[HttpRequest], str | None]
"""Returns the path of the method that a request of a protocol calls; None where it calls none."""


class CallerCheck:
    """Lets requests through whose callers may learn what they ask for.

    Args:
        authorization: says who may.
        dispatcher: tells of the calls that are refused.
        paths: find the method of a request, of one protocol each.

    """

    def __init__(self, authorization: Authorization, dispatcher: Dispatcher, paths: Sequence[PathOf]) -> None:
        self._authorization = authorization
        self._dispatcher = dispatcher
        self._paths = tuple(paths)

    def admit(
        self, request: HttpRequest, content_type: bytes, answer: Callable[[], Awaitable[None]]
    ) -> Awaitable[None]:
        """Return what answers a request, which raises Gone: `answer`, once its caller is let in."""
        path, arrived = self._path(request), monotonic()
        if path in self._dispatcher.open_paths:
            return answer()
        try:
            request.principal = self._authorization.recall(request.headers, request.certificate)
            if request.principal is not None:
                self._authorization.require(path, request.principal, unknown=True)
        except RowgateError as error:
            return self._refuse(request, content_type, _refused(request, path, arrived), error)
        if request.principal is None:
            return self._admit_later(request, content_type, path, arrived, answer)
        return answer()

    async def _admit_later(
        self,
        request: HttpRequest,
        content_type: bytes,
        path: str,
        arrived: float,
        answer: Callable[[], Awaitable[None]],
    ) -> None:
        authorization = self._authorization
        try:
            request.principal = await authorization.identify(request.headers, request.certificate)
            authorization.require(path, request.principal, unknown=True)
        except RowgateError as error:
            await self._refuse(request, content_type, _refused(request, path, arrived), error)
        else:
            await answer()

    def _path(self, request: HttpRequest) -> str:
        """Return the path of the method that a request calls, or its own where that is no method's."""
        found = (path for path_of in self._paths if (path := path_of(request)) is not None)
        return next(found, request.path)

    async def _refuse(
        self, request: HttpRequest, content_type: bytes, exchange: Exchange, error: RowgateError
    ) -> None:
        """Answer with a refusal, in the form of the request, whatever it calls."""
        status = self._dispatcher.refuse(exchange, error)
        response: GrpcResponse | StreamResponse | UnaryResponse
        if content_type.startswith(_GRPC):
            response = GrpcResponse(request, content_type)
        elif content_type.startswith(_CONNECT_STREAM):
            response = StreamResponse(request, content_type)
        elif _is_unary_connect(request, content_type):
            response = UnaryResponse(request, content_type)
        else:
            await pass_over(request)
            await respond_error(request, status, ((_REQUEST_ID, exchange.record.request_id.encode()),))
            return
        response.exchange = exchange
        await response.end(Reply(status=status))


def _refused(request: HttpRequest, path: str, arrived: float) -> Exchange:
    """Return the call that a request would have been."""
    record = record_of(request, path.removeprefix("/"))
    if request.principal is not None:
        record.principal = request.principal.name
    return Exchange(b"", record, arrived, headers=request.headers)


def _is_unary_connect(request: HttpRequest, content_type: bytes) -> bool:
    said = content_type == _PROTO or find(request.headers, b"connect-protocol-version") is not None
    return said or _METHOD.fullmatch(request.path) is not None
