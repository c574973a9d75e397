"""Rules of rows that no index serves, which is told at the start: lists by them read their tables whole."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Table

from gateway.db.database import Database
from gateway.errors import RowgateError
from gateway.policy.row_rules import RowRule, TableRules
from gateway.request.calls.call import Call
from gateway.request.calls.explanation import unserved_tables
from gateway.request.filter.plan import And, Given, Not, Or, Predicate
from gateway.request.filter.related.columns import columns_of
from gateway.sql.reads.select import Rows, count_rows

_logger = logging.getLogger(__name__)
_SECONDS = 2.0
"""That all of it may take: a start waits for it."""


async def tell_unserved_rules(
    rules: Mapping[str, TableRules], tables: Mapping[str, Table], database: Database
) -> None:
    """Have a line of the log name the read rules that no index serves, with the columns that they ask for.

    Only what is asked of rows counts: a rule that lets some roles read everything is served without an index
    for those alone. What PostgreSQL doesn't tell in time is left out.
    """
    call = Call("start", deadline=asyncio.get_running_loop().time() + _SECONDS)
    found = {}
    try:
        for name, of_table in rules.items():
            rule = of_rows(of_table.read)
            if rule is not None and await _is_unserved(rule, tables[name], database, call):
                found[f"{name}, policy.read"] = sorted(columns_of(rule.shape)) if rule.shape else []
    except RowgateError:
        _logger.info("it wasn't looked which rules of rows an index serves", exc_info=True)
    if found:
        _logger.warning("no index serves rules of rows", extra={"rules": found})


async def _is_unserved(rule: RowRule, table: Table, database: Database, call: Call) -> bool:
    statement = count_rows(rule.resource, table, Rows(rule=rule))
    return bool(unserved_tables(await database.plan_by_index(statement, call)))


def of_rows(rule: RowRule) -> RowRule | None:
    """Return what a rule asks of rows, without what it asks of callers; None where that is nothing."""
    shape = None if rule.shape is None or rule.resource.is_view else _of_rows(rule.shape)
    return None if shape is None else replace(rule, shape=shape)


def _of_rows(shape: Predicate) -> Predicate | None:
    match shape:
        case Given():
            return None
        case Not(item):
            inner = _of_rows(item)
            return None if inner is None else Not(inner)
        case And(items) | Or(items):
            left = tuple(one for one in map(_of_rows, items) if one is not None)
            return type(shape)(left) if len(left) > 1 else next(iter(left), None)
    return shape
