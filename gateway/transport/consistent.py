"""Calls that say how fresh their reads are to be, and those that are told what their writes are found by."""

from collections.abc import Awaitable, Sequence

from gateway.db.replicas.consistency import ReadConsistency, invalid
from gateway.schema.consistency import HEADER
from gateway.schema.model import Method
from gateway.transport.exchange import Answer, Exchange, ResponseMetadata
from gateway.transport.wire.http2.header_blocks.varying import has, read_only
from gateway.transport.wire.request import Header

_HEADER = HEADER.encode()


def consistent(
    answer: Answer, method: Method, consistency: ReadConsistency | None, *, only_reads: bool
) -> Answer:
    """Return an Answer that heeds `rowgate-consistency`; the same where there are no replicas.

    Args:
        answer: the method's.
        method: says what holds of calls that don't.
        consistency: understands it; None where there are no replicas.
        only_reads: whether the method's calls may read replicas. Others are told how to read what they wrote.

    """
    if consistency is None:
        return answer
    return _reading(answer, method, consistency) if only_reads else _telling(answer, consistency)


def _reading(answer: Answer, method: Method, consistency: ReadConsistency) -> Answer:
    usual = method.consistency

    def answered(exchange: Exchange) -> Awaitable[bytes]:
        asked = read_only(exchange.headers, _HEADER)
        if asked:
            exchange.reads_at, exchange.must_hold = consistency.needed(asked.decode("latin-1"))
        elif has(exchange.headers, _HEADER):
            raise invalid("comes more than once, or is empty: send what is asked for in one")
        elif usual is not None:
            exchange.reads_at, exchange.must_hold = consistency.needed(usual)
        return answer(exchange)

    return answered


def _telling(answer: Answer, consistency: ReadConsistency) -> Answer:
    async def answered(exchange: Exchange) -> bytes:
        body = await answer(exchange)
        if exchange.call is not None and exchange.call.written is not None:
            metadata = exchange.metadata = exchange.metadata or ResponseMetadata()
            metadata.trailers = (*metadata.trailers, (HEADER, consistency.told(exchange.call.written)))
        return body

    return answered


def consistency_headers(exchange: Exchange | None) -> Sequence[Header]:
    """Return the headers of a REST response that tell; none of a call that was told nothing."""
    if exchange is None or exchange.metadata is None:
        return ()
    return [(_HEADER, str(value).encode()) for name, value in exchange.metadata.trailers if name == HEADER]
