"""Etags: a row's version as the opaque string that clients send back (AIP-154)."""

import re

from gateway.errors import InvalidArgument

# Quotes are part of a strong entity tag (RFC 9110, section 8.8.3).
_FORM = re.compile(r'"v(0|-?[1-9][0-9]{0,18})"')


def etag_of(version: int) -> str:
    """Return the etag of a row at `version`."""
    return f'"v{version}"'


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
