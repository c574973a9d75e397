"""The rows that are kept, against a model that keeps all it was given."""

from dataclasses import dataclass, field
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.cache.row_cache import Found, Kept, RowCache, Stamp, Way
from gateway.request.calls.log_position import ANYWHERE, LogPosition

TABLES, ROWS, WAYS, SECONDS = ("a", "b"), (1, 2, 3), ("whole", "masked"), 5
Place = tuple[str, int, str]
Step = tuple[str, Place, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["read", "keep", "keep", "get", "get", "change", "change all", "wait"]),
        st.tuples(st.sampled_from(TABLES), st.sampled_from(ROWS), st.sampled_from(WAYS)),
        st.integers(0, 6),
    ),
    max_size=60,
)


@dataclass
class Model:
    """What a cache may answer, by place: the last row that was kept there, and until when.

    It has the cache that it is compared with.
    """

    now: float = 0.0
    lsn: int = 0
    read: dict[Place, tuple[Stamp, int]] = field(default_factory=dict)
    kept: dict[Place, tuple[int, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the cache, whose clock is the model's."""
        self.cache = RowCache(1 << 20, lambda: self.now)

    def begin(self, place: Place) -> None:
        """Read a row, which is kept later."""
        self.lsn += 1
        self.read[place] = self.cache.stamp(Way(*place)), self.lsn

    def keep(self, place: Place) -> None:
        """Keep what was read, if it was."""
        if place not in self.read:
            return
        stamp, lsn = self.read.pop(place)
        found = Found((lsn,), LogPosition(1, 1, lsn), stamp.at, stamp.at + SECONDS)
        self.cache.put(Way(*place), found, stamp)
        if stamp[:2] == self.cache.stamp(Way(*place))[:2]:
            self.kept[place] = (lsn, found.until)

    def change(self, table: str, row: int | None) -> None:
        """Change a row, or all of a table."""
        before = {one: self.stamp(table, one) for one in ROWS if row in (one, None)}
        if row is None:
            self.cache.all_changed(table, None)
        else:
            self.cache.changed(table, row, None)
        assert all(self.stamp(table, one) != stamp for one, stamp in before.items())
        self.kept = {one: kept for one, kept in self.kept.items() if one[0] != table or one[1] not in before}

    def stamp(self, table: str, row: int) -> tuple[int, int]:
        """Return the changes of a row that the cache has heard of."""
        return self.cache.stamp(Way(table, row, ""))[:2]

    def check(self, place: Place, lsn: int) -> None:
        """Ask for a row that has a position, or any."""
        needed = LogPosition(1, 1, lsn) if lsn else ANYWHERE
        found = self.cache.get(
            Way(*place), lambda kept: needed == ANYWHERE or kept.found.position.holds(needed)
        )
        kept, until = self.kept.get(place, (-1, 0.0))
        assert found == ((kept,) if kept >= lsn and until > self.now else None)


@given(STEPS)
def test_only_what_was_kept_and_is_neither_changed_nor_old_is_answered(steps: list[Step]) -> None:
    model = Model()
    for name, place, number in steps:
        if name == "wait":
            model.now += number
        elif name == "read":
            model.begin(place)
        elif name == "keep":
            model.keep(place)
        elif name == "get":
            model.check(place, number)
        else:
            model.change(place[0], place[1] if name == "change" else None)


def test_the_rows_that_were_asked_for_longest_ago_give_way() -> None:
    model = Model()
    model.cache = RowCache(1500, lambda: 0.0)
    for row in range(1, 5):
        way = Way("a", row, "")
        model.cache.put(way, Found((row,), LogPosition(1, 1, 1), 0.0, 1.0), model.cache.stamp(way))
        model.cache.get(Way("a", 1, ""), _any)
    kept = [row for row in range(1, 5) if model.cache.get(Way("a", row, ""), _any)]
    assert kept[0] == 1
    assert kept[-1] == 4
    assert len(kept) == len(model.cache) < 4
    assert model.cache.bytes <= 1500


@pytest.mark.parametrize("row", [1, None])
def test_a_replica_s_row_is_not_kept_that_may_lack_a_change_that_was_heard_of(row: int | None) -> None:
    model = Model()
    for change, kept in ((None, False), (LogPosition(1, 1, 9), False), (LogPosition(1, 1, 5), True)):
        cache, way = RowCache(1 << 20, lambda: model.now), Way("a", 1, "")
        if row is None:
            cache.all_changed("a", change)
        else:
            cache.changed("a", row, change)
        of_replica = Found((1,), LogPosition(1, 1, 7), -inf, model.now + SECONDS)
        assert cache.put(way, of_replica, cache.stamp(way)) is kept
        model.now += SECONDS
        assert cache.put(way, of_replica._replace(until=model.now + SECONDS), cache.stamp(way))


def _any(_: Kept) -> bool:
    return True
