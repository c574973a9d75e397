"""Calls in flight: never more than the limit, nor than a share of it for one table, connection or kind."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ResourceExhausted, Unavailable
from gateway.request.calls.bulkheads import Operation, share_of, share_of_connection, share_of_kind
from gateway.transport.limits.admission import Admission

OPERATIONS = {
    f"/{kind}{table}": Operation(table, kind) for kind in ("GET", "LIST") for table in ("flight", "plane")
}

SHARES = {"caller": share_of_connection, "table": share_of, "kind": share_of_kind}


@dataclass(frozen=True, eq=False)
class Arriving:
    """A call of a method by a caller."""

    path: str
    caller: str

    @property
    def keys(self) -> list[tuple[str, str]]:
        """What it counts as."""
        operation = OPERATIONS.get(self.path)
        named = [("table", operation.table), ("kind", operation.kind)] if operation else []
        return [("caller", self.caller), *named]


@given(
    st.integers(0, 12),
    st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from([*OPERATIONS, "/other"]), st.sampled_from("abc")),
        max_size=80,
    ),
)
async def test_any_order_of_coming_and_going(limit: int, steps: list[tuple[int, str, str]]) -> None:
    admission, inside = Admission(limit, OPERATIONS), list[Arriving]()
    for which, path, caller in steps:
        if which < len(inside):
            admission.leave(inside.pop(which))
            continue
        one = Arriving(path, caller)
        held = Counter(key for other in inside for key in other.keys)
        fits = len(inside) < limit and all(held[key] < SHARES[key[0]](limit) for key in one.keys)
        if fits:
            admission.enter(one)
            inside.append(one)
        else:
            with pytest.raises(ResourceExhausted, match="calls in flight"):
                admission.enter(one)
            admission.leave(one)  # it has no place
        assert admission.in_flight == len(inside)


@pytest.mark.parametrize(
    ("others", "one", "share"),
    [
        ([("/GETflight", "a"), ("/LISTplane", "a")], ("/other", "a"), 51),
        ([("/GETflight", "a"), ("/LISTflight", "b")], ("/GETflight", "c"), 63),
        ([("/GETflight", "a"), ("/GETplane", "b")], ("/GETflight", "c"), 75),
    ],
    ids=["caller", "table", "kind of method"],
)
async def test_none_takes_the_last_quarter(
    others: list[tuple[str, str]], one: tuple[str, str], share: int, request: pytest.FixtureRequest
) -> None:
    admission = Admission(100, OPERATIONS)
    for n in range(share):
        admission.enter(Arriving(*others[n % 2]))
    with pytest.raises(ResourceExhausted) as refused:
        admission.enter(Arriving(*one))
    assert request.node.callspec.id in refused.value.message
    assert refused.value.metadata == {"limit": str(share)}
    for n in range(100 - share):
        admission.enter(Arriving("/other", f"x{n % 2}"))
    assert admission.in_flight == 100


async def test_one_connection_leaves_places_to_others_of_the_same_method() -> None:
    admission = Admission(100, OPERATIONS)
    while True:
        try:
            admission.enter(Arriving("/GETflight", "a"))
        except ResourceExhausted:
            break
    for _ in range(10):
        admission.enter(Arriving("/GETflight", "b"))


async def test_who_comes_after_the_end_is_refused_and_the_end_waits_for_who_is_there() -> None:
    admission = Admission(1)
    one = Arriving("/other", "a")
    admission.enter(one)
    admission.close()
    with pytest.raises(Unavailable) as refused:
        admission.enter(Arriving("/other", "b"))
    assert (refused.value.reason, refused.value.retry_delay) == ("SHUTTING_DOWN", 1.0)
    ended = asyncio.create_task(admission.idle())
    await asyncio.sleep(0)
    assert not ended.done()
    admission.leave(one)
    admission.leave(one)
    async with asyncio.timeout(60):
        await ended


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_a_call_that_fails_leaves_its_place(error: type[BaseException]) -> None:
    admission = Admission(1)
    with pytest.raises(error), admission.admitted(Arriving("/other", "a")):
        raise error
    assert admission.in_flight == 0
