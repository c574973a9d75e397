"""The server's settings as grpc core's channel arguments, and its TLS files as credentials."""

import ssl
from pathlib import Path

import grpc

from gateway.config.faults import ConfigError, ConfigFault
from gateway.config.settings import LimitSettings, ServerSettings
from gateway.transport.admission import streams_of_connection

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
        ("grpc.so_reuseport", int(server.workers > 1)),
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
    check_tls(server)
    pair = (server.tls_key.read_bytes(), server.tls_cert.read_bytes())
    authorities = _read(server.tls_client_ca)
    return grpc.ssl_server_credentials([pair], authorities, require_client_auth=authorities is not None)


def check_tls(server: ServerSettings) -> None:
    """Raise ConfigError for TLS files that can't be used: a transport only says it can't bind."""
    if server.tls_cert is None or server.tls_key is None:
        return
    cert, key, authorities = server.tls_cert, server.tls_key, server.tls_client_ca
    for name, file in (("tls_cert", cert), ("tls_key", key), ("tls_client_ca", authorities)):
        _check_readable(name, file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        wrong = f"with {key} it is no certificate and its unencrypted key: {error}"
        raise _fault("tls_cert", cert, wrong) from error
    try:
        context.load_verify_locations(authorities or cert)
    except ssl.SSLError as error:
        raise _fault("tls_client_ca", authorities or cert, f"holds no certificate: {error}") from error


def _check_readable(name: str, file: Path | None) -> None:
    try:
        _read(file)
    except OSError as error:
        raise _fault(name, file, f"can't be read: {error.strerror}") from error


def _fault(name: str, file: Path | None, wrong: str) -> ConfigError:
    return ConfigError([ConfigFault(f"server.{name}", str(file), wrong, "a file in PEM")])


def _read(path: Path | None) -> bytes | None:
    return path.read_bytes() if path is not None else None


def _ms(seconds: float) -> int:
    return min(int(seconds * 1000), _MAX_INT32)
