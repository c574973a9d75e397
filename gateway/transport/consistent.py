"""Calls that say how fresh their reads are to be, and those that are told what their writes are found by."""

from collections.abc import Awaitable, Sequence

from gateway.db.replicas.consistency import Needed, ReadConsistency, invalid
from gateway.schema.consistency import HEADER
from gateway.schema.model import Method
from gateway.transport.exchange import Answer, Exchange, ResponseMetadata
from gateway.transport.wire.caller_headers import CONSISTENCY
from gateway.transport.wire.request import Header


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
    usual, known = method.consistency, consistency.known

    def answered(exchange: Exchange) -> Awaitable[bytes]:
        asked = exchange.consistency
        if asked is None:
            asked = _sent(exchange.headers)
        if asked:
            _note(exchange, known.get(asked) or consistency.asked(asked))
        elif usual is not None:
            _note(exchange, consistency.needed(usual))
        return answer(exchange)

    return answered


def _sent(headers: Sequence[Header]) -> bytes:
    """Return what a call's headers ask for, empty where they ask for nothing; raises InvalidArgument."""
    found = [value for name, value in headers if name == CONSISTENCY]
    if len(found) > 1 or found == [b""]:
        raise invalid("comes more than once, or is empty: send what is asked for in one")
    return found[0] if found else b""


def _note(exchange: Exchange, needed: Needed) -> None:
    exchange.reads_at, exchange.must_hold, exchange.current_since = needed


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
    return [
        (CONSISTENCY, str(value).encode()) for name, value in exchange.metadata.trailers if name == HEADER
    ]
