"""What kept rows answer, by what is known of the primary's log."""

from gateway.db.cache.reads import CachedReads
from gateway.db.cache.row_cache import RowCache
from gateway.db.cached_rows import CachedRows
from gateway.db.coalesce import KeyRead
from gateway.db.replicas.primary_log import PrimaryLog
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import ANYWHERE, LogPosition
from gateway.sql.statement import Statement

_STATEMENT = Statement("SELECT", ("id",), (), writes=False, name="get", constants={})
_READ = KeyRead(_STATEMENT, _STATEMENT, CachedRows("public.shelf", 60, tuple))


def at(lsn: int, timeline: int = 1) -> LogPosition:
    return LogPosition(1, timeline, lsn)


class Primary:
    """A primary whose rows are numbers: how often one was read."""

    def __init__(self) -> None:
        self.now = 0.0
        self.log = PrimaryLog(lambda: self.now)
        self.reads = CachedReads(self, RowCache(1 << 20, lambda: self.now), self.log)  # type: ignore[arg-type]
        self._read = 0

    def heard(self, position: LogPosition) -> None:
        """Ask where the log is, a while later."""
        self.now += 1
        self.log.add(self.now, position)

    async def fetch(self, _read: object, _args: object, call: Call) -> tuple[int]:
        """Read a row there, as there is no replica."""
        self._read += 1
        call.reads_at = None
        return (self._read,)

    async def get(self, needed: LogPosition | None, since: float | None = None) -> int:
        """Read a row, kept or not; return how many it is of."""
        call = Call("get", reads_at=needed, current_since=since)
        row = await self.reads.fetch(_READ, (1,), call)
        assert row is not None
        return int(row[0])


async def test_a_token_is_answered_once_the_primary_was_heard_of_since() -> None:
    """Till then another server may have become the primary, and have answered."""
    primary = Primary()
    primary.heard(at(10))
    assert await primary.get(None) == 1
    assert await primary.get(at(9)) == 2
    primary.heard(at(10))
    assert await primary.get(at(9)) == 2
    assert await primary.get(at(10)) == 3  # what was told then may be of a commit that the read has missed
    primary.heard(at(20, timeline=2))
    assert await primary.get(at(9)) == 3


async def test_a_row_that_another_primary_may_have_answered_has_no_token_s_write() -> None:
    primary = Primary()
    primary.heard(at(10))
    assert await primary.get(None) == 1
    primary.heard(at(8, timeline=2))
    assert await primary.get(at(8, timeline=2)) == 2
    assert await primary.get(ANYWHERE) == 2


async def test_a_bound_is_met_by_the_time_of_the_read_though_the_log_stands_still() -> None:
    primary = Primary()
    primary.heard(at(10))
    assert await primary.get(None) == 1
    read_at = primary.now
    primary.heard(at(10))
    assert await primary.get(at(10), read_at) == 1
    assert await primary.get(at(10), read_at + 0.5) == 2
