"""Tokens: whom a right one names, and why each wrong one is refused."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway.auth.authenticator import Credentials
from gateway.auth.principal import ANONYMOUS, Principal
from gateway.auth.provider_chain import ProviderChain
from gateway.auth.providers import provider_chain
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.errors import Unauthenticated
from tests.auth.hostile import EC, HOSTILE, NOT_ALLOWED, OTHER, RSA
from tests.auth.issuer import AUDIENCE, ISSUER, Signer, key_set, right_claims
from tests.harness.polling import next_poll

_JWT = {"auth_providers": "jwt", "auth_jwt_issuer": ISSUER, "auth_jwt_audience": f"other,{AUDIENCE}"}


@pytest.fixture(scope="module")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProviderChain]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    path.write_bytes(key_set(EC, RSA))
    started = await _chain(auth_jwt_keys_file=path)
    yield started
    await started.stop()


async def _chain(**settings: Any) -> ProviderChain:
    made = provider_chain(settings_of(**{**_JWT, **settings}))
    assert made is not None
    await made.start()
    return made


def _bearer(token: str) -> Credentials:
    return Credentials(f"Bearer {token}".encode("latin-1"))


def _known(chain: ProviderChain, token: str) -> Principal:
    principal = chain.recall(_bearer(token))
    assert principal is not None
    return principal


def why(chain: ProviderChain, token: str) -> str:
    """Return why a token is refused, for the log."""
    with pytest.raises(Unauthenticated) as caught:
        chain.recall(_bearer(token))
    assert (caught.value.message, caught.value.reason) == (
        "the credential is not accepted",
        "CREDENTIAL_REFUSED",
    )
    return str(caught.value.__cause__)


@pytest.mark.parametrize("signer", [EC, RSA], ids=["EC", "RSA"])
def test_a_right_token_names_its_principal(chain: ProviderChain, signer: Signer) -> None:
    token = signer.token(tenant="acme", aud=["somebody", AUDIENCE])
    principal = _known(chain, token)
    assert (principal.name, principal.claims["tenant"]) == ("jwt:ann", "acme")
    assert principal.roles == {"authenticated", "reader"}
    assert principal.expires_at == principal.claims["exp"] + 30
    assert _known(chain, token) is principal


def test_the_scheme_is_written_in_any_case(chain: ProviderChain) -> None:
    principal = chain.recall(Credentials(f"bEARER   {EC.token()}".encode()))
    assert principal is not None
    assert principal.id == "ann"


def test_without_a_credential_a_caller_is_anonymous(chain: ProviderChain) -> None:
    assert chain.recall(Credentials()) is ANONYMOUS
    assert chain.recall(Credentials(certificate=b"of nobody who is asked")) is ANONYMOUS


@pytest.mark.parametrize(
    ("claim", "roles"),
    [
        (["a", 1, None, ["b"], "anonymous"], {"a"}),
        ("a b", {"a", "b"}),
        (" a  b ", {"a", "b"}),
        ("a\u00a0b\tc", {"a\u00a0b\tc"}),
        ([f"r{number}" for number in range(256)], {f"r{number}" for number in range(256)}),
        ({"a": 1}, set()),
        (7, set()),
        (None, set()),
    ],
)
def test_roles_are_texts_and_never_that_of_callers_without_a_credential(
    chain: ProviderChain, claim: Any, roles: set[str]
) -> None:
    assert _known(chain, EC.token(roles=claim)).roles == {"authenticated", *roles}


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["a"]}}),
        ("https://example.org/roles", {"https://example.org/roles": ["a"]}),
        ("x.https://example.org/roles", {"x": {"https://example.org/roles": ["a"]}}),
    ],
)
async def test_roles_are_found_by_a_path(tmp_path: Path, path: str, claims: dict[str, Any]) -> None:
    keys = tmp_path / "keys.json"
    keys.write_bytes(key_set(EC))
    chain = await _chain(auth_jwt_keys_file=keys, auth_jwt_roles_claim=path)
    assert _known(chain, EC.token(roles=None, **claims)).roles == {"authenticated", "a"}
    await chain.stop()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_wrong_token_is_refused_for_its_reason(chain: ProviderChain, name: str) -> None:
    make, reason = HOSTILE[name]
    token = make()
    assert why(chain, token) == reason
    assert why(chain, token) == reason  # remembered
    assert token[:20] not in reason


def test_a_token_without_a_key_id_is_checked_by_the_only_key_of_its_algorithm(chain: ProviderChain) -> None:
    assert _known(chain, EC.token({"kid": ""})).id == "ann"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "is no JSON"),
        (b"[]", "is no JSON Web Key Set"),
        (b'{"keys": {}}', "is no JSON Web Key Set"),
        (b'{"keys": []}', "has no public key for RS256, ES256"),
        (b'{"keys": [1, {"kty": "oct", "k": "AAAA"}, {"kty": "EC", "crv": "P-256"}]}', "has no public key"),
        (json.dumps({"keys": [{}] * 101}).encode(), "has more than 100 keys"),
        (json.dumps({"keys": [{**RSA.published, "n": "A" * 1367}]}).encode(), "has no public key"),
        (json.dumps({"keys": [{**RSA.published, "e": "A" * 7}]}).encode(), "has no public key"),
        (json.dumps({"keys": [{**RSA.published, "d": "AQAB"}]}).encode(), "has no public key"),
        (json.dumps({"keys": [{**RSA.published, "use": "enc"}]}).encode(), "has no public key"),
        (b" " * 300_000, "has more than 262144 bytes"),
        (b"[" * 200_000, "is no JSON"),
    ],
)
async def test_keys_that_cannot_be_used_are_refused_at_the_start(
    tmp_path: Path, body: bytes, told: str
) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(body)
    with pytest.raises(ConfigError, match=rf"^auth.jwt_keys_file \(.*can't be used: {told}"):
        await _chain(auth_jwt_keys_file=path)


@pytest.mark.parametrize("first", [OTHER, RSA])
async def test_a_key_id_that_two_keys_have_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, first: Signer
) -> None:
    """One of each kind of key may have it: a token says by its algorithm which it means."""
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [{**first.published, "kid": "ec"}, EC.published]}))
    chain = await _chain(auth_jwt_keys_file=path)
    assert _known(chain, EC.token()).id == "ann"
    told = [vars(one)["key_ids"] for one in caplog.records if "one key id" in one.message]
    assert told == ([["ec"]] if first is OTHER else [])
    await chain.stop()


async def test_a_secret_that_both_sides_know_is_used_for_its_own_algorithms_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s" * 32)
    chain = await _chain(auth_jwt_secret_file=path, auth_jwt_algorithms="HS256")
    assert _known(chain, jwt.encode(right_claims(), "s" * 32, "HS256", {"kid": "any"})).id == "ann"
    assert why(chain, jwt.encode(right_claims(), "t" * 32, "HS256")) == "the token's signature is wrong"
    assert why(chain, jwt.encode(right_claims(), "s" * 64, "HS512")) == NOT_ALLOWED
    assert why(chain, RSA.token()) == NOT_ALLOWED
    await chain.stop()


async def test_a_short_secret_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s" * 31)
    with pytest.raises(ConfigError, match="has fewer than 32 bytes"):
        await _chain(auth_jwt_secret_file=path, auth_jwt_algorithms="HS256")


async def test_a_changed_file_of_keys_is_taken_up_and_its_old_tokens_are_not(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(EC))
    chain = await _chain(auth_jwt_keys_file=path)
    token = EC.token()
    assert _known(chain, token).id == "ann"
    path.write_bytes(key_set(OTHER))
    await _until_refused(chain, token)
    assert _known(chain, OTHER.token()).id == "ann"
    await chain.stop()


async def _until_refused(chain: ProviderChain, token: str) -> None:
    while True:
        try:
            chain.recall(_bearer(token))
        except Unauthenticated:
            return
        await next_poll()


async def test_what_is_remembered_is_bounded(chain: ProviderChain) -> None:
    """And a flood of wrong tokens has no right one forgotten."""
    right = EC.token()
    principal = _known(chain, right)
    for number in range(3000):
        with pytest.raises(Unauthenticated):
            chain.recall(_bearer(f"{number}.a.b"))
    assert len(chain._refused) <= 1024
    assert _known(chain, right) is principal
