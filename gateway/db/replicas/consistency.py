"""Which position of the log a read needs, by the consistency that its caller asks for."""

from gateway.db.replicas.primary_log import PrimaryLog
from gateway.errors import FailedPrecondition, InvalidArgument
from gateway.request.calls.log_position import ANYWHERE, UNTOLD, LogPosition
from gateway.request.position_tokens import PositionTokens
from gateway.schema.consistency import EXPECTED, HEADER, Consistency, Freshness, read_consistency


class ReadConsistency:
    """Understands what calls ask for.

    Args:
        tokens: of writes.
        log: the primary's.

    """

    def __init__(self, tokens: PositionTokens, log: PrimaryLog) -> None:
        self._tokens = tokens
        self._log = log

    def position(self, asked: Consistency | str) -> LogPosition | None:
        """Return the position that a replica has to have; None where the primary is to be read.

        Raises InvalidArgument (INVALID_CONSISTENCY) for what is no such text or token, and FailedPrecondition
        (CONSISTENCY_TOKEN_OF_LOST_TIMELINE) for a token of another timeline or cluster than the primary's:
        the write may be lost with it.
        """
        wanted = read_consistency(asked) if isinstance(asked, str) else asked
        if wanted is None:
            raise _invalid(EXPECTED)
        if wanted.freshness is Freshness.AT_LEAST:
            return self._opened(wanted.token)
        if wanted.freshness is Freshness.BOUNDED:
            return self._log.since(wanted.seconds)
        return ANYWHERE if wanted.freshness is Freshness.ANY else None

    def told(self, written: LogPosition) -> str:
        """Return what the caller of a write is to say with its reads, to read what it has written."""
        if written == UNTOLD:
            return Freshness.STRONG.value
        return f"{Freshness.AT_LEAST.value}={self._tokens.seal(written)}"

    def _opened(self, token: str) -> LogPosition | None:
        position, latest = self._tokens.open(token), self._log.latest
        if position is None:
            raise _invalid("its token is none of this service's: send what a write has told as it was read")
        if latest is None:
            return None
        if position[:2] != latest[:2]:
            raise FailedPrecondition(
                f"{HEADER}: the token's write was made before another server became the primary, and may be "
                "lost: read with strong, and go on with the token of the next write",
                reason="CONSISTENCY_TOKEN_OF_LOST_TIMELINE",
            )
        return position


def _invalid(why: str) -> InvalidArgument:
    return InvalidArgument(f"{HEADER}: {why}", reason="INVALID_CONSISTENCY")
