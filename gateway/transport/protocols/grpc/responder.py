"""Calls of gRPC by the general way: streams, compressed messages, messages in pieces, malformed ones."""

from collections.abc import Awaitable, Sequence

from gateway.errors import Internal, RowgateError, Unimplemented
from gateway.transport.protocols.calls import Calls, ProtocolCall, refusal
from gateway.transport.protocols.codecs import BINARY, Codec, json_codec
from gateway.transport.protocols.grpc.headers import read_timeout
from gateway.transport.protocols.grpc.response import GrpcResponse
from gateway.transport.protocols.refused_requests import refuse
from gateway.transport.wire.framing import ENCODINGS
from gateway.transport.wire.headers import BadHeader, find, media_type, read_metadata
from gateway.transport.wire.request import Header, HttpRequest

_JSON = b"application/grpc+json"
CONTENT_TYPES = frozenset({b"application/grpc", b"application/grpc+proto", _JSON})
_NOT_POST = b"calls of gRPC are made by POST\n"
_NO_CODEC = b"messages of gRPC are protobuf's, or JSON: application/grpc, application/grpc+json\n"
_IDENTITY = "identity"


class GrpcResponder:
    """A Responder, for requests whose content type is gRPC's.

    Args:
        calls: runs the calls.

    """

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def __call__(self, request: HttpRequest) -> Awaitable[None]:
        """Return what answers a request, which raises Gone."""
        content_type = media_type(request.headers)
        # PROTOCOL-HTTP2: 415 for another content type; then 405 for another method, as grpc-go answers.
        if content_type not in CONTENT_TYPES:
            return refuse(request, 415, [(b"content-type", b"text/plain")], _NO_CODEC)
        if request.method != "POST":
            headers = [(b"content-type", b"text/plain"), (b"allow", b"POST")]
            return refuse(request, 405, headers, _NOT_POST)
        try:
            call = self._begin(request, content_type)
        except BadHeader as error:
            return _refused(request, content_type, _malformed(error))
        except RowgateError as error:
            return _refused(request, content_type, error)
        return self._calls.run(request, call)

    def _begin(self, request: HttpRequest, content_type: bytes) -> ProtocolCall:
        """Return the call; raises BadHeader and RowgateError for what is none."""
        headers = request.headers
        read_metadata(headers)
        timeout = find(headers, b"grpc-timeout")
        remaining = None if timeout is None else read_timeout(timeout)
        method = self._calls.method(request, request.path)
        encoding = _encoding(headers)
        codec: Codec = json_codec(method.descriptor) if content_type == _JSON else BINARY
        streams = bool(method.descriptor.server_streaming)
        response = GrpcResponse(request, content_type, codec.json, streams=streams)
        messages = self._calls.envelopes(request, encoding, codec.decode)
        return self._calls.begin(request, method, messages, response, remaining=remaining)


def _refused(request: HttpRequest, content_type: bytes, error: RowgateError) -> Awaitable[None]:
    return GrpcResponse(request, content_type).end(refusal(error))


def _encoding(headers: Sequence[Header]) -> str | None:
    """Return what messages are compressed with; raises Unimplemented for what isn't known."""
    encoding = (find(headers, b"grpc-encoding") or b"").decode("latin-1")
    if not encoding or encoding == _IDENTITY:
        return None
    if encoding not in ENCODINGS:
        raise Unimplemented("grpc-encoding is not one of grpc-accept-encoding", reason="UNKNOWN_ENCODING")
    return encoding


def _malformed(error: BadHeader) -> Internal:
    return Internal(f"the call's headers can't be read: {error}", reason="HEADER_MALFORMED")
