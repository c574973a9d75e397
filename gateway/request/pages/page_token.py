"""Page and resume tokens: where the next rows start, sealed, and bound to what was asked (AIP-158)."""

import hashlib
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import InvalidArgument, OutOfRange
from gateway.request.pages.exact_values import dump_values, load_values
from gateway.request.sealed import Seal

MAX_CARRIED = 65_536
"""The most characters of a token that holds its row's values; one of a row with longer ones holds its key."""
MAX_TOKEN = 4 * 1024 * 1024
"""The most characters of a token. None is longer, for no key is: PostgreSQL's indexes compress a text to a
hundredth at best, and take 2,704 bytes. https://www.postgresql.org/docs/current/btree.html"""

_VERSION = b"\x01"
_VERSION_BY_KEY = b"\x02"
_OF_A_MOMENT = {_VERSION: b"\x03", _VERSION_BY_KEY: b"\x04"}
"""The versions of tokens that keep the request's time, too."""
_VERSIONS = frozenset({*_OF_A_MOMENT, *_OF_A_MOMENT.values()})
_MOMENT = struct.Struct("<q")
_USE = b"rowgate.page"
_PRINT = 16


@dataclass(frozen=True, slots=True)
class TokenUse:
    """What a token is called where it is read.

    Args:
        altered: makes the error of one that was altered or comes from elsewhere.
        mismatched: makes the error of one that was given out for other arguments.
        outdated: makes the error of one that holds the key of a row which has left its place.

    """

    altered: Callable[[], InvalidArgument]
    mismatched: Callable[[], InvalidArgument]
    outdated: Callable[[], InvalidArgument]


@dataclass(frozen=True, slots=True)
class Last:
    """The row that a page ended with, as a token tells of it.

    Args:
        fingerprint: what the token is bound to.
        values: the values of its order's columns; by key, a digest of them and the values of the key's.
        by_key: whether the row has to be looked up for its values.
        moment: the time of the request for the first page, where its filter is relative to that.

    """

    fingerprint: bytes
    values: list[Any]
    by_key: bool = False
    moment: int | None = None

    def require(self, fingerprint: bytes, use: TokenUse) -> None:
        """Raise InvalidArgument where the token was given out for other arguments."""
        if self.fingerprint != fingerprint:
            raise use.mismatched()


PAGE_TOKEN = TokenUse(
    lambda: InvalidArgument.field(
        "page_token",
        "is no token of this service: send next_page_token as it was read",
        reason="INVALID_PAGE_TOKEN",
    ),
    lambda: InvalidArgument.field(
        "page_token",
        "was given out for other arguments, or to another caller: "
        "keep all but page_size and read_mask the same",
        reason="PAGE_TOKEN_MISMATCH",
    ),
    lambda: InvalidArgument.field(
        "page_token",
        "names a row that is gone or has changed, and whose values were too long to keep: begin anew",
        reason="PAGE_TOKEN_OUTDATED",
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
        "was given out for other arguments, or to another caller: keep all but read_mask the same",
        reason="RESUME_TOKEN_MISMATCH",
    ),
    lambda: InvalidArgument.field(
        "resume_token",
        "names a row that is gone or has changed, and whose values were too long to keep: begin anew",
        reason="RESUME_TOKEN_OUTDATED",
    ),
)


class PageTokens:
    """Seals and opens tokens.

    Args:
        secret: at least 16 bytes, the same for every process that serves the same clients.
        old_secrets: secrets that tokens are still opened with, while they are rotated.

    """

    def __init__(self, secret: bytes, *old_secrets: bytes) -> None:
        self._seal = Seal(_USE, secret, *old_secrets, longest=MAX_TOKEN)

    def seal(
        self, fingerprint: bytes, values: Sequence[Any], key: Sequence[int], moment: int | None = None
    ) -> str:
        """Return the token of the page that follows a row.

        Args:
            fingerprint: what the token is bound to.
            values: those of the row's order columns.
            key: the places of the primary key's among them; none of rows without one.
            moment: the request's time, where its filter is relative to that.

        Raises OutOfRange where the token would be too long for one, which no key's is.

        """
        token = self._sealed(_VERSION, fingerprint, values, moment)
        if not key and len(token) > MAX_TOKEN:
            raise _too_long(len(token))
        if len(token) <= MAX_CARRIED or len(key) in (0, len(values)):
            return token
        by_key = [digest_of(values), *(values[i] for i in key)]
        return self._sealed(_VERSION_BY_KEY, fingerprint, by_key, moment)

    def _sealed(self, version: bytes, fingerprint: bytes, values: Sequence[Any], moment: int | None) -> str:
        content = fingerprint + dump_values(values)
        if moment is not None:
            version, content = _OF_A_MOMENT[version], _MOMENT.pack(moment) + content
        return self._seal.seal(version, content)

    def open(self, token: str, use: TokenUse = PAGE_TOKEN) -> Last:
        """Return what a token tells of its row, which has to be of the same arguments (`Last.require`).

        Raises InvalidArgument as `use` says for a token that was altered or comes from elsewhere.
        """
        opened = self._seal.open(token)
        if opened is None or opened[0] not in _VERSIONS:
            raise use.altered()
        (version, content), moment = opened, None
        if version in _OF_A_MOMENT.values():
            (moment,), content = _MOMENT.unpack_from(content), content[_MOMENT.size :]
        by_key = version in (_VERSION_BY_KEY, _OF_A_MOMENT[_VERSION_BY_KEY])
        return Last(content[:_PRINT], load_values(content[_PRINT:]), by_key, moment)


def fingerprint_of(*arguments: object) -> bytes:
    """Return what a token is bound to: a digest of the arguments, which must print as themselves."""
    return hashlib.blake2b(repr(arguments).encode("utf-8", "backslashreplace"), digest_size=_PRINT).digest()


def digest_of(values: Sequence[Any]) -> bytes:
    """Return a digest of driver values: the same for the same values alone."""
    return hashlib.blake2b(dump_values(values), digest_size=_PRINT).digest()


def _too_long(length: int) -> OutOfRange:
    return OutOfRange(
        f"the token of what follows would have {length} characters, {MAX_TOKEN} are allowed: "
        "rows without a key are told apart by all of their values",
        reason="ROW_TOO_LONG",
        metadata={"limit": str(MAX_TOKEN)},
    )
