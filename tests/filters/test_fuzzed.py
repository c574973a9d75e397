"""Fuzzed filters: each is planned or refused, soon; PostgreSQL takes what was planned, or refuses a value."""

from tests.harness.databases import Databases
from tests.soak.filters import soak

FILTERS = 4_000


async def test_a_filter_is_answered_or_refused_soon(databases: Databases) -> None:
    tally = await soak(databases, range(FILTERS), every=4)
    assert not tally.faults, tally
    assert tally.asked > FILTERS / 20
