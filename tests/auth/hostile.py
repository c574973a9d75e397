"""Wrong tokens of every kind, and why each is refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from time import time
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization

from tests.auth.issuer import ISSUER, Signer, right_claims

EC, RSA, OTHER = Signer("ec"), Signer("rsa", "RS256"), Signer("ec")
"""Two that are published, and one that pretends to be the first."""


def _part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _unsigned(header: Any, claims: Any = None, signature: str = "AAAA") -> str:
    return f"{_part(header)}.{_part(right_claims() if claims is None else claims)}.{signature}"


def _public_pem() -> bytes:
    kind, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(RSA.key.public_key().public_bytes(kind, form))


def _confused() -> str:
    """Sign with HMAC by the public key of RSA, as if it were a secret (RFC 8725, 2.1)."""
    signed = f"{_part({'alg': 'HS256', 'kid': 'rsa'})}.{_part(right_claims())}"
    digest = hmac.new(_public_pem(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{_part(digest)}"


def _with_own_key() -> str:
    """Bring the key along, that it is to be verified by."""
    return OTHER.token({"jwk": OTHER.published, "jku": "https://evil.example.org", "x5u": "https://evil"})


NOT_ALLOWED = "the token is signed by an algorithm that isn't allowed"
_EXTENDED = "the token is encrypted, nested, or needs an extension"
_UNREADABLE = "the token's header can't be read"
_PARTS = "the token doesn't have three parts, or its header is too long"
_SUBJECT = "the token's subject is empty, too long or not printable"
_ROLES = "the token has more than 256 roles"
_CLAIMS = "the token's claims can't be read"

HOSTILE: dict[str, tuple[Callable[[], str], str]] = {
    "alg none": (lambda: _unsigned({"alg": "none"}, signature=""), NOT_ALLOWED),
    "alg None": (lambda: _unsigned({"alg": "None", "kid": "ec"}, signature=""), NOT_ALLOWED),
    "no alg": (lambda: _unsigned({"kid": "ec"}), NOT_ALLOWED),
    "alg a list": (lambda: _unsigned({"alg": ["ES256"], "kid": "ec"}), NOT_ALLOWED),
    "HS for RS": (_confused, NOT_ALLOWED),
    "RS by the key of EC": (lambda: _unsigned({"alg": "RS256", "kid": "ec"}), "the token's key isn't known"),
    "other RS": (lambda: jwt.encode(right_claims(), RSA.key, "RS512", {"kid": "rsa"}), NOT_ALLOWED),
    "wrong key": (OTHER.token, "the token's signature is wrong"),
    "own key": (_with_own_key, "the token's signature is wrong"),
    "no signature": (lambda: EC.token().rpartition(".")[0] + ".", "the token's signature is wrong"),
    "changed": (
        lambda: ".".join([EC.token().split(".")[0], _part(right_claims()), EC.token().split(".")[2]]),
        "the token's signature is wrong",
    ),
    "unknown key": (lambda: Signer("new").token(), "the token's key isn't known"),
    "key id a list": (lambda: _unsigned({"alg": "ES256", "kid": ["ec"]}), "the token's key id can't be read"),
    "long key id": (
        lambda: _unsigned({"alg": "ES256", "kid": "x" * 300}),
        "the token's key id can't be read",
    ),
    "expired": (lambda: EC.token(exp=time() - 31), "the token has expired"),
    "never expires": (lambda: EC.token(exp=None), "the token has no exp"),
    "expires in words": (lambda: EC.token(exp="9999999999"), "the token's exp is no number"),
    "expires at true": (lambda: EC.token(exp=True), "the token has expired"),
    "expires at infinity": (lambda: EC.token(exp=float("inf")), "the token can't be read"),
    "valid from words": (lambda: EC.token(nbf="0"), "the token's nbf is no number"),
    "valid from true": (lambda: EC.token(nbf=True), "the token's nbf is no number"),
    "issued in words": (lambda: EC.token(iat="0"), "the token's iat is no number"),
    "not valid yet": (lambda: EC.token(nbf=time() + 60), "the token is not valid yet"),
    "issued later": (lambda: EC.token(iat=time() + 60), "the token is not valid yet"),
    "other audience": (lambda: EC.token(aud="rowgate2"), "the token is for another audience"),
    "no audience": (lambda: EC.token(aud=None), "the token has no aud"),
    "empty audience": (lambda: EC.token(aud=[]), "the token has no aud"),
    "audience of objects": (lambda: EC.token(aud=[{"x": 1}]), "the token is for another audience"),
    "other issuer": (lambda: EC.token(iss=ISSUER.rstrip("/")), "the token is of another issuer"),
    "no issuer": (lambda: EC.token(iss=None), "the token has no iss"),
    "no subject": (lambda: EC.token(sub=None), "the token has no sub"),
    "empty subject": (lambda: EC.token(sub=""), _SUBJECT),
    "subject of spaces": (lambda: EC.token(sub="  "), _SUBJECT),
    "too many roles": (lambda: EC.token(roles=[f"r{n}" for n in range(257)]), _ROLES),
    "too many roles in a text": (lambda: EC.token(roles=" ".join(["r"] * 257)), _ROLES),
    "long subject": (lambda: EC.token(sub="x" * 257), _SUBJECT),
    "subject of lines": (lambda: EC.token(sub="ann\nadmin"), _SUBJECT),
    "subject of halves": (lambda: EC.token(sub="\ud800"), _CLAIMS),
    "of another type": (lambda: EC.token({"typ": "logout+jwt"}), "the token is of another type"),
    "type a list": (lambda: EC.token({"typ": ["JWT"]}), "the token is of another type"),
    "critical": (lambda: EC.token({"crit": ["x"], "x": 1}), _EXTENDED),
    "critical b64": (lambda: EC.token({"crit": ["b64"], "b64": True}), _EXTENDED),
    "unencoded": (lambda: _unsigned({"alg": "ES256", "kid": "ec", "b64": False, "crit": ["b64"]}), _EXTENDED),
    "nested": (lambda: EC.token({"cty": "JWT"}), _EXTENDED),
    "compressed": (lambda: EC.token({"zip": "DEF"}), _EXTENDED),
    "encrypted": (lambda: f"{_part({'alg': 'dir', 'enc': 'A256GCM'})}..AAAA.AAAA.AAAA", _PARTS),
    "two parts": (lambda: EC.token().rpartition(".")[0], _PARTS),
    "long header": (lambda: EC.token({"x": "y" * 1000}), _PARTS),
    "no header": (lambda: f".{_part(right_claims())}.AAAA", _UNREADABLE),
    "header no base64": (lambda: f"AAAAA.{_part(right_claims())}.AAAA", _UNREADABLE),
    "header no object": (lambda: _unsigned([1]), _UNREADABLE),
    "header of brackets": (lambda: _unsigned(b"[" * 700), _UNREADABLE),
    "claims no object": (
        lambda: jwt.PyJWS().encode(b"[1]", EC.key, "ES256", {"kid": "ec"}),
        "the token can't be read",
    ),
    "claims of brackets": (
        lambda: jwt.PyJWS().encode(b'{"a":' + b"[" * 4000, EC.key, "ES256", {"kid": "ec"}),
        "the token can't be read",
    ),
    "claims that nest": (lambda: EC.token(x=[[[[[[[[1]]]]]]]]), _CLAIMS),
    "claims without a number": (lambda: EC.token(x=float("nan")), _CLAIMS),
    "huge": (lambda: EC.token(x="y" * 10_000), "the authorization header is too long"),
    "two in one": (
        lambda: f"{EC.token()}, Bearer {EC.token()}",
        "no provider knows this kind of credential",
    ),
    "not ASCII": (lambda: f"{EC.token()}\xe9", "no provider knows this kind of credential"),
    "with a space": (lambda: f"{EC.token()} ", "no provider knows this kind of credential"),
    "an API key": (lambda: f"rgk_{'0' * 16}_{'0' * 64}", "no provider knows this kind of credential"),
}
"""Wrong tokens, each with the reason that the log has."""
