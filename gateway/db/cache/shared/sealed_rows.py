"""Names and contents as the store sees them: digests and sealed bytes."""

import hashlib
import os
import struct
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.request.calls.log_position import LogPosition

_NONCE = 12
_HEAD = struct.Struct("<qqIQ")


class Place(NamedTuple):
    """Where the store has a row, as one statement with some arguments reads it.

    Args:
        row: the key of all that is kept of the row.
        table: that of what its table's rows have in common.
        how: the field of the statement with its arguments.

    """

    row: bytes
    table: bytes
    how: bytes


class Sealed(NamedTuple):
    """A row as it is sealed.

    Args:
        until: when its time is over, in milliseconds since 1970.
        position: of the log, which it has.
        values: packed.

    """

    until: int
    position: LogPosition
    values: bytes


class RowSeal:
    """Names and seals rows. Whoever can read or write the store learns no value, and makes no row.

    Each place has a key of its own, so what is sealed for one isn't opened at another.

    Args:
        secret: that of page tokens.
        database: tells it from all others that share the store.
        server: tells one life of the store from the next.
        prefix: of all names.

    """

    def __init__(self, secret: bytes, database: bytes, server: bytes, prefix: str) -> None:
        place = database + b"/" + server
        self._names = _key(secret, place, b"rowgate.names")
        self._rows = _key(secret, place, b"rowgate.rows")
        self._prefix = prefix.encode() + b":"
        self.channel = self._name(b"c")
        """Where changes are told."""

    def table(self, table: str) -> bytes:
        """Return the key of a table."""
        return self._name(b"t" + table.encode())

    def row(self, table: str, row: bytes) -> bytes:
        """Return the key of a row, whose identity is packed."""
        return self._name(b"r" + table.encode() + b"\0" + row)

    def how(self, text: bytes) -> bytes:
        """Return the field of a statement with its arguments."""
        return hashlib.blake2b(text, digest_size=16, key=self._names).digest()

    def seal(self, place: Place, sealed: Sealed) -> bytes:
        """Return a row as it is kept at a place."""
        nonce = os.urandom(_NONCE)
        content = _HEAD.pack(sealed.until, *sealed.position) + sealed.values
        return nonce + self._cipher(place).encrypt(nonce, content, None)

    def open(self, place: Place, data: bytes) -> Sealed | None:
        """Return what was sealed for a place; None where it was altered, or comes from elsewhere."""
        try:
            content = self._cipher(place).decrypt(data[:_NONCE], data[_NONCE:], None)
        except (InvalidTag, ValueError):  # the latter of what is too short
            return None
        until, *position = _HEAD.unpack_from(content)
        return Sealed(until, LogPosition(*position), content[_HEAD.size :])

    def _cipher(self, place: Place) -> AESGCM:
        return AESGCM(hashlib.blake2b(place.row + place.how, digest_size=32, key=self._rows).digest())

    def _name(self, text: bytes) -> bytes:
        digest = hashlib.blake2b(text, digest_size=20, key=self._names)
        return self._prefix + digest.hexdigest().encode()


def _key(secret: bytes, place: bytes, use: bytes) -> bytes:
    own = hashlib.blake2b(secret, digest_size=32, person=use).digest()
    return hashlib.blake2b(place, digest_size=32, key=own).digest()
