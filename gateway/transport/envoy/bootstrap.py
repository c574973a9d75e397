"""Envoy's configuration, rendered from the settings.

pyvoy's own has neither timeouts nor limits, and its admin interface listens on TCP; this has both, and a
Unix socket. Nothing here waits for ever: what has no timeout in Envoy has one in the application.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.config.address import Address
from gateway.config.settings import LimitSettings, ServerSettings, Settings
from gateway.transport.envoy.filters import edge_filters
from gateway.transport.envoy.names import FILTERS, TYPES, Config
from gateway.transport.envoy.replies import replies
from gateway.transport.envoy.routes import routes
from gateway.transport.envoy.sockets import ANY_IPV6

_HTTP = f"{TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_MODULE = f"{FILTERS}.dynamic_modules.v3.DynamicModuleFilter"
_TLS = f"{TYPES}.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
_STREAM_WINDOW = 1024 * 1024
_CONNECTION_WINDOW = 4 * 1024 * 1024
_BUFFER = 1024 * 1024
# SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113, 6.5.2)
_MAX_HEADERS = 6
_HEADERS_KIB = 64
_RUNTIME: Mapping[str, int] = {
    # Envoy closes a connection when half of its first 500 streams were reset within a second (rapid reset).
    # A gRPC client resets every call whose deadline passes: under load that would take its other calls along.
    "overload.premature_reset_total_stream_count": 100_000,
    # Envoy doubts regular expressions longer than a name or two; ours list services and origins.
    "re2.max_program_size.error_level": 1_000_000,
    "re2.max_program_size.warn_level": 1_000_000,
}
# Between the word that a connection will close and its last new call; calls under way go on after that.
_GOAWAY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Hosting:
    """What Envoy is to host.

    Args:
        application: the ASGI application, as `module:attribute`.
        module: the path of pyvoy's dynamic module.
        admin: the admin interface's Unix socket; relative to the folder Envoy is run in.
        listen: where to listen: numeric addresses with their ports, absolute paths.
        descriptors: the schema, whose routes are served.

    """

    application: str
    module: Path
    admin: str
    listen: Sequence[Address]
    descriptors: FileDescriptorSet = field(default_factory=FileDescriptorSet)


def bootstrap(hosting: Hosting, settings: Settings) -> Config:
    """Return the configuration that Envoy is started with."""
    return {
        "admin": {"address": {"pipe": {"path": hosting.admin, "mode": 0o600}}},
        "static_resources": {"listeners": [_listener(hosting, settings)]},
        "overload_manager": _overload(settings.limits),
        "layered_runtime": {"layers": [{"name": "rowgate", "static_layer": _RUNTIME}]},
    }


def _listener(hosting: Hosting, settings: Settings) -> Config:
    """Return the one listener: a second would load the application a second time."""
    server = settings.server
    chain: Config = {"filters": [{"name": "http", "typed_config": _http(hosting, settings)}]}
    if server.tls_cert is not None:
        chain["transport_socket"] = {"name": "tls", "typed_config": _tls(server)}
    first, *others = hosting.listen
    return {
        "name": "rowgate",
        "address": _address(first),
        "additional_addresses": [{"address": _address(address)} for address in others],
        "enable_reuse_port": True,
        "per_connection_buffer_limit_bytes": _BUFFER,
        "filter_chains": [chain],
    }


def _address(address: Address) -> Config:
    if address.port is None:
        return {"pipe": {"path": address.host, "mode": 0o600}}
    any_ipv6: Config = {"ipv4_compat": True} if address.host == ANY_IPV6 else {}
    return {"socket_address": {"address": address.host, "port_value": address.port, **any_ipv6}}


def _http(hosting: Hosting, settings: Settings) -> Config:
    server, limits = settings.server, settings.limits
    filters = edge_filters(hosting.descriptors, settings.edge, limits)
    age = (
        {"max_connection_duration": _seconds(server.max_connection_age)} if server.max_connection_age else {}
    )
    return {
        "@type": _HTTP,
        "stat_prefix": "rowgate",
        "codec_type": "AUTO",
        "generate_request_id": False,
        "server_header_transformation": "PASS_THROUGH",
        "use_remote_address": True,
        "skip_xff_append": True,
        # A quiet stream is not a dead one: the application knows each call's deadline.
        "stream_idle_timeout": "0s",
        "request_headers_timeout": _seconds(10),
        "drain_timeout": _seconds(_GOAWAY_SECONDS),
        # More than the limit is taken in, so that the application can refuse it: Envoy resets such a call.
        "max_request_headers_kb": max(_HEADERS_KIB, 2 * limits.max_metadata_bytes // 1024),
        "common_http_protocol_options": {
            "idle_timeout": "3600s",
            "max_headers_count": 200,
            "headers_with_underscores_action": "ALLOW",
            **age,
        },
        "http2_protocol_options": _http2(server, limits),
        "http_filters": [*filters.values(), _application(hosting)],
        "local_reply_config": replies(),
        "route_config": {
            "validate_clusters": False,
            "virtual_hosts": [
                {
                    "name": "rowgate",
                    "domains": ["*"],
                    "routes": routes(filters, hosting.descriptors, settings.edge, server),
                }
            ],
        },
    }


def _http2(server: ServerSettings, limits: LimitSettings) -> Config:
    return {
        "max_concurrent_streams": limits.max_streams,
        "initial_stream_window_size": _STREAM_WINDOW,
        "initial_connection_window_size": _CONNECTION_WINDOW,
        # Tells clients, so that they refuse a call themselves.
        "custom_settings_parameters": [{"identifier": _MAX_HEADERS, "value": limits.max_metadata_bytes}],
        "connection_keepalive": {
            "interval": _seconds(server.keepalive_interval),
            "timeout": _seconds(server.keepalive_timeout),
        },
    }


def _application(hosting: Hosting) -> Config:
    settings = {"app": hosting.application, "interface": "asgi", "root_path": "", "lifespan": True}
    return {
        "name": "pyvoy",
        "typed_config": {
            "@type": _MODULE,
            "dynamic_module_config": {"module": {"local": {"filename": str(hosting.module)}}},
            "filter_name": "pyvoy",
            "terminal_filter": True,
            "filter_config": {
                "@type": "type.googleapis.com/google.protobuf.StringValue",
                "value": json.dumps(settings),
            },
        },
    }


def _path(file: Path) -> str:
    """Return the path as Envoy finds it from a folder of its own."""
    return str(file.absolute())


def _tls(server: ServerSettings) -> Config:
    if server.tls_cert is None or server.tls_key is None:
        raise ValueError("TLS without a certificate")
    certificate = {
        "certificate_chain": {"filename": _path(server.tls_cert)},
        "private_key": {"filename": _path(server.tls_key)},
    }
    context: Config = {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [certificate]}
    if server.tls_client_ca is not None:
        context["validation_context"] = {"trusted_ca": {"filename": _path(server.tls_client_ca)}}
    return {
        "@type": _TLS,
        "common_tls_context": context,
        "require_client_certificate": server.tls_client_ca is not None,
    }


def _overload(limits: LimitSettings) -> Mapping[str, Any]:
    """Bound the connections; calls are bounded by the application, which can say so."""
    monitor = "envoy.resource_monitors.global_downstream_max_connections"
    config = f"{TYPES}.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    bound = {"@type": config}
    return {
        "resource_monitors": [
            {
                "name": monitor,
                "typed_config": {**bound, "max_active_downstream_connections": limits.max_connections},
            }
        ]
    }


def _seconds(value: float) -> str:
    return f"{value:g}s"
