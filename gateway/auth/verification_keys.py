"""The keys that tokens are verified by: what an issuer publishes as a JSON Web Key Set (RFC 7517)."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import jwt
import orjson

_logger = logging.getLogger(__name__)
MAX_BYTES = 256 * 1024
"""Of a key set."""
_MAX_KEYS = 100
_KINDS: Mapping[str, tuple[str, str | None]] = {
    **{f"{family}{size}": ("RSA", None) for family in ("RS", "PS") for size in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The `kty` and `crv` of the keys of an algorithm."""
_MAX_MODULUS, _MAX_EXPONENT = 1366, 6
"""Letters of base64 of an RSA key: 8,192 and 32 bits, past which a signature takes long to check."""
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

Key = jwt.PyJWK | bytes


class BadKeys(ValueError):  # noqa: N818 - said to the operator
    """A key set that holds no key for any of the algorithms, or is none."""


class VerificationKeys:
    """Keys, each for one algorithm: a token can't have its signature checked in another way.

    Args:
        named: by key id, empty for keys without one, and algorithm.

    """

    def __init__(self, named: Mapping[tuple[str, str], Key]) -> None:
        self._named = named

    @classmethod
    def of_set(cls, text: bytes, algorithms: Sequence[str]) -> "VerificationKeys":
        """Return those of a JSON Web Key Set that are for these algorithms; raises BadKeys."""
        try:
            found = orjson.loads(text)
        except ValueError as error:
            raise BadKeys("is no JSON") from error
        described = found.get("keys") if isinstance(found, dict) else None
        if not isinstance(described, list):
            raise BadKeys("is no JSON Web Key Set: it has no keys")
        if len(described) > _MAX_KEYS:
            raise BadKeys(f"has more than {_MAX_KEYS} keys")
        found_keys = [one for key in described for one in _keys(key, algorithms)]
        named = dict(found_keys)
        if len(named) < len(found_keys):
            # RFC 7517, 4.5: they should be distinct.
            twice = [name for name, times in Counter(name for name, _ in found_keys).items() if times > 1]
            ids = sorted({key_id for key_id, _ in twice})
            _logger.warning("keys of tokens have one key id: the last of them counts", extra={"key_ids": ids})
        if not named:
            raise BadKeys(f"has no public key for {', '.join(algorithms)}")
        return cls(named)

    @classmethod
    def of_secret(cls, secret: bytes, algorithms: Sequence[str]) -> "VerificationKeys":
        """Return one that both sides know, whatever key id a token names; raises BadKeys."""
        least = max(int(algorithm.removeprefix("HS")) // 8 for algorithm in algorithms)
        if len(secret) < least:
            raise BadKeys(f"has fewer than {least} bytes")
        return _Secret({("", algorithm): secret for algorithm in algorithms})

    def __len__(self) -> int:
        return len(self._named)

    def find(self, key_id: str, algorithm: str) -> Key | None:
        """Return the key of a token; without a key id that is the only one of its algorithm."""
        if key_id:
            return self._named.get((key_id, algorithm))
        fitting = [key for (_, its), key in self._named.items() if its == algorithm]
        return fitting[0] if len(fitting) == 1 else None


class _Secret(VerificationKeys):
    def find(self, key_id: str, algorithm: str) -> Key | None:  # noqa: ARG002 - there is but one
        return self._named.get(("", algorithm))


def _keys(described: Any, algorithms: Sequence[str]) -> Iterator[tuple[tuple[str, str], Key]]:
    """Yield a key for each of the algorithms that it is for; what can't be used is left out."""
    if not isinstance(described, dict) or described.get("use", "sig") != "sig":
        return
    key_id = described.get("kid", "")
    if not isinstance(key_id, str) or not _PRIVATE.isdisjoint(described) or _is_slow(described):
        return
    for algorithm in algorithms:
        kind, curve = _KINDS[algorithm]
        is_for = described.get("alg", algorithm) == algorithm and described.get("kty") == kind
        if is_for and (curve is None or described.get("crv") == curve):
            try:
                yield (key_id, algorithm), jwt.PyJWK(described, algorithm)
            except jwt.PyJWTError:
                continue


def _is_slow(described: Mapping[str, Any]) -> bool:
    return len(str(described.get("n", ""))) > _MAX_MODULUS or len(str(described.get("e", ""))) > _MAX_EXPONENT
