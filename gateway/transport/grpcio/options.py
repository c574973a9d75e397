"""The server's settings as grpc core's channel arguments, and its TLS files as credentials."""

import grpc

from gateway.config.settings import LimitSettings, ServerSettings
from gateway.transport.limits.admission import streams_of_connection
from gateway.transport.wire.certificates import read_tls_file, tls_context

_MAX_INT32 = 2**31 - 1
MAX_UNTAKEN = 3000
"""Calls that grpc core keeps until grpc.aio takes them, which it does one by one."""


def channel_options(server: ServerSettings, limits: LimitSettings) -> list[tuple[str, int]]:
    """Return grpc core's arguments.

    By grpc's default, clients that ping more often than every five minutes are cut off; ours is a setting.
    Requests that are little past the limit are taken in, so that the error can be ours and name the limit;
    past that grpc core refuses them with RESOURCE_EXHAUSTED before they are read, and stops decompressing.
    """
    options = [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", limits.max_taken_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_metadata_size", limits.max_metadata_bytes),
        ("grpc.absolute_max_metadata_size", limits.max_metadata_bytes),
        ("grpc.max_concurrent_streams", streams_of_connection(limits)),
        # By default it refuses some by chance from 1,000 on, with CANCELLED: as if their callers had left.
        ("grpc.server.max_pending_requests", MAX_UNTAKEN),
        ("grpc.server.max_pending_requests_hard_limit", MAX_UNTAKEN),
        # It counts calls that have ended too, until they are freed, and so refuses well-behaved clients.
        ("grpc.http.overload_protection", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", _ms(server.min_ping_interval)),
        ("grpc.keepalive_time_ms", _ms(server.keepalive_interval)),
        ("grpc.keepalive_timeout_ms", _ms(server.keepalive_timeout)),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
    if server.max_connection_age:
        longest = max(server.max_deadline, server.stream_deadline)
        options.append(("grpc.max_connection_age_ms", _ms(server.max_connection_age)))
        options.append(("grpc.max_connection_age_grace_ms", _ms(longest)))
    return options


def credentials(server: ServerSettings) -> grpc.ServerCredentials | None:
    """Return the credentials of the TLS files; None without. Raises ConfigError where one can't be used."""
    if server.tls_cert is None or server.tls_key is None:
        return None
    tls_context(server)
    pair = (read_tls_file("tls_key", server.tls_key), read_tls_file("tls_cert", server.tls_cert))
    clients = server.tls_client_ca
    authorities = None if clients is None else read_tls_file("tls_client_ca", clients)
    return grpc.ssl_server_credentials([pair], authorities, require_client_auth=authorities is not None)


def _ms(seconds: float) -> int:
    return min(int(seconds * 1000), _MAX_INT32)
