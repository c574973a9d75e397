"""Questions and answers: gateways find what SQL by hand finds; and the oracle sees where one doesn't."""

from collections.abc import AsyncIterator, Callable, Mapping

import pytest
from sqlalchemy import FromClause, true

import gateway.sql.reads.aggregate
import gateway.sql.reads.ordered_table
import gateway.sql.reads.relations
import gateway.sql.reads.search
import gateway.sql.reads.select
from gateway.request.filter.plan import Hop
from gateway.sql.filters.related import are_related
from gateway.sql.reads.order import order_clause
from gateway.sql.reads.relations import RelatedRows
from tests.harness.databases import Databases
from tests.queries_oracle.cases import Case, Tally
from tests.queries_oracle.filters.conditions import Condition
from tests.queries_oracle.filters.trees import Tree
from tests.queries_oracle.served import Served, serving
from tests.queries_oracle.slow import SlowCalls

CASES = 150
_TRIES = 600
AllServed = Mapping[str, Served]
Patch = pytest.MonkeyPatch


@pytest.fixture(scope="module")
async def served(databases: Databases) -> AsyncIterator[AllServed]:
    async with serving(databases) as served:
        yield served


async def test_answers_are_those_of_sql(served: AllServed, tell: Callable[[str], None]) -> None:
    tally = Tally()
    for number in range(CASES):
        await Case(number, served, tally).run()
    tell(f"queries: {tally}")
    assert not tally.faults, "\n\n".join(tally.faults)


async def test_a_slow_call_is_told_with_what_it_waits_for(served: AllServed) -> None:
    lines: list[str] = []
    tally = Tally(slow=SlowCalls(lines.append, seconds=0.0))
    await Case(0, served, tally).run()
    assert tally.slow.count == tally.calls
    assert [line for line in lines if line.startswith("slow:") and "case 0 (" in line]
    assert [line for line in lines if line.startswith("load ")]


def _leaf(name: str) -> Tree:
    return Tree(condition=Condition(f"{name} = 1", f"t.{name} = 1"))


A, B, C = (_leaf(name) for name in "abc")


@pytest.mark.parametrize(
    ("tree", "text", "sql"),
    [
        (Tree("AND", [A, Tree("OR", [B, C])]), "a = 1 AND b = 1 OR c = 1", "(A AND (B OR C))"),
        (Tree("OR", [Tree("AND", [A, B]), C]), "(a = 1 AND b = 1) OR c = 1", "((A AND B) OR C)"),
        (Tree("AND", [A, B], plain=True), "a = 1 b = 1", "(A AND B)"),
        (Tree("NOT", [Tree("OR", [A, B])]), "NOT (a = 1 OR b = 1)", "(NOT (A OR B))"),
        (Tree("NOT", [A], plain=True), "-a = 1", "(NOT A)"),
    ],
)
def test_a_tree_is_spelled_with_the_fewest_parentheses(tree: Tree, text: str, sql: str) -> None:
    assert tree.text == text
    for name in "abc":
        sql = sql.replace(name.upper() + ")", f"(t.{name} = 1))").replace(
            f"{name.upper()} ", f"(t.{name} = 1) "
        )
    assert tree.sql == sql.replace("(t.a = 1) ND", "AND")


def _limits_are_forgotten(patch: Patch) -> None:
    """Let relations hold as many rows as there are."""
    patch.setattr(gateway.sql.reads.relations, "limit_of", lambda _one, _asked: 1000)


def _the_deleted_are_related(patch: Patch) -> None:
    """Let relations hold rows that are marked as deleted."""
    right = gateway.sql.reads.relations._conditions

    def wrong(one: RelatedRows, *of: object) -> object:
        return [condition for condition in right(one, *of) if "IS NULL" not in str(condition)]

    patch.setattr(gateway.sql.reads.relations, "_conditions", wrong)


def _nulls_come_first(patch: Patch) -> None:
    """Let NULL be smaller than all values."""
    right = order_clause
    patch.setattr(
        gateway.sql.reads.select, "order_clause", lambda *of: [one.nulls_first() for one in right(*of)]
    )


def _groups_are_all_answered(patch: Patch) -> None:
    """Answer groups that don't meet what is asked of them, too."""
    patch.setattr(gateway.sql.reads.aggregate, "where_filter", lambda *_, **_named: true())


def _orders_lead_to_the_deleted(patch: Patch) -> None:
    """Order rows by those that are marked as deleted, too."""
    right = are_related

    def wrong(hop: Hop, *of: FromClause) -> object:
        return right(hop, *of)[: len(hop.relation.columns)]

    patch.setattr(gateway.sql.reads.ordered_table, "are_related", wrong)


def _places_count_alike(patch: Patch) -> None:
    """Let the first place among those that a part finds count hardly more than the last."""
    patch.setattr(gateway.sql.reads.search, "DAMPING", 6000)


PLANTED = (
    _limits_are_forgotten,
    _the_deleted_are_related,
    _nulls_come_first,
    _groups_are_all_answered,
    _orders_lead_to_the_deleted,
    _places_count_alike,
)


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__[1:])
async def test_the_oracle_sees(
    databases: Databases, transport: str, monkeypatch: Patch, plant: Callable[[Patch], None]
) -> None:
    plant(monkeypatch)
    tally = Tally()
    async with serving(databases, ["clinic"], [transport]) as served:
        for number in range(_TRIES):
            if await Case(number, served, tally).run():
                return
    pytest.fail(f"not seen: {tally}")
