"""Tokens of writes: sealed positions of the log, which callers send with reads that are to see them."""

import struct
from functools import lru_cache

from gateway.request.calls.log_position import LogPosition
from gateway.request.sealed import Seal

_MAX_TOKEN = 128
_USE = b"rowgate.log"
_VERSION = b"\x01"
_POSITION = struct.Struct("<qIQ")
_TOKENS = 4096


class PositionTokens:
    """Seals and opens them.

    Args:
        secret: that of page tokens.

    """

    def __init__(self, secret: bytes) -> None:
        self._seal = Seal(_USE, secret, longest=_MAX_TOKEN)
        # A client sends the token of its last write with each of its reads.
        self.open = lru_cache(_TOKENS)(self._opened)

    def seal(self, position: LogPosition) -> str:
        """Return the token of a position."""
        return self._seal.seal(_VERSION, _POSITION.pack(*position))

    def _opened(self, token: str) -> LogPosition | None:
        """Return a token's position; None where it was altered, or comes from elsewhere."""
        opened = self._seal.open(token)
        return None if opened is None else LogPosition(*_POSITION.unpack(opened[1]))
