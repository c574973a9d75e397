"""File, variables and flags: which one wins, and what each diagnostic says."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.address import Address, parse_address
from gateway.config.errors import ConfigError
from gateway.config.load import Loaded, load_settings, settings_of
from gateway.config.rules import require_identity
from gateway.config.setting_names import BY_FLAT, SETTINGS, Setting
from gateway.config.settings import Settings

POOL = BY_FLAT["pool_size"]
NAMES = sorted({setting.name for setting in SETTINGS})

_KEYS = {"auth_providers": "api_key", "auth_api_keys": "k"}


def write(folder: Path, text: str) -> Path:
    path = folder / "rowgate.toml"
    path.write_text(text)
    return path


def load(folder: Path, text: str = "", environ: Mapping[str, str] | None = None, **flags: Any) -> Loaded:
    by_key = {BY_FLAT[name].key: value for name, value in flags.items()}
    return load_settings(environ=environ or {}, flags=by_key, config=write(folder, text))


def diagnostics(
    folder: Path, text: str = "", environ: Mapping[str, str] | None = None, **flags: Any
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environ, **flags)
    return [str(diagnostic).replace(f"{folder}{os.sep}", "") for diagnostic in caught.value.diagnostics]


@given(
    st.lists(st.booleans(), min_size=3, max_size=3), st.lists(st.integers(1, 1000), min_size=3, max_size=3)
)
def test_the_highest_source_that_sets_a_value_wins(
    tmp_path_factory: pytest.TempPathFactory, given_by: list[bool], values: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("config")
    in_file, in_variable, in_flag = given_by
    loaded = load(
        folder,
        f"[database]\npool_size = {values[0]}" if in_file else "",
        {POOL.variable: str(values[1])} if in_variable else {},
        **({"pool_size": str(values[2])} if in_flag else {}),
    )
    places = [f"{folder}/rowgate.toml:2", "variable ROWGATE_POOL_SIZE", "flag --pool-size"]
    expected = [(v, p) for v, p, on in zip(values, places, given_by, strict=True) if on]
    value, place = expected[-1] if expected else (8, "default")
    assert (loaded.settings.database.pool_size, str(loaded.source(POOL.key))) == (value, place)


def test_without_sources_everything_is_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load_settings(environ={})
    assert loaded.settings == Settings()
    assert {str(loaded.source(setting.key)) for setting in SETTINGS} == {"default"}


def test_the_default_is_this_machine_alone() -> None:
    assert settings_of().server.listen == (Address("127.0.0.1", 50051),)
    assert settings_of().server.listen[0].is_local


def test_rowgate_toml_is_found_here_and_another_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "[database]\npool_size = 3")
    other = tmp_path / "other.toml"
    other.write_text("[database]\npool_size = 5")
    variable = {"ROWGATE_CONFIG": str(other)}
    assert load_settings(environ={}).settings.database.pool_size == 3
    assert load_settings(environ=variable).settings.database.pool_size == 5
    assert load_settings(environ=variable, config=tmp_path / "rowgate.toml").settings.database.pool_size == 3


def test_paths_in_a_file_are_seen_from_the_file(tmp_path: Path) -> None:
    loaded = load(tmp_path, '[schema]\nprotos = "mine"\n[tokens]\nsecret_file = "/etc/key"', data_dir="here")
    assert loaded.settings.schema.protos == tmp_path / "mine"
    assert loaded.settings.tokens.secret_file == Path("/etc/key")
    assert loaded.settings.database.data_dir == Path("here")


@pytest.mark.parametrize(
    ("flags", "environ", "kept"),
    [
        ({}, {}, True),
        ({"protos": "x"}, {}, False),
        ({"descriptor_set": "x"}, {}, False),
        ({}, {"ROWGATE_PROTOS": "x"}, False),
        ({"protos": "x", "migrations": "m"}, {}, True),
        ({"protos": "x"}, {"ROWGATE_MIGRATIONS": "m"}, False),
        ({"migrations": "m"}, {"ROWGATE_PROTOS": "x"}, True),
        ({}, {"ROWGATE_PROTOS": "x", "ROWGATE_MIGRATIONS": "m"}, True),
        ({"pool_size": 2}, {}, True),
    ],
)
def test_a_schema_from_a_higher_source_has_no_migrations_of_a_lower_one(
    tmp_path: Path, flags: dict[str, Any], environ: dict[str, str], *, kept: bool
) -> None:
    text = '[schema]\nprotos = "protos"\nmigrations = "migrations"'
    schema = load(tmp_path, text, environ, **flags).settings.schema
    assert (schema.migrations is not None) == kept
    assert (schema.protos is None) == ("descriptor_set" in flags)


def test_every_error_of_every_source_is_told_at_once(tmp_path: Path) -> None:
    text = """
[schema]
protoss = "protos"
[dtabase]
x = 1
[limits]
max_in_flight = "zero"
max_request_bytes = 0
[server]
listen = "1.2.3.4"
"""
    environ = {"ROWGATE_LOG_LEVEL": "loud", "ROWGATE_POOLSIZE": "3"}
    told = diagnostics(tmp_path, text, environ, drain_timeout="-1")
    assert [diagnostic.split(":")[0:2] for diagnostic in told[:2]] == [
        ["schema.protoss (rowgate.toml", "3)"],
        ["dtabase (rowgate.toml", "4)"],
    ]
    assert "did you mean schema.protos?" in told[0]
    assert told[2].startswith("ROWGATE_POOLSIZE (variable ROWGATE_POOLSIZE)")
    assert [diagnostic.partition(":")[0] for diagnostic in told[3:]] == [
        "server.listen (rowgate.toml",
        "server.drain_timeout (flag --drain-timeout)",
        "limits.max_in_flight (rowgate.toml",
        "limits.max_request_bytes (rowgate.toml",
        "log.level (variable ROWGATE_LOG_LEVEL)",
    ]
    assert "'loud': should be 'debug', 'info', 'warning' or 'error'" in told[-1]
    assert "1024" in told[-2]


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (
            {"allowed_hosts": "db.internal,https://x.org"},
            '"https://x.org" is no host name: write it without scheme, port',
        ),
        ({"allowed_hosts": "db.internal:50051"}, '"db.internal:50051" is no host name'),
        ({"http_allowed_origins": "shop.example.com"}, '"shop.example.com" is no origin: write scheme, host'),
        (
            {"http_allowed_origins": "https://shop.example.com/"},
            "and without a path (https://shop.example.com)",
        ),
    ],
)
def test_a_wrong_name_is_told_its_rule_in_words(tmp_path: Path, flags: dict[str, str], said: str) -> None:
    (diagnostic,) = diagnostics(tmp_path, **flags)
    assert said in diagnostic
    assert "pattern" not in diagnostic


@pytest.mark.parametrize(
    ("flags", "key"),
    [
        ({"tls_cert": "c"}, "server.tls_cert"),
        ({"tls_key": "k"}, "server.tls_key"),
        ({"tls_client_ca": "a"}, "server.tls_client_ca"),
        ({"protos": "p", "descriptor_set": "d"}, "schema.descriptor_set"),
        ({"secret": "s" * 16, "secret_file": "f"}, "tokens.secret_file"),
        ({"secret": "short"}, "tokens.secret"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, flags: dict[str, str], key: str) -> None:
    (diagnostic,) = diagnostics(tmp_path, **flags)
    assert diagnostic.startswith(f"{key} (flag ")


@pytest.mark.parametrize("text", ["[database", "x = [1,", "\x00"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, text: str) -> None:
    (diagnostic,) = diagnostics(tmp_path, text)
    assert diagnostic.startswith("config (rowgate.toml): is no TOML")


def test_a_named_file_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        load_settings(environ={}, config=tmp_path / "nothing.toml")


@pytest.mark.parametrize(
    "variable",
    [
        *("ROWGATE_SERVICE_HOST", "ROWGATE_SERVICE_PORT", "ROWGATE_SERVICE_PORT_GRPC", "ROWGATE_PORT"),
        *("ROWGATE_PORT_50051_TCP", "ROWGATE_PORT_50051_TCP_ADDR", "ROWGATE_PORT_50051_TCP_PROTO"),
    ],
)
def test_what_kubernetes_sets_for_a_service_of_our_name_is_no_setting(tmp_path: Path, variable: str) -> None:
    assert load(tmp_path, environ={variable: "tcp://10.0.0.1:50051"}).settings == Settings()


def test_an_empty_variable_is_unset(tmp_path: Path) -> None:
    assert load(tmp_path, environ={"ROWGATE_POOL_SIZE": ""}).settings == Settings()


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_has_one_name_a_description_and_no_clash(setting: Setting) -> None:
    assert setting.description
    assert [other for other in SETTINGS if other.flat == setting.flat] == [setting]
    assert [other for other in SETTINGS if other.variable == setting.variable] == [setting]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("[::1]:50051", Address("::1", 50051)),
        ("db.example-1.org:1", Address("db.example-1.org", 1)),
        ("unix:/run/rowgate.sock", Address("/run/rowgate.sock", None)),
    ],
)
def test_addresses_are_read_and_written_alike(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    "text", ["", "50051", "host", "host:", ":1", "host:65536", "::1:1", "a b:1", "unix:"]
)
def test_what_is_no_address_is_refused(tmp_path: Path, text: str) -> None:
    (diagnostic,) = diagnostics(tmp_path, listen=text or ",")
    assert "is not host:port" in diagnostic


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("127.8.9.1", True), ("::1", True), ("192.0.2.1", False), ("example.org", False)],
)
def test_which_addresses_stay_on_this_machine(host: str, *, local: bool) -> None:
    assert Address(host, 1).is_local is local


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[schema]\nprotos = 3", "3: should be a path, in quotes"),
        ("[server]\nlisten = 50051", "50051: should be a text or a list of texts, in quotes"),
        ('[limits]\nmax_in_flight = "zero"', "'zero': should be a whole number"),
        ('[database]\nlock_timeout = "5s"', "'5s': should be a number"),
        ('[server]\nreflection = "maybe"', "'maybe': should be true or false"),
        ("[database]\ndata_dir = true", "True: should be a path, in quotes"),
        ("[database]\napplication_name = 1", "1: should be a text, in quotes"),
    ],
)
def test_a_value_of_another_kind_is_told_what_it_should_be(tmp_path: Path, text: str, told: str) -> None:
    (said,) = diagnostics(tmp_path, text)
    assert f"(rowgate.toml:2): {told}; " in said


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"auth_providers": "none,api_key", "auth_api_keys": "k"}, "has none beside others"),
        ({"auth_providers": "api_key,api_key", "auth_api_keys": "k"}, "names one twice"),
        ({"auth_providers": "api_key"}, "has api_key without auth.api_keys"),
        ({"auth_providers": "client_certificate"}, "has client_certificate without server.tls_client_ca"),
        ({"auth_providers": "password"}, "'password': should be 'client_certificate', 'jwt', 'api_key'"),
        (
            {"auth_providers": "jwt", "auth_jwt_audience": "a", "auth_jwt_keys_file": "k"},
            "without auth.jwt_issuer",
        ),
        (
            {"auth_providers": "jwt", "auth_jwt_issuer": "i", "auth_jwt_keys_file": "k"},
            "without auth.jwt_audience",
        ),
        ({"auth_providers": "jwt", "auth_jwt_issuer": "i", "auth_jwt_audience": "a"}, "jwt has no keys"),
    ],
)
def test_providers_that_can_tell_nobody_are_refused(tmp_path: Path, flags: dict[str, str], told: str) -> None:
    (diagnostic,) = diagnostics(tmp_path, **flags)
    assert diagnostic.startswith("auth.providers (flag --auth-providers): ")
    assert told in diagnostic


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"auth_row_security": "postgres", "auth_database_role": "r"}, "but nobody is asked who calls"),
        ({"auth_row_security": "postgres", **_KEYS}, "is postgres, but no caller has a role"),
        ({"auth_row_security": "postgres", "auth_database_role_claim": "role", **_KEYS}, "without the roles"),
        ({"auth_database_role": "r", **_KEYS}, "statements run by the gateway's own role"),
        ({"auth_row_security": "postgres", "auth_database_role": "none", **_KEYS}, "the role that logged in"),
        ({"auth_tenant_column": "tenant", **_KEYS}, "stands alone"),
        ({"auth_tenant_claim": "tenant", **_KEYS}, "stands alone"),
        ({"auth_tenant_exempt": "a.B", **_KEYS}, "is set without a tenant"),
        ({"auth_tenant_column": "tenant", "auth_tenant_claim": "tenant"}, "nobody is asked who calls"),
    ],
)
def test_rules_of_rows_that_could_hold_for_nobody_are_refused(
    tmp_path: Path, flags: dict[str, str], told: str
) -> None:
    (diagnostic,) = diagnostics(tmp_path, **flags)
    assert told in diagnostic


@pytest.mark.parametrize("providers", ["", "none"])
def test_a_policy_that_nobody_is_held_to_is_refused(tmp_path: Path, providers: str) -> None:
    loaded = load(tmp_path, auth_policy="policy.toml", auth_providers=providers or None)
    with pytest.raises(ConfigError, match=r"auth.policy \(flag --auth-policy\): is set, but nobody is asked"):
        require_identity(loaded.settings, loaded.source)


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (
            {"auth_jwt_secret_file": "s"},
            "auth.jwt_algorithms (default): doesn't go with jwt_secret_file",
        ),
        (
            {"auth_jwt_keys_file": "k", "auth_jwt_algorithms": "HS256"},
            "auth.jwt_algorithms (flag --auth-jwt-algorithms): doesn't go with jwt_keys_file",
        ),
        (
            {"auth_jwt_secret_file": "s", "auth_jwt_algorithms": "HS256,RS256"},
            "auth.jwt_algorithms (flag --auth-jwt-algorithms): doesn't go with jwt_secret_file",
        ),
        (
            {"auth_jwt_secret_file": "s", "auth_jwt_keys_url": "https://x.org"},
            "auth.jwt_keys_url (flag --auth-jwt-keys-url): stands beside jwt_secret_file",
        ),
    ],
)
def test_published_keys_and_secrets_are_never_mixed(tmp_path: Path, flags: dict[str, str], told: str) -> None:
    """Else who has a public key could sign with it as if it were the secret (RFC 8725, 2.1)."""
    named = {"auth_providers": "jwt", "auth_jwt_issuer": "i", "auth_jwt_audience": "a"}
    (diagnostic,) = diagnostics(tmp_path, **named, **flags)
    assert diagnostic.startswith(told)


@pytest.mark.parametrize(
    ("listen", "providers", "is_refused"),
    [
        ("127.0.0.1:1,[::1]:1,localhost:1,unix:/s", "", False),
        ("127.0.0.1:1,0.0.0.0:1", "", True),
        ("192.0.2.1:1", "", True),
        ("rowgate.example.org:1", "", True),
        ("0.0.0.0:1", "none", False),
        ("0.0.0.0:1", "api_key", False),
    ],
)
def test_whoever_others_may_call_has_to_say_who_calls(
    tmp_path: Path, listen: str, providers: str, *, is_refused: bool
) -> None:
    loaded = load(tmp_path, listen=listen, auth_providers=providers or None, auth_api_keys="k")
    if not is_refused:
        require_identity(loaded.settings, loaded.source)
        return
    with pytest.raises(ConfigError, match=r"auth.providers \(flag --listen\): is not set.*none"):
        require_identity(loaded.settings, loaded.source)
