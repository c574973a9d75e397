"""A method as one of its routes leads to it: what its requests say, and how they are answered."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NoReturn

from gateway.config.settings import HttpSettings
from gateway.errors import InvalidArgument, RowgateError
from gateway.schema.model import Method
from gateway.schema.protojson.form import JsonForm
from gateway.schema.routes import Route
from gateway.transport.protocols.calls import Calls, ProtocolCall, Response
from gateway.transport.protocols.messages import Convert, RequestMessages
from gateway.transport.protocols.rest.binding import Binding
from gateway.transport.protocols.rest.headers import read_headers
from gateway.transport.protocols.rest.plain import PlainMethod
from gateway.transport.protocols.rest.query import query_pairs
from gateway.transport.protocols.rest.responses import StreamedResponse, WholeResponse
from gateway.transport.protocols.rest.streams import EVENTS, LINES, stream_form
from gateway.transport.served_method import ServedMethod
from gateway.transport.wire.headers import media_type_of, named
from gateway.transport.wire.request import HttpRequest

_RESUME_TOKEN = "resume_token"  # noqa: S105 - a field's name
_TOKEN_NAMES = (_RESUME_TOKEN, "resumeToken")
_LAST_EVENT = b"last-event-id"

_Headers = Mapping[bytes, bytes]


class RoutedMethod:
    """A method, as one of its routes leads to it.

    Args:
        method: the method.
        route: the route.
        http: how JSON is written.
        served: answers its calls.

    """

    def __init__(self, method: Method, route: Route, http: HttpSettings, served: ServedMethod) -> None:
        descriptor = method.descriptor
        self.path = method.path
        self.streams = bool(descriptor.client_streaming or descriptor.server_streaming)
        self._takes_stream = bool(descriptor.client_streaming)
        self._gives_stream = bool(descriptor.server_streaming)
        self._takes_token = _RESUME_TOKEN in method.request
        self._binding = Binding(method, route)
        self._json = JsonForm(
            descriptor.output_type,
            route.response_body,
            proto_names=http.json_proto_names,
            defaults=http.json_defaults,
        )
        self.plain: PlainMethod | None = None
        if not (self.streams or self._takes_token):
            self.plain = PlainMethod(served.name, served.answer, self._binding.request, self._json)

    def call(
        self, request: HttpRequest, segments: Sequence[str], served: ServedMethod, calls: Calls
    ) -> ProtocolCall:
        """Return the call that a request is; what is wrong with it is told when its body has been read.

        Args:
            request: the request.
            segments: of its path, as the router returns them.
            served: the method.
            calls: runs it.

        """
        headers = named(request.headers)
        unpacked = packed = remaining = None
        try:
            (unpacked, packed), remaining = read_headers(headers)
            if self._takes_stream:
                decode = self._line_decoder(request, headers, unpacked)
            else:
                content_type = headers.get(b"content-type", b"")
                event = headers.get(_LAST_EVENT) if self._takes_token else None
                decode = partial(self._request, segments, request.query, content_type, event)
        except RowgateError as error:
            decode = partial(_refuse, error)
        messages: RequestMessages = (
            calls.lines(request, decode)
            if self._takes_stream
            else calls.whole_body(request, unpacked, decode)
        )
        response: Response = (
            self._streamed(request, headers)
            if self._gives_stream
            else WholeResponse(request, self._json, packed)
        )
        return calls.begin(request, served, messages, response, remaining=remaining)

    def _line_decoder(self, request: HttpRequest, headers: _Headers, encoding: str | None) -> Convert:
        """Return what makes a request of each line of a body; raises InvalidArgument for another body."""
        kind = media_type_of(headers.get(b"content-type", b""))
        if kind != LINES or request.query or encoding is not None:
            raise _not_lines()
        return partial(self._binding.request, (), ())

    def _request(
        self, segments: Sequence[str], query: str, content_type: bytes, event: bytes | None, body: bytes
    ) -> bytes:
        if body and not _is_json(media_type_of(content_type)):
            raise InvalidArgument(
                "the body has to be JSON, with content-type application/json", reason="CONTENT_TYPE_NOT_JSON"
            )
        pairs: Iterable[tuple[str, str]] = query_pairs(query) if query else ()
        if event:  # where a client was when its connection was lost, rather than where it began
            token = event.decode("latin-1")
            pairs = [*(pair for pair in pairs if pair[0] not in _TOKEN_NAMES), (_RESUME_TOKEN, token)]
        return self._binding.request(segments, pairs, body)

    def _streamed(self, request: HttpRequest, headers: _Headers) -> StreamedResponse:
        form = stream_form(headers.get(b"accept", b""))
        resumed = _LAST_EVENT in headers and form.content_type == EVENTS
        return StreamedResponse(request, self._json, form, resumed=resumed)


def _refuse(error: RowgateError, _body: bytes) -> NoReturn:
    raise error


def _is_json(content_type: bytes) -> bool:
    return content_type in (b"", b"application/json") or content_type.endswith(b"+json")


def _not_lines() -> InvalidArgument:
    return InvalidArgument(
        "a stream of requests is lines of JSON, with content-type application/x-ndjson, "
        "neither compressed nor with parameters in the URL",
        reason="CONTENT_TYPE_NOT_JSON",
    )
