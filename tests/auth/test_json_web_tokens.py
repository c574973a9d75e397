"""Tokens: whom a right one names, and why each wrong one is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from time import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from gateway.auth.authenticator import Credentials
from gateway.auth.principal import ANONYMOUS, Principal
from gateway.auth.provider_chain import ProviderChain
from gateway.auth.providers import provider_chain
from gateway.config.errors import ConfigError
from gateway.config.load import settings_of
from gateway.errors import Unauthenticated
from tests.auth.issuer import AUDIENCE, ISSUER, Signer, key_set, right_claims
from tests.harness.polling import next_poll

_EC, _RSA, _OTHER = Signer("ec"), Signer("rsa", "RS256"), Signer("ec")
_JWT = {"auth_providers": "jwt", "auth_jwt_issuer": ISSUER, "auth_jwt_audience": f"other,{AUDIENCE}"}


@pytest.fixture(scope="module")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProviderChain]:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    path.write_bytes(key_set(_EC, _RSA))
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


@pytest.mark.parametrize("signer", [_EC, _RSA], ids=["EC", "RSA"])
def test_a_right_token_names_its_principal(chain: ProviderChain, signer: Signer) -> None:
    token = signer.token(tenant="acme", aud=["somebody", AUDIENCE])
    principal = _known(chain, token)
    assert (principal.name, principal.claims["tenant"]) == ("jwt:ann", "acme")
    assert principal.roles == {"authenticated", "reader"}
    assert principal.expires_at == principal.claims["exp"] + 30
    assert _known(chain, token) is principal


def test_the_scheme_is_written_in_any_case(chain: ProviderChain) -> None:
    principal = chain.recall(Credentials(f"bEARER   {_EC.token()}".encode()))
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
        ({"a": 1}, set()),
        (7, set()),
        (None, set()),
    ],
)
def test_roles_are_texts_and_never_that_of_callers_without_a_credential(
    chain: ProviderChain, claim: Any, roles: set[str]
) -> None:
    assert _known(chain, _EC.token(roles=claim)).roles == {"authenticated", *roles}


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
    keys.write_bytes(key_set(_EC))
    chain = await _chain(auth_jwt_keys_file=keys, auth_jwt_roles_claim=path)
    assert _known(chain, _EC.token(roles=None, **claims)).roles == {"authenticated", "a"}
    await chain.stop()


def _part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _unsigned(header: Any, claims: Any = None, signature: str = "AAAA") -> str:
    return f"{_part(header)}.{_part(right_claims() if claims is None else claims)}.{signature}"


def _public_pem() -> bytes:
    kind, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(_RSA.key.public_key().public_bytes(kind, form))


def _confused() -> str:
    """Sign with HMAC by the public key of RSA, as if it were a secret (RFC 8725, 2.1)."""
    signed = f"{_part({'alg': 'HS256', 'kid': 'rsa'})}.{_part(right_claims())}"
    digest = hmac.new(_public_pem(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_part(digest)}"


def _with_own_key() -> str:
    """Bring the key along, that it is to be verified by."""
    return _OTHER.token({"jwk": _OTHER.published, "jku": "https://evil.example.org", "x5u": "https://evil"})


_NOT_ALLOWED = "the token is signed by an algorithm that isn't allowed"
_EXTENDED = "the token is encrypted, nested, or needs an extension"
_UNREADABLE = "the token's header can't be read"
_PARTS = "the token doesn't have three parts, or its header is too long"
_SUBJECT = "the token's subject is empty, too long or not printable"
_CLAIMS = "the token's claims can't be read"

HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (lambda: _unsigned({"alg": "none"}, signature=""), _NOT_ALLOWED),
    "alg None": (lambda: _unsigned({"alg": "None", "kid": "ec"}, signature=""), _NOT_ALLOWED),
    "no alg": (lambda: _unsigned({"kid": "ec"}), _NOT_ALLOWED),
    "alg a list": (lambda: _unsigned({"alg": ["ES256"], "kid": "ec"}), _NOT_ALLOWED),
    "HS for RS": (_confused, _NOT_ALLOWED),
    "RS by the key of EC": (lambda: _unsigned({"alg": "RS256", "kid": "ec"}), "the token's key isn't known"),
    "other RS": (lambda: jwt.encode(right_claims(), _RSA.key, "RS512", {"kid": "rsa"}), _NOT_ALLOWED),
    "wrong key": (_OTHER.token, "the token's signature is wrong"),
    "own key": (_with_own_key, "the token's signature is wrong"),
    "no signature": (lambda: _EC.token().rpartition(".")[0] + ".", "the token's signature is wrong"),
    "changed": (
        lambda: ".".join([_EC.token().split(".")[0], _part(right_claims()), _EC.token().split(".")[2]]),
        "the token's signature is wrong",
    ),
    "unknown key": (lambda: Signer("new").token(), "the token's key isn't known"),
    "key id a list": (lambda: _unsigned({"alg": "ES256", "kid": ["ec"]}), "the token's key id can't be read"),
    "long key id": (
        lambda: _unsigned({"alg": "ES256", "kid": "x" * 300}),
        "the token's key id can't be read",
    ),
    "expired": (lambda: _EC.token(exp=time() - 31), "the token has expired"),
    "never expires": (lambda: _EC.token(exp=None), "the token has no exp"),
    "expires in words": (lambda: _EC.token(exp="9999999999"), "the token's exp is no number"),
    "expires at true": (lambda: _EC.token(exp=True), "the token has expired"),
    "expires at infinity": (lambda: _EC.token(exp=float("inf")), "the token can't be read"),
    "not valid yet": (lambda: _EC.token(nbf=time() + 60), "the token is not valid yet"),
    "issued later": (lambda: _EC.token(iat=time() + 60), "the token is not valid yet"),
    "other audience": (lambda: _EC.token(aud="rowgate2"), "the token is for another audience"),
    "no audience": (lambda: _EC.token(aud=None), "the token has no aud"),
    "empty audience": (lambda: _EC.token(aud=[]), "the token has no aud"),
    "audience of objects": (lambda: _EC.token(aud=[{"x": 1}]), "the token is for another audience"),
    "other issuer": (lambda: _EC.token(iss=ISSUER.rstrip("/")), "the token is of another issuer"),
    "no issuer": (lambda: _EC.token(iss=None), "the token has no iss"),
    "no subject": (lambda: _EC.token(sub=None), "the token has no sub"),
    "empty subject": (lambda: _EC.token(sub=""), _SUBJECT),
    "long subject": (lambda: _EC.token(sub="x" * 257), _SUBJECT),
    "subject of lines": (lambda: _EC.token(sub="ann\nadmin"), _SUBJECT),
    "subject of halves": (lambda: _EC.token(sub="\ud800"), _CLAIMS),
    "of another type": (lambda: _EC.token({"typ": "logout+jwt"}), "the token is of another type"),
    "type a list": (lambda: _EC.token({"typ": ["JWT"]}), "the token is of another type"),
    "critical": (lambda: _EC.token({"crit": ["x"], "x": 1}), _EXTENDED),
    "critical b64": (lambda: _EC.token({"crit": ["b64"], "b64": True}), _EXTENDED),
    "unencoded": (lambda: _unsigned({"alg": "ES256", "kid": "ec", "b64": False, "crit": ["b64"]}), _EXTENDED),
    "nested": (lambda: _EC.token({"cty": "JWT"}), _EXTENDED),
    "compressed": (lambda: _EC.token({"zip": "DEF"}), _EXTENDED),
    "encrypted": (lambda: f"{_part({'alg': 'dir', 'enc': 'A256GCM'})}..AAAA.AAAA.AAAA", _PARTS),
    "two parts": (lambda: _EC.token().rpartition(".")[0], _PARTS),
    "long header": (lambda: _EC.token({"x": "y" * 1000}), _PARTS),
    "no header": (lambda: f".{_part(right_claims())}.AAAA", _UNREADABLE),
    "header no base64": (lambda: f"AAAAA.{_part(right_claims())}.AAAA", _UNREADABLE),
    "header no object": (lambda: _unsigned([1]), _UNREADABLE),
    "header of brackets": (lambda: _unsigned(b"[" * 700), _UNREADABLE),
    "claims no object": (
        lambda: jwt.PyJWS().encode(b"[1]", _EC.key, "ES256", {"kid": "ec"}),
        "the token can't be read",
    ),
    "claims of brackets": (
        lambda: jwt.PyJWS().encode(b'{"a":' + b"[" * 4000, _EC.key, "ES256", {"kid": "ec"}),
        "the token can't be read",
    ),
    "claims that nest": (lambda: _EC.token(x=[[[[[[[[1]]]]]]]]), _CLAIMS),
    "claims without a number": (lambda: _EC.token(x=float("nan")), _CLAIMS),
    "huge": (lambda: _EC.token(x="y" * 10_000), "the authorization header is too long"),
    "two in one": (
        lambda: f"{_EC.token()}, Bearer {_EC.token()}",
        "no provider knows this kind of credential",
    ),
    "not ASCII": (lambda: f"{_EC.token()}\xe9", "no provider knows this kind of credential"),
    "with a space": (lambda: f"{_EC.token()} ", "no provider knows this kind of credential"),
    "an API key": (lambda: f"rgk_{'0' * 16}_{'0' * 64}", "no provider knows this kind of credential"),
}
"""Wrong tokens, each with the reason that the log has."""


@pytest.mark.parametrize("name", HOSTILE)
def test_a_wrong_token_is_refused_for_its_reason(chain: ProviderChain, name: str) -> None:
    make, reason = HOSTILE[name]
    token = make()
    assert why(chain, token) == reason
    assert why(chain, token) == reason  # remembered
    assert token[:20] not in reason


def test_a_token_without_a_key_id_is_checked_by_the_only_key_of_its_algorithm(chain: ProviderChain) -> None:
    assert _known(chain, _EC.token({"kid": ""})).id == "ann"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "is no JSON"),
        (b"[]", "is no JSON Web Key Set"),
        (b'{"keys": {}}', "is no JSON Web Key Set"),
        (b'{"keys": []}', "has no public key for RS256, ES256"),
        (b'{"keys": [1, {"kty": "oct", "k": "AAAA"}, {"kty": "EC", "crv": "P-256"}]}', "has no public key"),
        (json.dumps({"keys": [{}] * 101}).encode(), "has more than 100 keys"),
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


async def test_a_secret_that_both_sides_know_is_used_for_its_own_algorithms_alone(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s" * 32)
    chain = await _chain(auth_jwt_secret_file=path, auth_jwt_algorithms="HS256")
    assert _known(chain, jwt.encode(right_claims(), "s" * 32, "HS256", {"kid": "any"})).id == "ann"
    assert why(chain, jwt.encode(right_claims(), "t" * 32, "HS256")) == "the token's signature is wrong"
    assert why(chain, jwt.encode(right_claims(), "s" * 64, "HS512")) == _NOT_ALLOWED
    assert why(chain, _RSA.token()) == _NOT_ALLOWED
    await chain.stop()


async def test_a_short_secret_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("s" * 31)
    with pytest.raises(ConfigError, match="has fewer than 32 bytes"):
        await _chain(auth_jwt_secret_file=path, auth_jwt_algorithms="HS256")


async def test_a_changed_file_of_keys_is_taken_up_and_its_old_tokens_are_not(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_bytes(key_set(_EC))
    chain = await _chain(auth_jwt_keys_file=path)
    token = _EC.token()
    assert _known(chain, token).id == "ann"
    path.write_bytes(key_set(_OTHER))
    await _until_refused(chain, token)
    assert _known(chain, _OTHER.token()).id == "ann"
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
    right = _EC.token()
    principal = _known(chain, right)
    for number in range(3000):
        with pytest.raises(Unauthenticated):
            chain.recall(_bearer(f"{number}.a.b"))
    assert len(chain._refused) <= 1024
    assert _known(chain, right) is principal
