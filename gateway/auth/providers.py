"""The providers that the settings name."""

from gateway.auth.api_keys import ApiKeys
from gateway.auth.provider_chain import Provider, ProviderChain
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.settings import Settings


def provider_chain(settings: Settings) -> ProviderChain | None:
    """Return who knows the callers; None where nobody is asked. Raises ConfigError."""
    names = settings.auth.providers
    if not names or names == ("none",):
        return None
    return ProviderChain([_provider(name, settings) for name in names])


def _provider(name: str, settings: Settings) -> Provider:
    if name == "api_key" and settings.auth.api_keys is not None:
        return ApiKeys(settings.auth.api_keys)
    wrong, allowed = f"{name} can't be had yet", "api_key, or none"
    raise ConfigError([ConfigDiagnostic("auth.providers", "settings", wrong, allowed)])
