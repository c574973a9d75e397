"""The certificates of a server, as its files hold them: changed files are taken up without a restart."""

import logging
import ssl
from collections.abc import Sequence
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificates

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.settings import ServerSettings
from gateway.file_stamp import FileStamp, file_stamp

_logger = logging.getLogger(__name__)

# RFC 9113, 9.2.2: what TLS 1.2 may use beside it is prohibited; TLS 1.3 has no others.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_PROTOCOLS = ["h2", "http/1.1"]


class Certificates:
    """The context of new connections, None without TLS; those that are open keep theirs.

    Args:
        server: names the files. Raises ConfigError where one can't be used.
        is_optional: whether clients without a certificate are served too, where clients are to have one.

    """

    def __init__(self, server: ServerSettings, *, is_optional: bool = False) -> None:
        self._server = server
        self._is_optional = is_optional
        self._stamps = self._look()
        self.context = tls_context(server, is_optional=is_optional)
        self.expires_at = _expiry(server)
        """When the first of the server's chain expires, as time.time() counts; None without TLS."""

    def tick(self) -> None:
        """Read the files anew where they have changed; called about once a second.

        Files that can't be used, as when one of a pair isn't in its place yet, are logged and not taken up.
        """
        stamps = self._look()
        if stamps == self._stamps:
            return
        # Noted before they are read: what changes meanwhile is seen the next time.
        self._stamps = stamps
        try:
            self.context = tls_context(self._server, is_optional=self._is_optional)
            self.expires_at = _expiry(self._server)
        except ConfigError as error:
            _logger.warning("TLS files have changed and can't be used", extra={"error": str(error)})
        else:
            _logger.info("TLS files have changed: new connections have the new certificate")

    def _look(self) -> Sequence[FileStamp | None]:
        server = self._server
        files = (server.tls_cert, server.tls_key, server.tls_client_ca)
        return [None if file is None else file_stamp(file) for file in files]


def tls_context(server: ServerSettings, *, is_optional: bool = False) -> ssl.SSLContext | None:
    """Return the context of the TLS files; None without. Raises ConfigError where one can't be used.

    Args:
        server: names the files.
        is_optional: as that of Certificates.

    """
    if server.tls_cert is None or server.tls_key is None:
        return None
    for name in ("tls_cert", "tls_key", "tls_client_ca"):
        _check_readable(name, getattr(server, name))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(_PROTOCOLS)
    _load(context, server.tls_cert, server.tls_key, server.tls_client_ca)
    if is_optional and server.tls_client_ca is not None:
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


def _expiry(server: ServerSettings) -> float | None:
    if server.tls_cert is None:
        return None
    chain = load_pem_x509_certificates(server.tls_cert.read_bytes())
    return min(one.not_valid_after_utc for one in chain).timestamp()


def _load(context: ssl.SSLContext, cert: Path, key: Path, authorities: Path | None) -> None:
    try:
        context.load_cert_chain(cert, key, password=lambda: "")
    except (ssl.SSLError, OSError) as error:
        wrong = f"with {key} it is no certificate and its unencrypted key: {error}"
        raise _config_error("tls_cert", cert, wrong) from error
    if authorities is None:
        return
    try:
        context.load_verify_locations(authorities)
    except (ssl.SSLError, OSError) as error:
        raise _config_error("tls_client_ca", authorities, f"holds no certificate: {error}") from error
    context.verify_mode = ssl.CERT_REQUIRED


def _check_readable(name: str, file: Path | None) -> None:
    if file is None:
        return
    try:
        file.read_bytes()
    except OSError as error:
        raise _config_error(name, file, f"can't be read: {error.strerror}") from error


def _config_error(name: str, file: Path, wrong: str) -> ConfigError:
    return ConfigError([ConfigDiagnostic(f"server.{name}", str(file), wrong, "a file in PEM")])
