"""The faults that killed workers could lead to are seen, each planted."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest

from tests.citus.killed_workers import Sent, Stored, faults

ONE, TWO, REFUSED = (UUID(int=number) for number in (1, 2, 3))
SENT = [
    Sent(frozenset({(1, 1)}), ONE, "OK"),
    Sent(frozenset({(1, 2), (4, 2)}), TWO, "UNKNOWN"),
    Sent(frozenset({(1, 3)}), REFUSED, "INVALID_ARGUMENT"),
]
KEYS = frozenset({(1, 1), (1, 2), (4, 2)})
STORED = Stored(KEYS, KEYS, sorted(KEYS), frozenset({ONE, TWO}))


def _without(stored: Stored, key: tuple[int, int]) -> Stored:
    return Stored(
        stored.orders - {key},
        stored.whole - {key},
        [one for one in stored.audited if one != key],
        stored.request_ids,
    )


def _with_refused(stored: Stored) -> Stored:
    keys = stored.orders | {(1, 3)}
    return Stored(keys, keys, sorted(keys), stored.request_ids | {REFUSED})


PLANTED: dict[str, Callable[[Stored], Stored]] = {
    "acknowledged, and not there": lambda stored: replace(
        _without(stored, (1, 1)), request_ids=frozenset({TWO})
    ),
    "refused, and there": _with_refused,
    "half done": lambda stored: _without(stored, (4, 2)),
    "without all items": lambda stored: replace(stored, whole=stored.whole - {(1, 1)}),
    "not audited once": lambda stored: replace(stored, audited=[*stored.audited, (1, 1)]),
    "without its request_id": lambda stored: replace(stored, request_ids=frozenset({ONE})),
    "request_id without its orders": lambda stored: _without(_without(stored, (1, 2)), (4, 2)),
}


def test_what_may_be_is_no_fault() -> None:
    assert not any(faults(SENT, STORED).values())
    one = frozenset({(1, 1)})
    undone = Stored(one, one, [(1, 1)], frozenset({ONE}))
    assert not any(faults(SENT, undone).values())


@pytest.mark.parametrize("kind", PLANTED)
def test_each_planted_fault_is_seen(kind: str) -> None:
    found = faults(SENT, PLANTED[kind](STORED))
    assert [name for name, ones in found.items() if ones] == [kind]
