"""Responses to requests that are no call.

Their bodies are read first, as far as they are small: curl takes a response that comes before a body's end
for a failure, and what is wrong with a body is found only where it is read. A client that waits to be told
to go on isn't told so (RFC 9110, 10.1.1).
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from gateway.errors import RowgateError
from gateway.transport.wire.headers import find
from gateway.transport.wire.request import Header, HttpRequest

_SECONDS = 1.0
_BYTES = 64 * 1024


async def refuse(request: HttpRequest, status: int, headers: Sequence[Header], body: bytes = b"") -> None:
    """Send a whole response when the request's body has been passed over. Raises Gone."""
    await pass_over(request)
    await request.respond(status, headers, body)


async def pass_over(request: HttpRequest) -> None:
    """Read a small body that nobody wants, as far as it can be read. Raises Gone."""
    if find(request.headers, b"expect") is not None:
        return
    size = 0
    with suppress(TimeoutError, RowgateError):
        async with asyncio.timeout(_SECONDS):
            while size < _BYTES and (piece := await request.read()):
                size += len(piece)
