"""The oracle sees where searches, and what goes by relations, pass by the rules of tables."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

import gateway.db.statements.caller_role
import gateway.methods.reads.count
import gateway.methods.row_changes.tree_tables
import gateway.request.relations.trees
import gateway.sql.reads.ordered_table
import gateway.sql.reads.search
from gateway.methods.row_changes.tree_tables import TreeTable
from gateway.policy.row_rules import TableRules
from gateway.request.filter.related.relations import Relations
from gateway.schema.model import Resource
from gateway.sql.filters.conditions import _Writer
from gateway.sql.reads.select import row_conditions
from tests.harness.databases import Databases
from tests.row_policies.calls import Call
from tests.row_policies.drawing import call_of, drawn_caller, drawn_search
from tests.row_policies.drawn_trees import drawn_tree
from tests.row_policies.tables import TABLES
from tests.row_policies.test_row_policies import is_seen
from tests.row_policies.world import World

Patch = pytest.MonkeyPatch
Plant = Callable[[Patch], None]


def _filters_go_by_all_rows(patch: Patch) -> None:
    """Let conditions on rows of other tables find those that their caller may not read."""
    patch.setattr(_Writer, "in_turn", lambda *_: [])


def _counts_are_of_all_rows(patch: Patch) -> None:
    """Let filters count the rows of relations that their caller may not read."""
    right = _Writer._count
    wrong = lambda self, operand, literal=None: right(self, replace(operand, held=()), literal)  # noqa: E731 - a line
    patch.setattr(_Writer, "_count", wrong)


def _orders_go_by_all_rows(patch: Patch) -> None:
    """Order by rows of other tables that their caller may not read."""
    patch.setattr(gateway.sql.reads.ordered_table, "where_held", lambda *_: [])


def _masked_columns_of_others_are_asked_for(patch: Patch) -> None:
    """Let filters and orders know columns of other tables that are masked."""
    patch.setattr(Relations, "target", lambda self, relation: self.resources[relation.target])


def _hidden_rows_are_estimated(patch: Patch) -> None:
    """Estimate how many rows a filter finds that asks for rows which their caller may not read."""
    patch.setattr(gateway.methods.reads.count, "related_resources_of", lambda _: frozenset())


def _searches_find_all_rows(patch: Patch) -> None:
    """Find rows that their caller may not read."""
    right = row_conditions
    patch.setattr(
        gateway.sql.reads.search, "row_conditions", lambda *of: right(of[0], of[1], replace(of[2], rule=None))
    )


def _searches_go_by_masked_columns(patch: Patch) -> None:
    """Find rows by the words and likeness of texts that are masked."""
    patch.setattr(Resource, "askable", property(lambda self: self))


def _database_is_told_of_the_first_caller(patch: Patch) -> None:
    """Let the database's own policies be asked for the first caller, whoever calls."""
    right, callers = gateway.db.statements.caller_role._settings, list[Any]()

    def wrong(role: str, caller: Any) -> str:
        callers.append(caller)
        return right(role, callers[0])

    patch.setattr(gateway.db.statements.caller_role, "_settings", wrong)


def _held(change: Callable[[TableRules], TableRules], patch: Patch) -> None:
    """Write the rows that others hold by other rules than those of their table."""
    right = TreeTable.__init__

    def wrong(self: Any, resource: Any, engine: Any) -> None:
        rules = {name: change(one) for name, one in engine.rules.items()}
        right(self, resource, replace(engine, rules=rules))

    patch.setattr(TreeTable, "__init__", wrong)


def _hidden_rows_are_held(patch: Patch) -> None:
    """Let writes of a row find all rows that it holds, whoever may read them."""
    patch.setattr(gateway.methods.row_changes.tree_tables, "read_rule", lambda _: None)


def _new_held_rows_set_all_columns(patch: Patch) -> None:
    """Let rows that others hold be created with columns that their caller may not write."""
    patch.setattr(gateway.request.relations.trees, "unwritable_fields", lambda *_: ())


def _drawn_question(schema: str, world: World, chance: Random) -> Call:
    """Draw a read of several rows, by a filter and in an order that go by relations, where there are such."""
    table = chance.choice([table for table in TABLES[schema] if table.across])
    caller = drawn_caller(world, table, chance)
    call = call_of(chance.choice(("List", "Count", "Stream")), table, caller, world, chance)
    call.filter = chance.choice((*table.across, ""))
    call.order_by = chance.choice((*table.orders, ""))
    return call


# The table of leases lets everybody change rows to anything: its rule stands for one that lets all pass.
QUESTIONS: Mapping[str, tuple[str, Plant]] = {
    "filters_go_by_all_rows": ("offices", _filters_go_by_all_rows),
    "counts_are_of_all_rows": ("offices", _counts_are_of_all_rows),
    "orders_go_by_all_rows": ("estates", _orders_go_by_all_rows),
    "masked_columns_of_others_are_asked_for": ("estates", _masked_columns_of_others_are_asked_for),
    "hidden_rows_are_estimated": ("estates", _hidden_rows_are_estimated),
}
TREES: Mapping[str, Plant] = {
    "hidden_rows_are_held": _hidden_rows_are_held,
    "held_rows_are_everybodys_to_create": partial(_held, lambda rules: replace(rules, create=rules.read)),
    "new_held_rows_set_all_columns": _new_held_rows_set_all_columns,
}


@pytest.mark.parametrize(("schema", "plant"), QUESTIONS.values(), ids=QUESTIONS)
async def test_the_oracle_sees_questions(
    databases: Databases, tmp_path: Path, monkeypatch: Patch, schema: str, plant: Plant
) -> None:
    plant(monkeypatch)
    assert await is_seen(databases, tmp_path, schema, "http", _drawn_question)


@pytest.mark.parametrize("plant", [_searches_find_all_rows, _searches_go_by_masked_columns])
async def test_the_oracle_sees_searches(
    databases: Databases, tmp_path: Path, monkeypatch: Patch, plant: Plant
) -> None:
    plant(monkeypatch)
    assert await is_seen(databases, tmp_path, "offices", "http", drawn_search)


async def test_the_oracle_sees_whose_policies_the_database_has(
    databases: Databases, tmp_path: Path, monkeypatch: Patch
) -> None:
    _database_is_told_of_the_first_caller(monkeypatch)
    assert await is_seen(databases, tmp_path, "wards", "http")


@pytest.mark.parametrize("plant", TREES.values(), ids=TREES)
async def test_the_oracle_sees_rows_that_are_held(
    databases: Databases, tmp_path: Path, monkeypatch: Patch, plant: Plant
) -> None:
    plant(monkeypatch)
    assert await is_seen(databases, tmp_path, "estates", "http", drawn_tree)
