"""Connect's GET: a call whose message is in the query."""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from gateway.errors import InvalidArgument

_VERSION = "v1"
_MAX_PARAMETERS = 64


class Query(NamedTuple):
    """What the query of a GET says.

    Args:
        codec: the name of the message's codec, such as `json`.
        compression: what the message is compressed with; empty for nothing.
        message: its bytes.

    """

    codec: str
    compression: str
    message: bytes


def read_query(text: str) -> Query:
    """Return what a query says; raises InvalidArgument. Parameters of others' are let be."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError as error:
        raise _malformed("it is no list of parameters in UTF-8") from error
    parameters = dict(reversed(pairs))  # the first of a name counts
    if parameters.get("connect", _VERSION) != _VERSION:
        raise _malformed(f'connect has to be "{_VERSION}"')
    for name in ("encoding", "message"):
        if name not in parameters:
            raise _malformed(f"{name} is missing")
    return Query(parameters["encoding"], parameters.get("compression", ""), _message(parameters))


def _message(parameters: Mapping[str, str]) -> bytes:
    text = parameters["message"]
    if parameters.get("base64") != "1":
        return text.encode()
    unpadded = text.rstrip("=")
    try:
        return b64decode(unpadded + "=" * (-len(unpadded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed("message is no URL-safe base64") from error


def _malformed(wrong: str) -> InvalidArgument:
    return InvalidArgument(f"the query can't be read: {wrong}", reason="REQUEST_MALFORMED")
