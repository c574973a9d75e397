"""Caller headers: those in which the calls of one method differ most, told beside all others.

What the other headers say is the same for very many calls, and is known for them together.
"""

from collections.abc import Sequence
from typing import NamedTuple

from gateway.schema.consistency import HEADER
from gateway.transport.wire.request import Header

CREDENTIAL = b"authorization"
"""The header of which a client that calls for many users sends as many, again and again."""
CONSISTENCY = HEADER.encode()
"""The header with the token of a client's last write, which it sends with all reads until the next."""


class CallerHeaders(NamedTuple):
    """The values of these headers.

    Args:
        credential: says who calls; empty where nothing does, or more than one header.
        consistency: says how fresh reads are to be; empty where nothing does, or more than one header.

    """

    credential: bytes = b""
    consistency: bytes = b""

    def headers(self) -> Sequence[Header]:
        """Return those that are there."""
        credential, consistency = self
        there = [(CREDENTIAL, credential)] if credential else []
        return [*there, (CONSISTENCY, consistency)] if consistency else there


NONE_OF_CALLER = CallerHeaders()
"""Of a call that has none of them."""


def together(one: CallerHeaders, other: CallerHeaders) -> CallerHeaders:
    """Return what two say together that have other headers each."""
    return CallerHeaders(one.credential or other.credential, one.consistency or other.consistency)


def without_caller(headers: Sequence[Header]) -> tuple[Sequence[Header], CallerHeaders]:
    """Return headers without those, and their values; one that is empty, or comes again, stays among them."""
    found = CallerHeaders(*(_only(headers, name) for name in (CREDENTIAL, CONSISTENCY)))
    if found == NONE_OF_CALLER:
        return headers, NONE_OF_CALLER
    told = {name for name, _ in found.headers()}
    return [header for header in headers if header[0] not in told], found


def _only(headers: Sequence[Header], name: bytes) -> bytes:
    values = [value for key, value in headers if key == name]
    return values[0] if len(values) == 1 else b""
