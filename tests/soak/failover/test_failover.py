"""Three faults of a leader in synchronous mode; and what the checker has to find."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.soak.failover.__main__ import plan_of, soak
from tests.soak.failover.calls import End
from tests.soak.failover.cluster import missing
from tests.soak.failover.faults import FAULTS
from tests.soak.failover.load import Known, compared
from tests.soak.failover.trial import Outcomes, Setting

_OK = End("ok", {})
_UNKNOWN = End("unknown", {})
_REFUSED = End("unavailable", {})


@pytest.mark.alone
async def test_a_gateway_follows_the_leader(data_folder: Path, tell: Callable[[str], None]) -> None:
    if missing():
        pytest.skip(f"not installed: {missing()}")
    seed = random.randrange(1 << 32)  # noqa: S311 - chance, no secret
    tell(f"failover: seed {seed}")
    plan = [(Setting(synchronous=True), ["freeze", "kill", "partition"])]

    outcomes = await soak(data_folder / "failover", plan, nodes=3, seed=seed)

    tell(f"failover: {outcomes}")
    assert outcomes.wrong() == []
    assert outcomes.faults.total() == len(outcomes.gaps) == 3


async def known() -> Known:
    """Return what clients know of four writes: two acknowledged ones, an open one, a refused one."""
    told = Known("test")
    for element, end in {"a": _OK, "b": _OK, "c": _UNKNOWN, "d": _REFUSED}.items():
        told.told([element], end, doubtful=False)
    told.changes["x"], told.open_changes["x"] = 5, 1
    return told


@pytest.mark.parametrize("elements", ["ab", "abc"])
@pytest.mark.parametrize("version", [5, 6])
async def test_what_is_unknown_may_be_there_or_not(elements: str, version: int) -> None:
    found = compared(await known(), elements, {"x": version})
    assert (found.lost, found.doubled, found.refused) == ([], [], [])


async def test_lost_doubled_and_refused_writes_are_found() -> None:
    assert compared(await known(), "a", {"x": 4}).lost == ["b", "1 changes of x"]
    assert compared(await known(), "aab", {"x": 7}).doubled == ["a", "x at 7 by 5 changes and 1 open ones"]
    assert compared(await known(), "abd", {"x": 5}).refused == ["d"]


def test_all_kinds_of_faults_are_planned_in_all_settings() -> None:
    plan = plan_of(50)
    assert sum(len(faults) for _, faults in plan) == 50
    assert {setting.pooler for setting, _ in plan} == {"", "session", "transaction"}
    assert Counter(setting.synchronous for setting, _ in plan) == {True: 3, False: 1}
    assert {fault for _, faults in plan for fault in faults} == set(FAULTS)


def test_what_is_wrong_is_told() -> None:
    outcomes = Outcomes(gaps=[0.2, 1.5], longest=9.0, lost=["x"], back=["y"])
    assert outcomes.wrong() == [
        *("lost: x", "read went back: y"),
        *("a call took 9.00 s, by a deadline of 2 s", "a gap of 1.50 s"),
    ]
