"""Which position of the log a read needs, by the consistency that its caller asks for."""

from typing import NamedTuple

from gateway.db.replicas.primary_log import PrimaryLog
from gateway.errors import FailedPrecondition, InvalidArgument
from gateway.request.calls.log_position import ANYWHERE, UNTOLD, LogPosition
from gateway.request.position_tokens import PositionTokens
from gateway.schema.consistency import EXPECTED, HEADER, Consistency, Freshness, read_consistency


class Needed(NamedTuple):
    """What a read needs.

    Args:
        reads_at: the position that a replica has to have; None where the primary is to be read.
        must_hold: that of a write which the primary has to have, too; None where no token was sent.
        current_since: when the primary may have had last what is read, by the log's clock; None where that
            isn't asked for.

    """

    reads_at: LogPosition | None
    must_hold: LogPosition | None = None
    current_since: float | None = None


_ANY, _STRONG = Needed(ANYWHERE), Needed(None)
_TEXTS = 4096
"""How many texts are known at once."""


class ReadConsistency:
    """Understands what calls ask for.

    Args:
        tokens: of writes.
        log: the primary's.

    """

    def __init__(self, tokens: PositionTokens, log: PrimaryLog) -> None:
        self._tokens = tokens
        self._log = log
        self.known: dict[bytes, Needed] = {}
        """What some texts ask for. Most reads of a client come with the same, that of its last write."""
        log.when_another_begins(self.known.clear)

    def asked(self, text: bytes) -> Needed:
        """Return what a read needs, as its caller asks for it, and keep that; raises as `needed`."""
        wanted = read_consistency(text.decode("latin-1"))
        if wanted is None:
            raise invalid(EXPECTED)
        needed = self.needed(wanted)
        if wanted.freshness is not Freshness.BOUNDED:
            if len(self.known) >= _TEXTS:
                self.known.clear()
            self.known[text] = needed
        return needed

    def needed(self, wanted: Consistency) -> Needed:
        """Return what a read needs.

        Raises InvalidArgument (INVALID_CONSISTENCY) for what is no such text or token, and FailedPrecondition
        (CONSISTENCY_TOKEN_OF_LOST_TIMELINE) for a token of another timeline or cluster than the primary's:
        the write may be lost with it.
        """
        if wanted.freshness is Freshness.AT_LEAST:
            position = self._opened(wanted.token)
            return Needed(position, position)
        if wanted.freshness is Freshness.BOUNDED:
            seconds = wanted.seconds
            return Needed(self._log.since(seconds), current_since=self._log.now() - seconds)
        return _ANY if wanted.freshness is Freshness.ANY else _STRONG

    def told(self, written: LogPosition) -> str:
        """Return what the caller of a write is to say with its reads, to read what it has written."""
        if written == UNTOLD:
            return Freshness.STRONG.value
        return f"{Freshness.AT_LEAST.value}={self._tokens.seal(written)}"

    def _opened(self, token: str) -> LogPosition:
        position, latest = self._tokens.open(token), self._log.latest
        if position is None:
            raise invalid("its token is none of this service's: send what a write has told as it was read")
        # One of a later timeline is of a primary that nobody here has heard of yet.
        if latest is not None and (position.system != latest.system or position.timeline < latest.timeline):
            raise lost_timeline()
        if latest is None or position[:2] != latest[:2]:
            return position
        # With the same objects in it as others have, which compares in half the time.
        return latest._replace(lsn=position.lsn)


def lost_timeline() -> FailedPrecondition:
    """Return the error of a token whose write the primary isn't known to have."""
    return FailedPrecondition(
        f"{HEADER}: the token's write was made before another server became the primary, and may be lost: "
        "read with strong, and go on with the token of the next write",
        reason="CONSISTENCY_TOKEN_OF_LOST_TIMELINE",
    )


def invalid(why: str) -> InvalidArgument:
    """Return the error of metadata that don't say how fresh a read is to be."""
    return InvalidArgument(f"{HEADER}: {why}", reason="INVALID_CONSISTENCY")
