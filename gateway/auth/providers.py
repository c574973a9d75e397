"""The providers that the settings name."""

from collections.abc import Callable, Mapping

from gateway.auth.provider_chain import Provider, ProviderChain
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.settings import AuthSettings, Settings


def provider_chain(settings: Settings) -> ProviderChain | None:
    """Return who knows the callers; None where nobody is asked. Raises ConfigError."""
    names = settings.auth.providers
    if not names or names == ("none",):
        return None
    return ProviderChain([_provider(name, settings.auth) for name in names])


def _provider(name: str, auth: AuthSettings) -> Provider:
    if name in _PROVIDERS:
        return _PROVIDERS[name](auth)
    wrong, allowed = f"{name} can't be had yet", "jwt, api_key, or none"
    raise ConfigError([ConfigDiagnostic("auth.providers", "settings", wrong, allowed)])


# Each is imported where it is asked for: a start without it needn't wait for what it needs.
def _api_keys(auth: AuthSettings) -> Provider:
    from gateway.auth.api_keys import ApiKeys  # noqa: PLC0415 - as above

    return ApiKeys(auth.api_keys)


def _tokens(auth: AuthSettings) -> Provider:
    from gateway.auth.token_settings import json_web_tokens  # noqa: PLC0415 - as above

    return json_web_tokens(auth)


_PROVIDERS: Mapping[str, Callable[[AuthSettings], Provider]] = {"api_key": _api_keys, "jwt": _tokens}
