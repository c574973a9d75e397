"""API keys: made by `rowgate keys`, known by their hashes, ended by expiry or revocation."""

import json
import logging
import stat
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.auth.api_key_file import changed_keys, new_key, read_keys
from gateway.auth.authenticator import Credentials
from gateway.auth.principal import Principal
from gateway.auth.provider_chain import ProviderChain
from gateway.auth.providers import provider_chain
from gateway.cli import main
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.errors import Unauthenticated
from tests.auth.asking import LET_IN, OPEN, READ, REFUSED, answer
from tests.harness.gateway import RunningGateway
from tests.harness.polling import next_poll

GatewayFor = Callable[..., Awaitable[RunningGateway]]
_DENIED = "PERMISSION_DENIED CALL_NOT_ALLOWED: the caller may not call this method"


def _keys(path: Path, *args: str) -> str:
    done = CliRunner().invoke(main, ["keys", *args, "--auth-api-keys", str(path)])
    assert done.exit_code == 0, done.output
    return done.stdout.strip()


def _bearer(key: str) -> Credentials:
    return Credentials(f"Bearer {key}".encode())


def _why(chain: ProviderChain, credentials: Credentials) -> str:
    with pytest.raises(Unauthenticated) as caught:
        chain.recall(credentials)
    assert caught.value.message == "the credential is not accepted"
    return str(caught.value.__cause__)


async def _chain(path: Path) -> ProviderChain:
    chain = provider_chain(settings_of(auth_providers="api_key", auth_api_keys=path))
    assert chain is not None
    await chain.start()
    return chain


async def test_a_key_is_known_with_its_roles_and_claims(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = _keys(path, "create", "reports", "--roles", "reader, writer", "--claims", '{"tenant": "acme"}')
    chain = await _chain(path)
    try:
        principal = chain.recall(_bearer(key))
        assert isinstance(principal, Principal)
        assert (principal.name, principal.claims) == ("api_key:reports", {"tenant": "acme"})
        assert principal.roles == {"authenticated", "reader", "writer"}
        assert principal.expires_at is not None
        left = timedelta(seconds=principal.expires_at - datetime.now(UTC).timestamp())
        assert timedelta(days=89) < left <= timedelta(days=90)
        assert chain.recall(_bearer(key)) is principal
    finally:
        await chain.stop()


async def test_what_is_no_right_key_is_refused_for_a_reason_that_holds_no_secret(tmp_path: Path) -> None:
    path, other = tmp_path / "keys.json", tmp_path / "other.json"
    key, foreign = _keys(path, "create", "reports"), _keys(other, "create", "reports")
    wrong = f"{key[:-1]}{'0' if key[-1] != '0' else '1'}"
    chain = await _chain(path)
    try:
        assert _why(chain, _bearer(wrong)) == "the secret of the API key reports is wrong"
        assert _why(chain, _bearer(foreign)) == "no API key has this id: it may be revoked"
        assert _why(chain, _bearer("rgk_x")) == "no API key has this form"
        assert _why(chain, _bearer(key.upper())) == "no provider knows this kind of credential"
        assert _why(chain, Credentials(key.encode())) == "no provider knows this kind of credential"
    finally:
        await chain.stop()


async def test_an_unknown_id_costs_the_comparison_that_a_known_one_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "keys.json", tmp_path / "other.json"
    key, foreign = _keys(path, "create", "reports"), _keys(other, "create", "reports")
    compared: list[tuple[int, int]] = []

    def compare(sent: bytes, known: bytes) -> bool:
        compared.append((len(sent), len(known)))
        return compare_digest(sent, known)

    chain = await _chain(path)
    try:
        monkeypatch.setattr("gateway.auth.api_keys.hmac.compare_digest", compare)
        chain.recall(_bearer(key))
        _why(chain, _bearer(foreign))
        assert compared == [(64, 64)] * 2
    finally:
        await chain.stop()


async def test_a_key_that_has_expired_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key, kept = new_key("old", (), {}, datetime.now(UTC) - timedelta(seconds=1))
    with changed_keys(path) as known:
        known["old"] = kept
    chain = await _chain(path)
    try:
        assert _why(chain, _bearer(key)) == "the API key old has expired"
    finally:
        await chain.stop()


def test_only_the_hash_is_kept_and_only_its_owner_may_read_the_file(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key = _keys(path, "create", "reports", "--expires", "never")
    assert key.rpartition("_")[2] not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]
    assert _keys(path, "list") == "reports  never ends"


def test_a_file_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    path = tmp_path / "keys.json"
    path.symlink_to(tmp_path / "real" / "keys.json")
    _keys(path, "create", "reports")
    assert path.is_symlink()
    assert [key.name for key in read_keys(path)] == ["reports"]


def test_credentials_are_in_no_text_of_ours() -> None:
    credentials = Credentials(b"Bearer secret", b"certificate")
    assert f"{credentials!r} {credentials}" == "Credentials(…) Credentials(…)"


@pytest.mark.parametrize(
    "args",
    [
        ("create", "there"),
        ("create", "a b"),
        ("create", "new", "--expires", "tomorrow"),
        ("create", "new", "--roles", "anonymous"),
        ("create", "new", "--claims", "[]"),
        ("create", "new", "--claims", json.dumps({"x": "y" * 5000})),
        ("revoke", "nobody"),
    ],
)
def test_what_cannot_be_done_leaves_the_file_as_it_is(tmp_path: Path, args: tuple[str, ...]) -> None:
    path = tmp_path / "keys.json"
    _keys(path, "create", "there")
    before = path.read_text()
    done = CliRunner().invoke(main, ["keys", *args, "--auth-api-keys", str(path)])
    assert (done.exit_code, done.stdout) == (2, "")
    assert path.read_text() == before


@pytest.mark.parametrize(
    "text", ["", "[]", '{"keys": [{}]}', '{"other": 1}', '{"keys": null}', "\x00", "[" * 100_000]
)
def test_a_file_of_something_else_is_refused_at_the_start(tmp_path: Path, text: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"^auth.api_keys \("):
        read_keys(path)


async def test_a_server_without_its_file_does_not_start(tmp_path: Path) -> None:
    chain = provider_chain(settings_of(auth_providers="api_key", auth_api_keys=tmp_path / "none.json"))
    assert chain is not None
    with pytest.raises(ConfigError, match="can't be read"):
        await chain.start()
    await chain.stop()


@pytest.mark.parametrize("transport", ["http", "grpcio"])
async def test_callers_are_let_in_by_their_keys(
    gateway_for: GatewayFor, transport: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    reader, other = _keys(path, "create", "reports", "--roles", "reader"), _keys(path, "create", "other")
    settings = {"auth_providers": "api_key", "auth_api_keys": path, "log_access": "all"}
    gateway = await gateway_for("allowed", transport=transport, **settings)
    with caplog.at_level(logging.INFO, "gateway.access"):
        assert await answer(gateway, f"Bearer {reader}") == LET_IN
        assert await answer(gateway, f"Bearer {other}") == _DENIED
        assert await answer(gateway) == _DENIED
        assert await answer(gateway, path=OPEN) == "OK"
        assert await answer(gateway, f"Bearer {reader}0") == REFUSED
        assert await answer(gateway, f"Bearer {reader}0", path=OPEN) == REFUSED
    causes = [vars(record).get("cause", "") for record in caplog.records if record.name == "gateway.access"]
    assert causes == ["", "", "", "", *["no API key has this form"] * 2]
    assert reader not in caplog.text


async def test_a_revoked_key_is_known_no_more_and_a_new_one_is(
    gateway_for: GatewayFor, tmp_path: Path
) -> None:
    path = tmp_path / "keys.json"
    first = _keys(path, "create", "first", "--roles", "reader")
    gateway = await gateway_for("allowed", auth_providers="api_key", auth_api_keys=path)
    assert await answer(gateway, f"Bearer {first}", path=READ) == LET_IN
    second = _keys(path, "create", "second", "--roles", "reader")
    await _until(gateway, second, LET_IN)
    _keys(path, "revoke", "first")
    await _until(gateway, first, REFUSED)
    assert await answer(gateway, f"Bearer {second}") == LET_IN


async def test_a_broken_file_leaves_the_keys_and_a_missing_one_takes_them(
    gateway_for: GatewayFor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "keys.json"
    key = _keys(path, "create", "first", "--roles", "reader")
    gateway = await gateway_for("allowed", auth_providers="api_key", auth_api_keys=path)
    path.write_text("{")
    while "can't be used" not in caplog.text:
        await next_poll()
    assert await answer(gateway, f"Bearer {key}") == LET_IN
    path.unlink()
    await _until(gateway, key, REFUSED)


async def _until(gateway: RunningGateway, key: str, expected: str) -> None:
    while await answer(gateway, f"Bearer {key}") != expected:
        await next_poll()
