"""The Responder of Connect: a request's head, and what is refused by it, before its call is run."""

from collections.abc import Awaitable, Mapping
from typing import NamedTuple

from gateway.errors import InvalidArgument, RowgateError
from gateway.transport.protocols.calls import Calls, refusal
from gateway.transport.protocols.connect.connect_method import ConnectMethod
from gateway.transport.protocols.connect.get import read_query
from gateway.transport.protocols.connect.streams import StreamResponse
from gateway.transport.protocols.connect.unary import GetRequest, UnaryResponse
from gateway.transport.protocols.encodings import Encodings, negotiate
from gateway.transport.protocols.messages import RequestMessages
from gateway.transport.protocols.refused_requests import refuse
from gateway.transport.wire.headers import media_type_of, named
from gateway.transport.wire.request import HttpRequest

_VERSION = b"1"
_TIMEOUT_DIGITS = 10

_Headers = Mapping[bytes, bytes]


class ConnectResponder:
    """Answers the requests to the paths of the served methods.

    Args:
        calls: runs them.

    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._methods: Mapping[str, ConnectMethod] = {
            path: ConnectMethod(served) for path, served in calls.methods.items()
        }

    def path_of(self, request: HttpRequest) -> str | None:
        """Return the path of the method that a request is for; None where its path is no method's."""
        return request.path if request.path in self._methods else None

    def answer(self, request: HttpRequest) -> Awaitable[None] | None:
        """Return what answers a request, which raises Gone; None where its path is no method's."""
        method = self._methods.get(request.path)
        if method is None:
            return None
        if request.method not in method.verbs:
            allowed = ", ".join(method.verbs)
            return refuse(request, 405, [(b"allow", allowed.encode())])
        if request.method == "GET":
            return self._answer_get(request, method)
        headers = named(request.headers)
        content_type = media_type_of(headers.get(b"content-type", b""))
        if method.streams:
            return self._answer_stream(request, headers, method, content_type)
        return self._answer_unary(request, headers, method, content_type, headers.get(b"content-encoding"))

    def _answer_get(self, request: HttpRequest, method: ConnectMethod) -> Awaitable[None]:
        try:
            query = read_query(request.query)
        except RowgateError as error:
            return UnaryResponse(request, b"").end(refusal(error))
        content_type, sent = method.content_type(query.codec), query.compression.encode()
        headers = named(request.headers)
        return self._answer_unary(GetRequest(request, query), headers, method, content_type, sent)

    def _answer_unary(
        self,
        request: HttpRequest,
        headers: _Headers,
        method: ConnectMethod,
        content_type: bytes,
        sent: bytes | None,
    ) -> Awaitable[None]:
        """Return what answers a request whose body is its message, compressed as `sent` says."""
        codec = method.codecs.get(content_type)
        if codec is None:
            return _refused_type(request, method)
        try:
            accepted = headers.get(b"accept-encoding")
            head = self._read_head(request, headers, method, sent, accepted)
        except RowgateError as error:
            return UnaryResponse(request, content_type).end(refusal(error))
        messages = self._calls.whole_body(request, head.encodings.request, codec.decode)
        response = UnaryResponse(request, content_type, codec.json, head.encodings.response)
        return self._run(request, method, head, messages, response)

    def _answer_stream(
        self, request: HttpRequest, headers: _Headers, method: ConnectMethod, content_type: bytes
    ) -> Awaitable[None]:
        codec = method.codecs.get(content_type)
        if codec is None:
            return _refused_type(request, method)
        sent, accepted = headers.get(b"connect-content-encoding"), headers.get(b"connect-accept-encoding")
        try:
            head = self._read_head(request, headers, method, sent, accepted)
        except RowgateError as error:
            return StreamResponse(request, content_type).end(refusal(error))
        messages = self._calls.envelopes(request, head.encodings.request, codec.decode)
        response = StreamResponse(
            request, content_type, codec.json, head.encodings.response, one_response=method.one_response
        )
        return self._run(request, method, head, messages, response)

    def _run(
        self,
        request: HttpRequest,
        method: ConnectMethod,
        head: "_Head",
        messages: RequestMessages,
        response: UnaryResponse | StreamResponse,
    ) -> Awaitable[None]:
        call = self._calls.begin(request, method.served, messages, response, remaining=head.remaining)
        return self._calls.run(request, call)

    def _read_head(
        self,
        request: HttpRequest,
        headers: _Headers,
        method: ConnectMethod,
        sent: bytes | None,
        accepted: bytes | None,
    ) -> "_Head":
        """Return what the headers say of a call; raises RowgateError where it isn't begun."""
        self._calls.method(request, method.served.path)
        version = headers.get(b"connect-protocol-version")
        if version not in (None, _VERSION):
            raise _malformed('connect-protocol-version has to be "1"')
        return _Head(_remaining(headers), negotiate(sent, accepted))


class _Head(NamedTuple):
    """What the headers of a request say.

    Args:
        remaining: seconds until the caller's deadline; None where it set none.
        encodings: the compressions of the call.

    """

    remaining: float | None
    encodings: Encodings


def _remaining(headers: _Headers) -> float | None:
    value = headers.get(b"connect-timeout-ms")
    if value is None:
        return None
    if not value.isdigit() or len(value) > _TIMEOUT_DIGITS:
        raise _malformed(f"connect-timeout-ms has to be a number of at most {_TIMEOUT_DIGITS} digits")
    return int(value) / 1000


def _malformed(wrong: str) -> InvalidArgument:
    return InvalidArgument(f"the call's headers can't be read: {wrong}", reason="HEADER_MALFORMED")


def _refused_type(request: HttpRequest, method: ConnectMethod) -> Awaitable[None]:
    """Return what answers a request in a form that the method doesn't take."""
    taken = b", ".join(method.codecs)
    return refuse(request, 415, [(b"accept-post", taken)])
