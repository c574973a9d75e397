"""The certificates of a server, as its files hold them: changed files are taken up without a restart."""

import logging
import ssl
from pathlib import Path

from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.settings import ServerSettings
from gateway.files.regular import read_regular
from gateway.files.watched import WatchedFiles

_logger = logging.getLogger(__name__)

# RFC 9113, 9.2.2: what TLS 1.2 may use beside it is prohibited; TLS 1.3 has no others.
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
_MAX_BYTES = 1024 * 1024
"""Of a file; the system's own list of authorities has a quarter."""
_PROTOCOLS = ["h2", "http/1.1"]


class Certificates:
    """The context of new connections, None without TLS; those that are open keep theirs.

    `stop` before `start`, and twice, is safe.

    Args:
        server: names the files.
        is_optional: whether clients without a certificate are served too, where clients are to have one.

    """

    def __init__(self, server: ServerSettings, *, is_optional: bool = False) -> None:
        self._server = server
        self._is_optional = is_optional
        files = [one for one in (server.tls_cert, server.tls_key, server.tls_client_ca) if one is not None]
        self._files = WatchedFiles(files, self._read, self._take_up, _tell)
        self.context: ssl.SSLContext | None = None
        self.expires_at: float | None = None
        """When the first of the server's chain expires, as time.time() counts; None without TLS."""

    async def start(self) -> None:
        """Read the files, and from now on again where they have changed; raises ConfigError.

        Files that can't be used, as when one of a pair isn't in its place yet, are logged and not taken up.
        """
        if self._server.tls_cert is None:
            return
        try:
            self._take(await self._files.load())
        except TimeoutError as error:
            raise _config_error("tls_cert", self._server.tls_cert, str(error)) from error
        self._files.start()

    async def stop(self) -> None:
        """Read the files no more."""
        await self._files.stop()

    def _read(self) -> tuple[ssl.SSLContext | None, float | None]:
        return tls_context(self._server, is_optional=self._is_optional), _expiry(self._server)

    def _take_up(self, read: tuple[ssl.SSLContext | None, float | None]) -> None:
        self._take(read)
        _logger.info("TLS files have changed: new connections have the new certificate")

    def _take(self, read: tuple[ssl.SSLContext | None, float | None]) -> None:
        self.context, self.expires_at = read


def _tell(error: Exception) -> None:
    _logger.warning("TLS files have changed and can't be used", extra={"error": str(error)})


def tls_context(server: ServerSettings, *, is_optional: bool = False) -> ssl.SSLContext | None:
    """Return the context of the TLS files; None without. Raises ConfigError where one can't be used.

    Args:
        server: names the files.
        is_optional: as that of Certificates.

    """
    if server.tls_cert is None or server.tls_key is None:
        return None
    for name in ("tls_cert", "tls_key", "tls_client_ca"):
        if (file := getattr(server, name)) is not None:
            read_tls_file(name, file)  # OpenSSL would wait for a FIFO's writer
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
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - most starts are without TLS

    try:
        chain = load_pem_x509_certificates(read_tls_file("tls_cert", server.tls_cert))
    except ValueError as error:
        raise _config_error("tls_cert", server.tls_cert, f"has a certificate of no use: {error}") from error
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


def read_tls_file(name: str, file: Path) -> bytes:
    """Return the bytes of a file that a setting names; raises ConfigError."""
    try:
        return read_regular(file, _MAX_BYTES)
    except OSError as error:
        raise _config_error(name, file, f"can't be read: {error.strerror or error}") from error


def _config_error(name: str, file: Path, wrong: str) -> ConfigError:
    return ConfigError([ConfigDiagnostic(f"server.{name}", str(file), wrong, "a file in PEM")])
