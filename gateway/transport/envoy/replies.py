"""What Envoy itself answers to REST and Connect: JSON, in the form of the application's own errors."""

from collections.abc import Iterator, Mapping, Sequence

from google.rpc import code_pb2

from gateway.transport.envoy.names import Config

_CODES: Mapping[int, int] = {
    400: code_pb2.INVALID_ARGUMENT,
    404: code_pb2.NOT_FOUND,
    408: code_pb2.DEADLINE_EXCEEDED,
    413: code_pb2.OUT_OF_RANGE,
    415: code_pb2.INVALID_ARGUMENT,
    500: code_pb2.INTERNAL,
    503: code_pb2.UNAVAILABLE,
}


def replies() -> Config:
    """Return the form of Envoy's own answers. Those to gRPC stay headers, which Envoy writes itself."""
    return {"mappers": list(_mappers())}


def _mappers() -> Iterator[Config]:
    """Yield a form for each status and protocol; the first that fits is taken."""
    for status, code in _CODES.items():
        # Connect names the code, google.rpc.Status numbers it.
        yield _mapper(status, _is_connect(), code_pb2.Code.Name(code).lower())
        yield _mapper(status, _either([_was_transcoded(), _is_not_grpc()]), code)


def _mapper(status: int, request: Config, code: int | str) -> Config:
    return {
        "filter": {"and_filter": {"filters": [_has_status(status), request]}},
        "body_format_override": {"json_format": {"code": code, "message": "%LOCAL_REPLY_BODY%"}},
    }


def _either(filters: Sequence[Config]) -> Config:
    return {"or_filter": {"filters": filters}}


def _has_status(status: int) -> Config:
    # Without the key the comparison isn't valid; nobody sets it.
    value = {"default_value": status, "runtime_key": "rowgate.status"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}


def _is_connect() -> Config:
    return _header({"name": "connect-protocol-version", "present_match": True})


def _was_transcoded() -> Config:
    """Return what knows a request of REST once the transcoder has made gRPC of it."""
    return _header({"name": "x-envoy-original-path", "present_match": True})


def _is_not_grpc() -> Config:
    return _header(
        {
            "name": "content-type",
            "string_match": {"prefix": "application/grpc"},
            "treat_missing_header_as_empty": True,
            "invert_match": True,
        }
    )


def _header(matcher: Config) -> Config:
    return {"header_filter": {"header": matcher}}
