"""Rules between settings."""

from collections.abc import Callable, Iterator, MutableMapping

from gateway.config.auth_settings import AuthSettings
from gateway.config.errors import ConfigDiagnostic, ConfigError
from gateway.config.setting_sources import Given, Source
from gateway.config.settings import Settings
from gateway.config.worker_count import AUTO

_SCHEMA_SOURCES = ("schema.protos", "schema.descriptor_set")
_MIN_SECRET = 16
_NEEDED = (
    ("client_certificate", "server.tls_client_ca"),
    ("api_key", "auth.api_keys"),
    ("jwt", "auth.jwt_issuer"),
    ("jwt", "auth.jwt_audience"),
)
"""The settings that a provider can't do without."""
_ROLES = ("database_role", "database_role_claim", "database_roles")
_KEYS = ("jwt_keys_url", "jwt_keys_file", "jwt_secret_file")


def forget_foreign_migrations(given: MutableMapping[str, Given]) -> None:
    """Drop what a higher source of the schema makes void.

    Whoever names protos of their own on the command line doesn't mean the migrations that this folder's file
    lists for another schema. In the same way the higher one of `protos` and `descriptor_set` wins.
    """
    named = [given[key] for key in _SCHEMA_SOURCES if key in given]
    highest = max((one.source.rank for one in named), default=None)
    if highest is None:
        return
    for key in (*_SCHEMA_SOURCES, "schema.migrations"):
        if key in given and given[key].source.rank < highest:
            del given[key]


def contradictions(settings: Settings, source: Callable[[str], Source]) -> Iterator[ConfigDiagnostic]:
    """Yield what is wrong between settings, each of which is right alone."""
    schema, server, tokens = settings.schema, settings.server, settings.tokens
    yield from _of_auth(settings, source)
    yield from _of_cache(settings, source)
    if schema.protos and schema.descriptor_set:
        yield _diagnostic(
            source, "schema.descriptor_set", "stands beside schema.protos", "give one of the two"
        )
    if bool(server.tls_cert) != bool(server.tls_key):
        key = "server.tls_cert" if server.tls_cert else "server.tls_key"
        yield _diagnostic(source, key, "stands alone", "tls_cert and tls_key go together")
    if server.tls_client_ca and not server.tls_cert:
        yield _diagnostic(source, "server.tls_client_ca", "needs TLS", "set tls_cert and tls_key too")
    if server.workers != AUTO and server.workers > settings.database.pool_size:
        wrong = f"{settings.database.pool_size} can't be divided among {server.workers} workers"
        yield _diagnostic(
            source, "database.pool_size", wrong, "each needs a connection: fewer workers, or more of them"
        )
    if tokens.secret and tokens.secret_file:
        yield _diagnostic(source, "tokens.secret_file", "stands beside tokens.secret", "give one of the two")
    if tokens.secret and len(tokens.secret.get_secret_value()) < _MIN_SECRET:
        yield _diagnostic(source, "tokens.secret", "is short", f"{_MIN_SECRET} characters or more")


def require_identity(settings: Settings, source: Callable[[str], Source]) -> None:
    """Raise ConfigError where others than this machine's may call, and nothing says who they are.

    And where a policy is given that nobody could be held to.
    """
    auth = settings.auth
    if auth.policy and auth.providers in ((), ("none",)):
        wrong = "is set, but nobody is asked who calls"
        raise ConfigError([_diagnostic(source, "auth.policy", wrong, "set auth.providers")])
    if auth.providers:
        return
    key, allowed = "auth.providers", '"jwt", "api_key", "client_certificate", or "none" to let everybody call'
    found = [
        ConfigDiagnostic(key, str(source("server.listen")), f"is not set, and {address} is open", allowed)
        for address in settings.server.listen
        if not address.is_local
    ]
    if found:
        raise ConfigError(found)


def _of_auth(settings: Settings, source: Callable[[str], Source]) -> Iterator[ConfigDiagnostic]:
    auth, key = settings.auth, "auth.providers"
    if len(auth.providers) > len(set(auth.providers)):
        yield _diagnostic(source, key, "names one twice", "the first that knows a credential decides")
    if "none" in auth.providers and len(auth.providers) > 1:
        yield _diagnostic(source, key, "has none beside others", "none stands alone")
    for provider, needed in _NEEDED:
        if provider in auth.providers and not _value(settings, needed):
            yield _diagnostic(source, key, f"has {provider} without {needed}", f"set {needed}")
    if auth.has_optional_certificates and settings.server.transport == "grpcio":
        wrong, allowed = "client_certificate stands beside others", "over grpcio it stands alone"
        yield _diagnostic(source, key, wrong, allowed)
    if "jwt" in auth.providers:
        yield from _of_keys(auth, source)
    yield from _of_row_security(auth, source)
    yield from _of_tenants(auth, source)


def _of_cache(settings: Settings, source: Callable[[str], Source]) -> Iterator[ConfigDiagnostic]:
    """Yield what is wrong about where gateways keep rows together: a secret is what they have in common."""
    cache, tokens = settings.cache, settings.tokens
    if cache.url and cache.url_file:
        yield _diagnostic(source, "cache.url_file", "stands beside cache.url", "give one of the two")
    if (cache.url or cache.url_file) and not (tokens.secret or tokens.secret_file):
        key = "cache.url" if cache.url else "cache.url_file"
        yield _diagnostic(
            source,
            key,
            "is shared by gateways that have no secret",
            "set tokens.secret or tokens.secret_file",
        )


def _of_row_security(auth: AuthSettings, source: Callable[[str], Source]) -> Iterator[ConfigDiagnostic]:
    """Yield what is wrong about the roles of callers in the database."""
    key = "auth.row_security"
    named = [name for name in _ROLES if getattr(auth, name)]
    if auth.row_security != "postgres":
        if named:
            wrong = "is set, but statements run by the gateway's own role"
            yield _diagnostic(source, f"auth.{named[0]}", wrong, 'set auth.row_security = "postgres"')
        return
    if auth.providers in ((), ("none",)):
        yield _diagnostic(source, key, "is postgres, but nobody is asked who calls", "set auth.providers")
    if not (auth.database_role or auth.database_role_claim):
        allowed = "set auth.database_role, or auth.database_role_claim"
        yield _diagnostic(source, key, "is postgres, but no caller has a role", allowed)
    if bool(auth.database_role_claim) != bool(auth.database_roles):
        wrong = "has the claim that names a role without the roles that it may name, or these without it"
        yield _diagnostic(source, key, wrong, "set auth.database_role_claim and auth.database_roles")


def _of_tenants(auth: AuthSettings, source: Callable[[str], Source]) -> Iterator[ConfigDiagnostic]:
    key = "auth.tenant_column" if auth.tenant_column else "auth.tenant_claim"
    if bool(auth.tenant_column) != bool(auth.tenant_claim):
        yield _diagnostic(source, key, "stands alone", "tenant_column and tenant_claim go together")
    elif auth.tenant_exempt and not auth.tenant_column:
        yield _diagnostic(source, "auth.tenant_exempt", "is set without a tenant", "set auth.tenant_column")
    elif auth.tenant_column and auth.providers in ((), ("none",)):
        yield _diagnostic(source, key, "is set, but nobody is asked who calls", "set auth.providers")


def _of_keys(auth: AuthSettings, source: Callable[[str], Source]) -> Iterator[ConfigDiagnostic]:
    """Yield what is wrong about the keys of tokens. One kind of them: what is public is nobody's secret."""
    given = [name for name in _KEYS if getattr(auth, name) is not None]
    if len(given) != 1:
        wrong = f"stands beside {', '.join(given[1:])}" if given else "jwt has no keys"
        key = f"auth.{given[0]}" if given else "auth.providers"
        yield _diagnostic(source, key, wrong, f"give one of {', '.join(_KEYS)}")
    elif {name.startswith("HS") for name in auth.jwt_algorithms} != {given[0] == "jwt_secret_file"}:
        allowed = "HS256 and its like go with jwt_secret_file, all others with published keys"
        yield _diagnostic(source, "auth.jwt_algorithms", f"doesn't go with {given[0]}", allowed)


def _value(settings: Settings, key: str) -> object:
    section, _, name = key.partition(".")
    return getattr(getattr(settings, section), name)


def _diagnostic(source: Callable[[str], Source], key: str, wrong: str, allowed: str) -> ConfigDiagnostic:
    return ConfigDiagnostic(key, str(source(key)), wrong, allowed)
