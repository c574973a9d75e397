"""The providers that the settings name."""

from collections.abc import Callable, Mapping

from gateway.auth.provider_chain import Provider, ProviderChain
from gateway.config.auth_settings import AuthSettings
from gateway.config.settings import Settings


def provider_chain(settings: Settings) -> ProviderChain | None:
    """Return who knows the callers; None where nobody is asked. Raises ConfigError."""
    names = settings.auth.providers
    if not names or names == ("none",):
        return None
    return ProviderChain([_PROVIDERS[name](settings.auth) for name in names])


# Each is imported where it is asked for: a start without it needn't wait for what it needs.
def _api_keys(auth: AuthSettings) -> Provider:
    from gateway.auth.api_keys import ApiKeys  # noqa: PLC0415 - as above

    return ApiKeys(auth.api_keys)


def _tokens(auth: AuthSettings) -> Provider:
    from gateway.auth.token_settings import json_web_tokens  # noqa: PLC0415 - as above

    return json_web_tokens(auth)


def _certificates(auth: AuthSettings) -> Provider:
    from gateway.auth.client_certificates import ClientCertificates  # noqa: PLC0415 - as above

    return ClientCertificates(auth.certificate_roles)


_PROVIDERS: Mapping[str, Callable[[AuthSettings], Provider]] = {
    "client_certificate": _certificates,
    "jwt": _tokens,
    "api_key": _api_keys,
}
