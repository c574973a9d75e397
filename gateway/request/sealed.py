"""Sealed tokens: bytes that clients keep and send back, and that are neither read nor made elsewhere."""

import hashlib
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MIN_SECRET = 16
"""The fewest bytes of a secret."""
_VERSION = 1
_NONCE = 12


class Seal:
    """Seals and opens tokens of one use with AES-256-GCM. Its first byte is a token's version.

    Args:
        use: what they are for: tokens of one use aren't opened by another's seal.
        secret: at least 16 bytes, the same for every process that serves the same clients.
        old_secrets: secrets that tokens are still opened with, while they are rotated.
        longest: characters of a token; none is read that is longer.

    """

    def __init__(self, use: bytes, secret: bytes, *old_secrets: bytes, longest: int) -> None:
        if any(len(one) < MIN_SECRET for one in (secret, *old_secrets)):
            msg = f"a secret of tokens has at least {MIN_SECRET} bytes"
            raise ValueError(msg)
        self._ciphers = [AESGCM(_key(one, use)) for one in (secret, *old_secrets)]
        self._longest = longest

    def seal(self, version: bytes, content: bytes) -> str:
        """Return the token of some bytes."""
        nonce = os.urandom(_NONCE)
        sealed = self._ciphers[0].encrypt(nonce, content, version)
        return urlsafe_b64encode(version + nonce + sealed).rstrip(b"=").decode()

    def open(self, token: str) -> tuple[bytes, bytes] | None:
        """Return a token's version and what it holds; None where it was altered, or comes from elsewhere."""
        data = self._decode(token)
        version, nonce, sealed = (
            data[:_VERSION],
            data[_VERSION : _VERSION + _NONCE],
            data[_VERSION + _NONCE :],
        )
        if len(nonce) < _NONCE:
            return None
        for cipher in self._ciphers:
            try:
                return version, cipher.decrypt(nonce, sealed, version)
            except InvalidTag:
                continue
        return None

    def _decode(self, token: str) -> bytes:
        """Return the token's bytes; none of one that was never given out."""
        if len(token) > self._longest:
            return b""
        try:
            data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except ValueError:
            return b""
        # Decoding skips spare bits, and characters outside of the alphabet: such a token was altered.
        return data if urlsafe_b64encode(data).rstrip(b"=").decode() == token else b""


def _key(secret: bytes, use: bytes) -> bytes:
    return hashlib.blake2b(secret, digest_size=32, person=use).digest()
