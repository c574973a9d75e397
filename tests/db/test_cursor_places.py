"""The places of readers: who may have one, and whose reader ends for another."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gateway.db.statements.cursor import CursorPlaces
from gateway.errors import ResourceExhausted
from gateway.request.calls.bulkheads import Operation
from gateway.request.calls.call import StreamCall
from gateway.request.calls.stream_delivery import Delivery

TASKS, NOTES = Operation("public.task", "STREAM"), Operation("public.note", "STREAM")
SHARE = 3


class Stalled(Delivery):
    """Of a client that has taken nothing for so long."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.ended = False

    @property
    def stalled(self) -> float:
        """The seconds."""
        return self._seconds

    def give_up(self) -> None:
        """Note it."""
        self.ended = True


class Hall:
    """Four places."""

    def __init__(self, stack: ExitStack) -> None:
        self.places = CursorPlaces(SHARE + 1, stall=2)
        self._stack = stack

    def enter(self, operation: Operation, connection: str, stalled: float = 0.0) -> Stalled:
        """Take a place for as long as the test lasts; return the reader's delivery."""
        delivery = Stalled(stalled)
        call = StreamCall("m", operation=operation, caller=connection, delivery=delivery)
        self._stack.enter_context(self.places.place(call))
        return delivery


@pytest.fixture
def hall() -> Iterator[Hall]:
    with ExitStack() as stack:
        yield Hall(stack)


def test_who_has_stalled_the_longest_makes_room(hall: Hall) -> None:
    readers = [hall.enter(TASKS, str(n), stalled=seconds) for n, seconds in enumerate((3, 9, 5))]
    hall.enter(NOTES, "z")
    hall.enter(NOTES, "new")
    assert [reader.ended for reader in readers] == [False, True, False]
    assert hall.places.in_use == SHARE + 1


def test_a_table_that_has_its_share_ends_no_reader_of_another_in_vain(hall: Hall) -> None:
    readers = [hall.enter(TASKS, str(n)) for n in range(SHARE)]
    other = hall.enter(NOTES, "z", stalled=60)
    with pytest.raises(ResourceExhausted):
        hall.enter(TASKS, "new")
    assert not any(reader.ended for reader in [*readers, other])
    assert hall.places.in_use == SHARE + 1


def test_a_connection_that_has_its_share_ends_its_own_reader(hall: Hall) -> None:
    others = hall.enter(NOTES, "z", stalled=60)
    own = [hall.enter(NOTES if n else TASKS, "a", stalled=3 * n) for n in range(SHARE)]
    hall.enter(TASKS, "a")
    assert [reader.ended for reader in own] == [False, False, True]
    assert not others.ended


def test_nobody_ends_where_that_would_not_be_enough(hall: Hall) -> None:
    """The connection's share could be freed, the table's not."""
    own = [hall.enter(NOTES, "a", stalled=60), hall.enter(TASKS, "a"), hall.enter(TASKS, "a")]
    hall.enter(TASKS, "b")
    with pytest.raises(ResourceExhausted):
        hall.enter(TASKS, "a")
    assert not any(reader.ended for reader in own)
    assert hall.places.in_use == SHARE + 1
