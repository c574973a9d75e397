"""Etags: a row's version as the opaque string that clients send back (AIP-154).

That of a row which was read without some of its values tells which, by their fields' numbers: a client that
kept nothing but the etag may not erase them either (gateway.request.unreadable).
"""

import re
from collections.abc import Sequence

from gateway.errors import InvalidArgument

# Quotes are part of a strong entity tag (RFC 9110, section 8.8.3).
_FORM = re.compile(r'"v(0|-?[1-9][0-9]{0,18})(?:;([1-9][0-9]{0,8}(?:,[1-9][0-9]{0,8})*))?"')


def etag_of(version: int, without: Sequence[int] = ()) -> str:
    """Return the etag of a row at `version`, read without the fields of some numbers."""
    return f'"v{version};{",".join(map(str, without))}"' if without else f'"v{version}"'


def version_of(etag: str, path: str = "etag") -> int:
    """Return the version that an etag stands for.

    Raises InvalidArgument naming `path` (reason INVALID_ETAG) for a string that `etag_of` never returned.
    """
    match = _FORM.fullmatch(etag)
    if match is None:
        raise InvalidArgument.field(
            path, "is no etag of this service: send one as it was read", reason="INVALID_ETAG"
        )
    return int(match[1])


def left_out_of(etag: str) -> frozenset[int]:
    """Return the numbers of the fields without which its row was read; none of what is no etag."""
    match = _FORM.fullmatch(etag) if ";" in etag else None
    return frozenset(map(int, match[2].split(","))) if match is not None else frozenset()
