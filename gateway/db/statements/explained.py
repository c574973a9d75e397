"""The plan of a statement as it is run, and the one that it would have by indexes alone."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gateway.db.statements.transaction import Transaction
from gateway.request.calls.explanation import Explanation, Plan
from gateway.sql.reads.select import ESTIMATE
from gateway.sql.statement import Statement


def _setting(name: str, value: str) -> Statement:
    """Return the statement that gives a setting a value for the rest of the transaction."""
    text = f"SELECT pg_catalog.set_config('{name}', '{value}', true)"
    return Statement(text, (), (), writes=False, name="explain", constants={})


_READ_ONLY = _setting("transaction_read_only", "on")
# A table is read whole only where nothing else can be done.
_BY_INDEX = _setting("enable_seqscan", "off")


def is_explained(statement: Statement) -> bool:
    """Whether a statement has a plan that is told: it changes nothing."""
    return not statement.writes


async def explain(
    transaction: Transaction, statement: Statement, args: Sequence[Any], explanation: Explanation
) -> None:
    """Have PostgreSQL plan a statement for its values, run it where that is asked for, and note the plans.

    An estimate is a plan itself, of rows that nobody reads: these aren't read here either.
    """
    estimated = statement.text.startswith(ESTIMATE)
    options = "FORMAT JSON, ANALYZE, TIMING" if explanation.analyze and not estimated else "FORMAT JSON"
    await transaction.fetch(_READ_ONLY, ())
    plan = await _plan(transaction, statement, args, options)
    await transaction.fetch(_BY_INDEX, ())
    explanation.add(statement.name, plan, await _plan(transaction, statement, args, "FORMAT JSON"))


async def _plan(transaction: Transaction, statement: Statement, args: Sequence[Any], options: str) -> Plan:
    text = f"EXPLAIN ({options}) {statement.text.removeprefix(ESTIMATE)}"
    asked = replace(statement, text=text, fields=(), name=f"explain {statement.name}")
    ((found,),) = await transaction.fetch(asked, args)
    plan: Plan = json.loads(found)[0]["Plan"]
    return plan
