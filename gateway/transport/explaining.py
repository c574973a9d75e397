"""Calls that ask to be explained: `rowgate-explain: plan`, or `analyze`, in their metadata."""

from collections.abc import Awaitable, Sequence

from gateway.errors import InvalidArgument
from gateway.request.calls.explanation import Explanation
from gateway.transport.authorization import Authorization
from gateway.transport.exchange import EXPLAIN, Answer, Exchange, ResponseMetadata
from gateway.transport.wire.headers import find
from gateway.transport.wire.request import Header

TRAILER = "rowgate-explain-bin"
"""The trailing metadata that tells, over gRPC and Connect: JSON."""
_MODES = {b"plan": False, b"analyze": True}


def explaining(answer: Answer, authorization: Authorization | None, *, is_explained: bool) -> Answer:
    """Return an Answer that explains the calls which ask for it; others pass by.

    Whoever is not allowed to hears PERMISSION_DENIED, and of a method that isn't explained INVALID_ARGUMENT:
    in either case nothing is done. An error is explained, too, as far as it came.

    Args:
        answer: the method's.
        authorization: says whose calls are explained; None where everybody's are.
        is_explained: whether the method's are.

    """

    def answered(exchange: Exchange) -> Awaitable[bytes]:
        mode = exchange.explain
        if mode is None:
            mode = find(exchange.headers, EXPLAIN) or b""
        return explained(exchange, mode) if mode else answer(exchange)

    async def explained(exchange: Exchange, mode: bytes) -> bytes:
        if authorization is not None:
            authorization.require_explain(exchange.identified())
        if not is_explained:
            raise InvalidArgument(
                f"{EXPLAIN.decode()}: only methods that read are explained, and no handlers in Python",
                reason="NOT_EXPLAINED",
            )
        analyze = _MODES.get(mode)
        if analyze is None:
            raise InvalidArgument(f"{EXPLAIN.decode()}: expected plan or analyze", reason="INVALID_EXPLAIN")
        exchange.explanation = Explanation(analyze)
        exchange.metadata = ResponseMetadata()
        try:
            return await answer(exchange)
        finally:
            told = exchange.explanation.text()
            exchange.metadata.trailers = ((TRAILER, told.encode()),)

    return answered


def explain_headers(exchange: Exchange | None) -> Sequence[Header]:
    """Return the headers of a REST response that tell; none of a call that didn't ask."""
    if exchange is None or exchange.explanation is None:
        return ()
    return ((EXPLAIN, exchange.explanation.text().encode()),)
