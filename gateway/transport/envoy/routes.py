"""Which requests meet which filters: Envoy makes none for a request whose route doesn't switch it on.

A plain gRPC call is known by its content type, and meets none. A request that says which page's origin it has
meets them where the page is allowed; the application refuses the others.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.config.settings import EdgeSettings, ServerSettings
from gateway.transport.envoy.connect import method_paths
from gateway.transport.envoy.names import (
    BUFFER,
    CONNECT,
    CONNECT_HEADER,
    CORS,
    FILTERS,
    GRPC_WEB,
    TRANSCODER,
    TYPES,
    Config,
)
from gateway.transport.host_names import common_host_names

_PLAIN = ("application/grpc", "application/grpc+proto", "application/grpc+json")
_CONNECT_UNARY = "application/(json|proto)(;.*)?"
_ANY = "*"
_METHODS = "GET, POST, PUT, PATCH, DELETE"
# The asterisk stands for all but `authorization` (Fetch standard).
_REQUEST_HEADERS = "*, authorization"
_EXPOSED_HEADERS = "grpc-status, grpc-message, grpc-status-details-bin, x-request-id"
_PREFLIGHT_SECONDS = 7200
# Beyond the longest call: what is silent for so long is a request that never ends.
_SPARE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Protocol:
    """Requests that are alike: the headers and paths they are known by, and the filters that they need."""

    headers: Sequence[Config]
    filters: Sequence[str]
    path: Config = field(default_factory=lambda: {"prefix": "/"})


def routes(
    filters: Collection[str], descriptors: FileDescriptorSet, edge: EdgeSettings, server: ServerSettings
) -> Sequence[Config]:
    """Return the routes to these filters; the first that fits is taken. None are needed without filters."""
    if not filters:
        return []
    found = [*_other_hosts(server), *map(_plain, _PLAIN)]
    protocols = list(_protocols(filters, descriptors))
    found += [_edge(one, _no_page(), {}, server) for one in protocols]
    if edge.allowed_origins:
        page, policy = _header("origin", _origins(edge)), {CORS: _policy(edge)}
        asking = _Protocol([_header(":method", {"exact": "OPTIONS"})], ())
        found += [_edge(one, page, policy, server) for one in (asking, *protocols)]
    return found


def _other_hosts(server: ServerSettings) -> Sequence[Config]:
    """Return what leads requests by names that aren't the server's past all filters, to who refuses them."""
    hosts = common_host_names(server)
    if hosts is None:
        return []
    patterns = [r"\[[0-9a-f:.]*\]", r"[0-9.]+", *map(_pattern, hosts.names)]
    regex = f"(?i)({'|'.join(patterns)})(:[0-9]*)?"
    stranger = {"name": ":authority", "string_match": {"safe_regex": {"regex": regex}}, "invert_match": True}
    return [{"match": {"prefix": "/", "headers": [stranger]}, "non_forwarding_action": {}}]


def _pattern(name: str) -> str:
    below = name.removeprefix("*")
    return re.escape(name) if below == name else f"[a-z0-9._-]+{re.escape(below)}"


def _protocols(filters: Collection[str], descriptors: FileDescriptorSet) -> Iterator[_Protocol]:
    if GRPC_WEB in filters:
        yield _Protocol([_header("content-type", {"prefix": "application/grpc-web"})], (GRPC_WEB,))
    if CONNECT in filters:
        yield _Protocol([_header("content-type", {"prefix": "application/connect+"})], (CONNECT,))
        unary = _header("content-type", {"safe_regex": {"regex": _CONNECT_UNARY}})
        paths = {"safe_regex": {"regex": method_paths(descriptors)}}
        yield _Protocol([unary], (CONNECT_HEADER, BUFFER, CONNECT), paths)
    if TRANSCODER in filters:
        yield _Protocol((), (BUFFER, TRANSCODER))


def _plain(content_type: str) -> Config:
    headers = [_header("content-type", {"exact": content_type})]
    return {"match": {"prefix": "/", "headers": headers}, "non_forwarding_action": {}}


def _edge(protocol: _Protocol, origin: Config, more: Mapping[str, Config], server: ServerSettings) -> Config:
    """Return a route with filters. Only one that seems to forward has an idle timeout."""
    idle = f"{server.max_deadline + _SPARE_SECONDS:g}s"
    switched_on = {"@type": f"{TYPES}.config.route.v3.FilterConfig", "config": {}}
    return {
        "match": {**protocol.path, "headers": [origin, *protocol.headers]},
        "route": {"cluster": "none", "timeout": "0s", "idle_timeout": idle},
        "typed_per_filter_config": {**more, **dict.fromkeys(protocol.filters, switched_on)},
    }


def _header(name: str, match: Config) -> Config:
    return {"name": name, "string_match": match}


def _no_page() -> Config:
    return {"name": "origin", "present_match": True, "invert_match": True}


def _origins(edge: EdgeSettings) -> Config:
    """Return what matches an allowed origin."""
    if _ANY in edge.allowed_origins:
        return {"safe_regex": {"regex": ".*"}}
    return {"safe_regex": {"regex": "|".join(map(re.escape, edge.allowed_origins))}}


def _policy(edge: EdgeSettings) -> Config:
    """Return whom browsers are told to let: no cookies go along, as nothing here reads them."""
    return {
        "@type": f"{FILTERS}.cors.v3.CorsPolicy",
        "allow_origin_string_match": [_origins(edge)],
        "allow_methods": _METHODS,
        "allow_headers": _REQUEST_HEADERS,
        "expose_headers": _EXPOSED_HEADERS,
        "max_age": str(_PREFLIGHT_SECONDS),
    }
