"""JSON Web Tokens (RFC 7519): bearer tokens that an issuer has signed."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

import jwt
import orjson

from gateway.auth.authenticator import refused_credential
from gateway.auth.key_sources import KeySource
from gateway.auth.principal import Principal, claim_at, with_credential
from gateway.auth.provider_chain import Presented
from gateway.auth.verification_keys import Key

_PARTS = 3
_UNKNOWN_KEY = "the token's key isn't known"
_MAX_HEADER = 1024
_MAX_KEY_ID = 256
_MAX_NAME = 256
_MAX_ROLES = 256
_MAX_DEPTH = 8
_LATEST = 1e12
_TIMES = frozenset({"exp", "nbf", "iat"})
# RFC 8725, 3.11: other tokens of the same issuer, such as those of logouts, aren't credentials.
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_NOT_UNDERSTOOD = frozenset({"crit", "b64", "zip", "enc", "cty"})
"""Members of a header that change what a token is: it is signed claims, or nothing that is known here."""
_WHY: Mapping[type[jwt.PyJWTError], str] = {
    jwt.InvalidSignatureError: "the token's signature is wrong",
    jwt.ExpiredSignatureError: "the token has expired",
    jwt.ImmatureSignatureError: "the token is not valid yet",
    jwt.InvalidAudienceError: "the token is for another audience",
    jwt.InvalidIssuerError: "the token is of another issuer",
    jwt.exceptions.InvalidSubjectError: "the token's subject is no text",
    jwt.InvalidKeyError: "the token's key is too short",
}


class Expected(NamedTuple):
    """What a token has to say.

    Args:
        issuer: who made it.
        audiences: whom it is for, one of them.
        algorithms: how it may be signed.
        leeway: seconds that its issuer's clock may differ from ours.
        roles_claim: the path of the claim that names its roles.

    """

    issuer: str
    audiences: Sequence[str]
    algorithms: Sequence[str]
    leeway: float
    roles_claim: str


class JsonWebTokens:
    """A Provider.

    Args:
        source: has the keys.
        expected: what tokens have to say.

    """

    def __init__(self, source: KeySource, expected: Expected) -> None:
        self._source = source
        self._expected = expected

    async def start(self, changed: Callable[[], None]) -> None:
        """Have the keys, and keep them up to date; raises ConfigError."""
        await self._source.start(changed)

    async def stop(self) -> None:
        """Keep the keys up to date no more."""
        await self._source.stop()

    def recognises(self, presented: Presented) -> bool:
        """Whether there is a token, right or wrong: only tokens have dots."""
        return b"." in presented.token

    def recall(self, presented: Presented) -> Principal | None:
        """Return whose token this is, None where its key isn't known yet; raises Unauthenticated."""
        key_id, algorithm = _header(presented.token, self._expected.algorithms)
        key = self._source.keys.find(key_id, algorithm)
        if key is not None:
            return self._principal(presented.token, key, algorithm)
        if self._source.may_look():
            return None
        raise refused_credential(_UNKNOWN_KEY)

    async def authenticate(self, presented: Presented) -> Principal:
        """Return whose token this is, after a look for its key; raises Unauthenticated."""
        await self._source.look()
        principal = self.recall(presented)
        if principal is None:
            raise refused_credential(_UNKNOWN_KEY)
        return principal

    def _principal(self, token: bytes, key: Key, algorithm: str) -> Principal:
        claims = self._claims(token, key, algorithm)
        name, ends = claims["sub"], claims["exp"]
        if not name.strip() or not name.isprintable() or len(name) > _MAX_NAME:
            raise refused_credential("the token's subject is empty, too long or not printable")
        for time in _TIMES & claims.keys():
            # PyJWT takes texts of digits too.
            if isinstance(claims[time], bool) or not isinstance(claims[time], int | float):
                raise refused_credential(f"the token's {time} is no number")
        roles = with_credential(_roles(claims, self._expected.roles_claim))
        return Principal(name, "jwt", roles, claims, min(int(ends), _LATEST) + self._expected.leeway)

    def _claims(self, token: bytes, key: Key, algorithm: str) -> dict[str, Any]:
        """Return the claims of a token whose signature and time are right; raises Unauthenticated."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[algorithm],
                audience=self._expected.audiences,
                issuer=self._expected.issuer,
                leeway=self._expected.leeway,
                options={"require": ["exp", "iss", "aud", "sub"], "enforce_minimum_key_length": True},
            )
            _check(claims, _MAX_DEPTH)
        except jwt.MissingRequiredClaimError as error:
            why = f"the token has no {error.claim}"
        except jwt.PyJWTError as error:
            why = _WHY.get(type(error), "the token can't be read")
        except (ValueError, ArithmeticError, RecursionError):
            why = "the token's claims can't be read"
        else:
            return claims
        raise refused_credential(why)


def _header(token: bytes, algorithms: Sequence[str]) -> tuple[str, str]:
    """Return the key id, empty without one, and algorithm that a token names; raises Unauthenticated.

    Nothing of it is trusted: it selects among the keys and algorithms that the settings allow.
    """
    header = _read_header(token)
    if not _NOT_UNDERSTOOD.isdisjoint(header):
        raise refused_credential("the token is encrypted, nested, or needs an extension")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise refused_credential("the token is of another type")
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise refused_credential("the token is signed by an algorithm that isn't allowed")
    if not isinstance(key_id, str) or len(key_id) > _MAX_KEY_ID:
        raise refused_credential("the token's key id can't be read")
    return key_id, algorithm


def _read_header(token: bytes) -> Mapping[str, Any]:
    parts = token.split(b".", _PARTS)
    if len(parts) != _PARTS or len(parts[0]) > _MAX_HEADER:
        raise refused_credential("the token doesn't have three parts, or its header is too long")
    try:
        header = orjson.loads(base64.urlsafe_b64decode(parts[0] + b"=" * (-len(parts[0]) % 4)))
    except (binascii.Error, ValueError):
        header = None
    if not isinstance(header, dict):
        raise refused_credential("the token's header can't be read")
    return header


def _roles(claims: Mapping[str, Any], path: str) -> Sequence[str]:
    """Return the roles that a claim names: a list of texts, or a text with spaces, as RFC 8693 has `scope`.

    Raises Unauthenticated for too many: those that are left out might be those that a denial looks for.
    """
    found = claim_at(claims, path)
    if isinstance(found, str):
        found = [role for role in found.split(" ") if role]
    if not isinstance(found, list):
        return ()
    if len(found) > _MAX_ROLES:
        raise refused_credential(f"the token has more than {_MAX_ROLES} roles")
    return [role for role in found if isinstance(role, str)]


def _check(value: Any, depth: int) -> None:
    """Raise ValueError for what policies can't compare: what nests too deep, no number, no Unicode."""
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError("nests too deep")
        for one in value.values() if isinstance(value, dict) else value:
            _check(one, depth - 1)
        value = "".join(value) if isinstance(value, dict) else ""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, float) and not isfinite(value):
        raise ValueError("is no number")
