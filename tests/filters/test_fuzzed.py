"""Fuzzed filters: each is planned or refused, soon; PostgreSQL takes what was planned, or refuses a value."""

from contextlib import nullcontext
from typing import TypeVar

import pytest

from gateway.errors import InvalidArgument
from gateway.request.filter import parse_filter
from gateway.request.filter.related import embedded
from tests.harness.databases import Databases
from tests.soak.filters import resources, soak

FILTERS = 4_000
T = TypeVar("T")


def test_a_filter_of_too_many_relations_is_refused_before_their_rules_are_made_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resource, _, relations = resources()["guilds.v1.Task"]
    made: list[object] = []
    right = embedded.with_binds

    def counted(shape: T, binds: list[int]) -> T:
        made.append(shape)
        return right(shape, binds)

    monkeypatch.setattr(embedded, "with_binds", counted)
    for terms, is_planned in ((2, True), (200, False)):
        made.clear()
        with nullcontext() if is_planned else pytest.raises(InvalidArgument, match="weighs more"):
            parse_filter("guild.tasks.guild.open = true " * terms, resource, relations)
        assert 0 < len(made) < 32 * 40


async def test_a_filter_is_answered_or_refused_soon(databases: Databases) -> None:
    tally = await soak(databases, range(FILTERS), every=4)
    assert not tally.faults, tally
    assert tally.asked > FILTERS / 20
