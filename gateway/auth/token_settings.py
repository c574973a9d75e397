"""The provider of tokens, as the settings say."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from gateway.auth.bounded_download import Download
from gateway.auth.json_web_tokens import Expected, JsonWebTokens
from gateway.auth.key_sources import KeyFile, KeySource, KeyUrl
from gateway.auth.verification_keys import MAX_BYTES, VerificationKeys
from gateway.config.auth_settings import AuthSettings
from gateway.config.errors import ConfigDiagnostic, ConfigError


def json_web_tokens(auth: AuthSettings) -> JsonWebTokens:
    """Return who knows callers by their tokens; raises ConfigError."""
    return JsonWebTokens(_key_source(auth), _expected(auth))


def _expected(auth: AuthSettings) -> Expected:
    leeway, roles = auth.jwt_leeway, auth.jwt_roles_claim
    return Expected(auth.jwt_issuer or "", auth.jwt_audience, auth.jwt_algorithms, leeway, roles)


def _key_source(auth: AuthSettings) -> KeySource:
    algorithms = auth.jwt_algorithms
    if auth.jwt_secret_file is not None:
        read_secret = partial(_secret, algorithms=algorithms)
        return KeyFile(auth.jwt_secret_file, "auth.jwt_secret_file", read_secret)
    read = partial(VerificationKeys.of_set, algorithms=algorithms)
    if auth.jwt_keys_file is not None:
        return KeyFile(auth.jwt_keys_file, "auth.jwt_keys_file", read)
    download = _download(auth.jwt_keys_url or "", auth.jwt_keys_ca)
    return KeyUrl(download, read, auth.jwt_keys_interval, auth.jwt_keys_max_age)


def _secret(text: bytes, algorithms: Sequence[str]) -> VerificationKeys:
    return VerificationKeys.of_secret(text.strip(), algorithms)


def _download(url: str, authorities: Path | None) -> Download:
    try:
        return Download(url, MAX_BYTES, authorities)
    except OSError as error:  # ssl.SSLError is one
        wrong = f"holds no certificate: {error}"
        raise ConfigError([ConfigDiagnostic("auth.jwt_keys_ca", str(authorities), wrong)]) from error
