"""The Responder of REST: finds the route of a request, and has its method called."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial

from gateway.config.settings import EdgeSettings, Settings
from gateway.errors import InvalidArgument, RowgateError, Unimplemented
from gateway.errors.status import to_status
from gateway.schema.model import Method
from gateway.schema.routes import Route
from gateway.transport.protocols.calls import Calls
from gateway.transport.protocols.encodings import negotiate
from gateway.transport.protocols.grpc.headers import read_timeout
from gateway.transport.protocols.messages import RequestMessages
from gateway.transport.protocols.rest.binding import Binding
from gateway.transport.protocols.rest.openapi.document import PATH as DOCUMENT
from gateway.transport.protocols.rest.openapi.document import openapi_document
from gateway.transport.protocols.rest.query import query_pairs
from gateway.transport.protocols.rest.responses import (
    StreamedResponse,
    WholeResponse,
    respond_error,
    respond_json,
)
from gateway.transport.protocols.rest.router import Router
from gateway.transport.protocols.rest.streams import LINES, stream_form
from gateway.transport.protocols.rest.writers import response_writer
from gateway.transport.served_api import ServedApi
from gateway.transport.wire.headers import BadHeader
from gateway.transport.wire.request import Gone, HttpRequest

_READS = ("GET", "HEAD")
_RESUME_TOKEN = "resume_token"  # noqa: S105 - a field's name
_LAST_EVENT = b"last-event-id"

_Headers = Mapping[bytes, bytes]


class RestMethod:
    """A method, as one of its routes leads to it.

    Args:
        method: the method.
        route: the route.
        edge: how JSON is written.

    """

    def __init__(self, method: Method, route: Route, edge: EdgeSettings) -> None:
        descriptor = method.descriptor
        self.path = method.path
        self.streams = bool(descriptor.client_streaming or descriptor.server_streaming)
        self._takes_stream = bool(descriptor.client_streaming)
        self._takes_token = _RESUME_TOKEN in method.request
        self._binding = Binding(method, route)
        self._response = descriptor.output_type
        self._write = response_writer(descriptor.output_type, route.response_body, edge)

    def messages(
        self,
        request: HttpRequest,
        headers: _Headers,
        segments: Sequence[str],
        calls: Calls,
        encoding: str | None,
    ) -> RequestMessages:
        """Return what a request holds; raises RowgateError where it can't be read."""
        content_type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if self._takes_stream:
            if request.query or encoding is not None:
                raise _not_lines()
            return calls.lines(request, partial(self._line, content_type))
        event = headers.get(_LAST_EVENT) if self._takes_token else None
        decode = partial(self._request, segments, request.query, content_type, event)
        return calls.whole_body(request, encoding, decode)

    def _line(self, content_type: bytes, line: bytes) -> bytes:
        if content_type != LINES:
            raise _not_lines()
        return self._binding.request((), (), line)

    def _request(
        self, segments: Sequence[str], query: str, content_type: bytes, event: bytes | None, body: bytes
    ) -> bytes:
        if body and not _is_json(content_type):
            raise InvalidArgument(
                "the body has to be JSON, with content-type application/json", reason="CONTENT_TYPE_NOT_JSON"
            )
        pairs: Iterable[tuple[str, str]] = query_pairs(query) if query else ()
        if event:  # where a client was when its connection was lost, rather than where it began
            token = event.decode("latin-1")
            pairs = [*(pair for pair in pairs if pair[0] not in _TOKEN_NAMES), (_RESUME_TOKEN, token)]
        return self._binding.request(segments, pairs, body)

    def response(
        self, request: HttpRequest, headers: _Headers, encoding: str | None
    ) -> WholeResponse | StreamedResponse:
        """Return what answers a request."""
        if not self.streams:
            return WholeResponse(request, self._write, encoding)
        form = stream_form(headers.get(b"accept", b""), self._response)
        return StreamedResponse(request, self._write, form, resumed=_LAST_EVENT in headers)


class Rest:
    """Answers requests to the routes of methods.

    Args:
        methods: those of a schema.
        calls: runs calls of them.
        edge: how JSON is written.
        document: makes the OpenAPI document; None where none is shown.

    """

    def __init__(
        self,
        methods: Iterable[Method],
        calls: Calls,
        edge: EdgeSettings,
        document: Callable[[], bytes] | None = None,
    ) -> None:
        self._calls = calls
        self._document = None if document is None else cache(document)
        self._router: Router[RestMethod] = Router()
        found = [(route, RestMethod(method, route, edge)) for method in methods for route in method.routes]
        for route, target in found:
            if route.verb == "GET" and not target.streams:
                self._router.add("HEAD", route.template, target)
        for route, target in found:
            self._router.add(route.verb, route.template, target)

    @classmethod
    def of(cls, api: ServedApi, calls: Calls, settings: Settings) -> "Rest":
        """Return what answers the routes of an API, with its document where reflection is on."""
        names = settings.edge.json_proto_names
        document = partial(openapi_document, api.methods, api.descriptors, proto_names=names)
        return cls(api.methods, calls, settings.edge, document if settings.server.reflection else None)

    def serves(self, path: str) -> bool:
        """Whether a path is that of a route, by some HTTP method, or of the document."""
        return bool(self._router.methods(path)) or (path == DOCUMENT and self._document is not None)

    async def __call__(self, request: HttpRequest) -> None:
        """Answer a request to a path of a route."""
        with suppress(Gone):
            try:
                await self._answer(request)
            except RowgateError as error:
                await respond_error(request, to_status(error))

    async def _answer(self, request: HttpRequest) -> None:
        found = self._router.find(request.method, request.path)
        if found is None:
            await self._answer_otherwise(request)
            return
        target, segments = found
        method = self._calls.method(request, target.path)
        headers = dict(request.headers)
        encodings = negotiate(headers.get(b"content-encoding"), headers.get(b"accept-encoding", b""))
        messages = target.messages(request, headers, segments, self._calls, encodings.request)
        response = target.response(request, headers, encodings.response)
        call = self._calls.begin(
            request, method, messages, remaining=_timeout(headers), send=response.send, end=response.end
        )
        response.exchange = call.exchange
        await self._calls.run(request, call)

    async def _answer_otherwise(self, request: HttpRequest) -> None:
        """Answer what isn't a call: with the document, or with the methods that the path is asked by."""
        allowed = sorted(self._router.methods(request.path))
        if not allowed and self._document is not None:
            if request.method in _READS:
                await respond_json(request, 200, self._document(), ())
                return
            allowed = list(_READS)
        error = Unimplemented(
            f"{request.method} isn't what this path is asked by: {', '.join(allowed)}",
            reason="METHOD_NOT_ALLOWED",
        )
        await respond_error(request, to_status(error), ((b"allow", ", ".join(allowed).encode()),))


_TOKEN_NAMES = (_RESUME_TOKEN, "resumeToken")


def _is_json(content_type: bytes) -> bool:
    return content_type in (b"", b"application/json") or content_type.endswith(b"+json")


def _timeout(headers: _Headers) -> float | None:
    """Return the seconds until the caller's deadline; None where it sets none."""
    sent = headers.get(b"grpc-timeout")
    if sent is None:
        return None
    try:
        return read_timeout(sent)
    except BadHeader as error:
        raise InvalidArgument(
            "grpc-timeout: has to be a number of at most eight digits and a unit, such as 500m or 5S",
            reason="INVALID_TIMEOUT",
        ) from error


def _not_lines() -> InvalidArgument:
    return InvalidArgument(
        "a stream of requests is lines of JSON, with content-type application/x-ndjson, "
        "neither compressed nor with parameters in the URL",
        reason="CONTENT_TYPE_NOT_JSON",
    )
