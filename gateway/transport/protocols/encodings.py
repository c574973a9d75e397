"""Compression of HTTP: what a request is packed with, and what its response may be."""

import asyncio
import re
from typing import NamedTuple

from gateway.errors import Unimplemented
from gateway.transport.wire.framing import ENCODINGS, pack

IDENTITY = "identity"
LEAST = 1024
"""Bytes of a message from which it is compressed."""
_QUICK = 64 * 1024
"""Bytes that are compressed at once, in half a millisecond."""
SPOKEN = ", ".join(ENCODINGS).encode()
"""What clients are told that they may send."""
_ZERO = re.compile(r"q\s*=\s*0(\.0*)?")


class Encodings(NamedTuple):
    """The compressions of a call.

    Args:
        request: that of its request; None for none.
        response: that which its response may have; None for none.

    """

    request: str | None
    response: str | None


NO_ENCODINGS = Encodings(None, None)


def negotiate(sent: bytes | None, accepted: bytes | None) -> Encodings:
    """Return a call's compressions; raises Unimplemented where its request has one that isn't spoken.

    Args:
        sent: what the request says that it has.
        accepted: what it says that its response may have, the best first; without it, what it has itself.

    """
    if not sent and not accepted:
        return NO_ENCODINGS
    request = (sent or b"").decode("latin-1").strip().lower() or IDENTITY
    if request != IDENTITY and request not in ENCODINGS:
        raise Unimplemented(
            f'"{request}" is none of the compressions that are spoken: {SPOKEN.decode()}, {IDENTITY}',
            reason="UNKNOWN_ENCODING",
        )
    wanted = [request] if accepted is None else _names(accepted)
    response = next((name for name in wanted if name in ENCODINGS), None)
    return Encodings(None if request == IDENTITY else request, response)


async def packed(message: bytes, encoding: str | None) -> tuple[bytes, str | None]:
    """Return a message as it is sent, and what it is compressed with, if it is worth it."""
    if encoding is None or len(message) < LEAST:
        return message, None
    if len(message) <= _QUICK:
        return pack(message, encoding), encoding
    return await asyncio.to_thread(pack, message, encoding), encoding


def _names(accepted: bytes) -> list[str]:
    """Return the compressions of a list, but for those that it rules out (RFC 9110, 12.4.2)."""
    parts = (part.partition(";") for part in accepted.decode("latin-1").lower().split(","))
    return [name.strip() for name, _, weight in parts if _ZERO.fullmatch(weight.strip()) is None]
