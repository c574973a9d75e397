"""Page and resume tokens: where the next rows start, sealed, and bound to what was asked (AIP-158)."""

import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import InvalidArgument
from gateway.request.exact import dump_values, load_values

MIN_SECRET = 16
"""The fewest bytes of a secret."""
MAX_TOKEN = 65_536
"""The most characters of a token: a row's order may hold long texts, but not endless ones."""

_VERSION = b"\x01"
_NONCE = 12
_PRINT = 16


@dataclass(frozen=True, slots=True)
class TokenUse:
    """What a token is called where it is read.

    Args:
        altered: makes the error of one that was altered or comes from elsewhere.
        mismatched: makes the error of one that was given out for other arguments.

    """

    altered: Callable[[], InvalidArgument]
    mismatched: Callable[[], InvalidArgument]


PAGE_TOKEN = TokenUse(
    lambda: InvalidArgument.field(
        "page_token",
        "is no token of this service: send next_page_token as it was read",
        reason="INVALID_PAGE_TOKEN",
    ),
    lambda: InvalidArgument.field(
        "page_token",
        "was given out for other arguments: keep all but page_size and read_mask the same",
        reason="PAGE_TOKEN_MISMATCH",
    ),
)
RESUME_TOKEN = TokenUse(
    lambda: InvalidArgument.field(
        "resume_token",
        "is no token of this service: send resume_token as it was read",
        reason="INVALID_RESUME_TOKEN",
    ),
    lambda: InvalidArgument.field(
        "resume_token",
        "was given out for other arguments: keep all but read_mask the same",
        reason="RESUME_TOKEN_MISMATCH",
    ),
)


class PageTokens:
    """Seals and opens tokens with AES-256-GCM: opaque, and neither made nor changed elsewhere.

    Args:
        secret: at least 16 bytes, the same for every process that serves the same clients.
        old_secrets: secrets that tokens are still opened with, while they are rotated.

    """

    def __init__(self, secret: bytes, *old_secrets: bytes) -> None:
        if any(len(one) < MIN_SECRET for one in (secret, *old_secrets)):
            msg = f"a page token secret has at least {MIN_SECRET} bytes"
            raise ValueError(msg)
        self._ciphers = [AESGCM(_key(one)) for one in (secret, *old_secrets)]

    def seal(self, fingerprint: bytes, values: Sequence[Any]) -> str:
        """Return the token of the page that follows the row whose order columns hold `values`."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[0].encrypt(nonce, fingerprint + dump_values(values), _VERSION)
        return urlsafe_b64encode(_VERSION + nonce + sealed).rstrip(b"=").decode()

    def open(self, token: str, fingerprint: bytes, use: TokenUse = PAGE_TOKEN) -> list[Any]:
        """Return the values that a token was sealed with.

        Raises InvalidArgument as `use` says: for a token that was altered or comes from elsewhere, and for
        one that was given out for other arguments.
        """
        content = self._decrypt(_decode(token))
        if content is None:
            raise use.altered()
        if content[:_PRINT] != fingerprint:
            raise use.mismatched()
        return load_values(content[_PRINT:])

    def _decrypt(self, data: bytes) -> bytes | None:
        nonce, sealed = data[1 : 1 + _NONCE], data[1 + _NONCE :]
        if data[:1] != _VERSION or len(nonce) < _NONCE:
            return None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, sealed, _VERSION)
            except InvalidTag:
                continue
        return None


def fingerprint_of(*arguments: object) -> bytes:
    """Return what a token is bound to: a digest of the arguments, which must print as themselves."""
    return hashlib.blake2b(repr(arguments).encode("utf-8", "backslashreplace"), digest_size=_PRINT).digest()


def _key(secret: bytes) -> bytes:
    return hashlib.blake2b(secret, digest_size=32, person=b"rowgate.page").digest()


def _decode(token: str) -> bytes:
    """Return the token's bytes; none of one that was never given out."""
    if len(token) > MAX_TOKEN:
        return b""
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except ValueError:
        return b""
    # Characters outside of the alphabet, and spare bits, are skipped in decoding: such a token was altered.
    return data if urlsafe_b64encode(data).rstrip(b"=").decode() == token else b""
