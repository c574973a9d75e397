"""The rows that are kept, against a model that keeps all it was given."""

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from gateway.db.cache.row_cache import RowCache, Stamp
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
        self.read[place] = self.cache.stamp(*place[:2]), self.lsn

    def keep(self, place: Place) -> None:
        """Keep what was read, if it was."""
        if place not in self.read:
            return
        stamp, lsn = self.read.pop(place)
        self.cache.put(*place, (lsn,), LogPosition(1, 1, lsn), seconds=SECONDS, stamp=stamp)
        if stamp == self.cache.stamp(*place[:2]):
            self.kept[place] = (lsn, self.now + SECONDS)

    def change(self, table: str, row: int | None) -> None:
        """Change a row, or all of a table."""
        before = {one: self.cache.stamp(table, one) for one in ROWS if row in (one, None)}
        if row is None:
            self.cache.all_changed(table)
        else:
            self.cache.changed(table, row)
        assert all(self.cache.stamp(table, one) != stamp for one, stamp in before.items())
        self.kept = {one: kept for one, kept in self.kept.items() if one[0] != table or one[1] not in before}

    def check(self, place: Place, lsn: int) -> None:
        """Ask for a row that has a position, or any."""
        found = self.cache.get(*place, LogPosition(1, 1, lsn) if lsn else ANYWHERE)
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
        model.cache.put(
            "a", row, "", (row,), LogPosition(1, 1, 1), seconds=1, stamp=model.cache.stamp("a", row)
        )
        model.cache.get("a", 1, "", ANYWHERE)
    kept = [row for row in range(1, 5) if model.cache.get("a", row, "", ANYWHERE)]
    assert kept[0] == 1
    assert kept[-1] == 4
    assert len(kept) == len(model.cache) < 4
    assert model.cache.bytes <= 1500
