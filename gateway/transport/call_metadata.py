"""Metadata of calls, for the handlers that their authors wrote."""

from functools import partial

from gateway.request.calls.call import METADATA
from gateway.transport.exchange import Answer, Exchange
from gateway.transport.wire.caller_headers import CONSISTENCY
from gateway.transport.wire.headers import Metadata, read_metadata

_WITHHELD = frozenset({b"authorization", b"cookie"})
"""Credentials: who calls is known by now, and code that logs metadata must not log them."""


def with_metadata(answer: Answer) -> Answer:
    """Return an Answer whose handler finds its call's metadata in METADATA."""

    async def answered(exchange: Exchange) -> bytes:
        METADATA.set(partial(_read, exchange))
        return await answer(exchange)

    return answered


def _read(exchange: Exchange) -> Metadata:
    headers = [header for header in exchange.headers if header[0] not in _WITHHELD]
    if exchange.consistency and not any(name == CONSISTENCY for name, _ in headers):
        headers.append((CONSISTENCY, exchange.consistency))
    return read_metadata(headers)
