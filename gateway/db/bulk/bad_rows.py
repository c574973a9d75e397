"""The bad rows of a refused bulk statement, all found at once."""

from collections.abc import Iterable, Sequence

from gateway.db.bulk.outcomes import Outcomes
from gateway.db.bulk.target_table import Target, allow_any_join
from gateway.db.database import Transaction
from gateway.db.driver_errors import causes, is_of_a_name, sqlstate_of
from gateway.db.shard_errors import is_of_a_copy
from gateway.errors import InvalidArgument, RowgateError
from gateway.errors.sqlstate import is_of_a_row, rule_for
from gateway.sql.bulk.locate import (
    READ_RULES,
    Breach,
    Rule,
    badly_written,
    broken_by,
    can_judge,
    locate_statements,
)
from gateway.sql.bulk.shape import may_be_unset, table_name
from gateway.sql.bulk.write import BulkStatements

_INPUT_IS_VALID = 160_000
"""The first server_version_num with pg_input_is_valid."""
_UNIQUE_VIOLATION = "23505"
_DEADLOCK = "40P01"
_INSUFFICIENT_PRIVILEGE = "42501"
"""Also what a policy's WITH CHECK raises."""


class Collision(Exception):  # noqa: N818 - not an error: a reason to start over
    """Another transaction wrote the same keys meanwhile."""


def judged(error: Exception, target: Target) -> RowgateError:
    """Return the error of bad rows; raise Collision where others are in the way, and what is neither.

    Args:
        error: what a statement raised that writes rows.
        target: the table.

    """
    state = sqlstate_of(error)
    # Whether another transaction holds the value meanwhile, of any unique key, can be told only alone.
    if not target.alone and state in (_DEADLOCK, _UNIQUE_VIOLATION):
        raise Collision from error
    of_a_row = is_of_a_row(state) or is_of_a_name(error) or any(map(is_of_a_copy, causes(error)))
    of_a_row = of_a_row or (target.judges_rows and state == _INSUFFICIENT_PRIVILEGE)
    if not of_a_row or not isinstance(error, RowgateError):
        raise error
    return error


class BadRowFinder:
    """Asks the database which staged rows break its rules.

    Args:
        transaction: the transaction that the rows are staged in.
        statements: the bulk upsert's statements.
        tally: where failures go.
        target: the table.

    """

    def __init__(
        self, transaction: Transaction, statements: BulkStatements, tally: Outcomes, target: Target
    ) -> None:
        self._transaction = transaction
        self._statements = statements
        self._shape = statements.shape
        self._tally = tally
        self._target = target
        self._rules: Sequence[Rule] | None = None

    async def remove(self, low: int, high: int, error: RowgateError) -> bool:
        """Take the bad rows out of the staging table and note them; return whether there were any.

        Unique keys are judged only alone: else a row that another bulk upsert commits between two of the
        questions looks like one in the way. In shards none can be asked for by its place.
        """
        if self._target.in_shards:
            return False
        try:
            async with self._transaction.savepoint():
                errors = await self._find(low, high, error)
        except RowgateError as refused:
            # A check that divides by zero refuses this query as it refuses the row.
            if not (is_of_a_row(sqlstate_of(refused)) or is_of_a_name(refused)):
                raise
            return False
        await self._transaction.fetch(self._statements.remove, [list(errors)])
        for index, refusal in errors.items():
            self._tally.fail(index, refusal)
        return bool(errors)

    async def _find(self, low: int, high: int, error: RowgateError) -> dict[int, RowgateError]:
        if sqlstate_of(error).startswith("22") or is_of_a_name(error):
            return await self._badly_written(low, high, error)
        errors: dict[int, RowgateError] = {}
        await allow_any_join(self._transaction)
        statements = locate_statements(self._shape, low, high)
        await self._transaction.fetch(statements.create, ())
        for rule in await self._relevant():
            broken = self._error(rule)
            for (index,) in await self._transaction.fetch(broken_by(self._shape, rule), ()):
                errors.setdefault(index, broken)
        await self._transaction.fetch(statements.drop, ())
        return errors

    async def _badly_written(self, low: int, high: int, error: RowgateError) -> dict[int, RowgateError]:
        errors: dict[int, RowgateError] = {}
        if self._target.server_version < _INPUT_IS_VALID:
            return errors
        for field in self._shape.staged:
            if not field.type.text_cast:
                continue
            metadata = {"column": field.column, "table": self._shape.resource.table}
            message = f"{field.name} is no {field.type.sql}"
            refusal = InvalidArgument(message, reason=error.reason, metadata=metadata)
            for (index,) in await self._transaction.fetch(badly_written(self._shape, field), ()):
                if low <= index <= high:
                    errors[index] = refusal
        return errors

    async def _relevant(self) -> Iterable[Rule]:
        if self._rules is None:
            rows = await self._transaction.fetch(READ_RULES, [table_name(self._shape.resource)])
            self._rules = [_rule(row) for row in rows]
        unfilled = {field.column for field in self._shape.staged if may_be_unset(field)}
        key = set(self._shape.target)
        rules = (rule for rule in self._rules if self._target.alone or rule.breach is not Breach.UNIQUE)
        return [rule for rule in rules if _is_relevant(rule, unfilled, key) and can_judge(self._shape, rule)]

    def _error(self, rule: Rule) -> RowgateError:
        known = rule_for(rule.breach.value)
        named = "column" if rule.breach is Breach.NOT_NULL else "constraint"
        metadata = {named: rule.name, "table": self._shape.resource.table}
        return known.error(known.message, reason=known.reason, metadata=metadata)


def _rule(row: Sequence[object]) -> Rule:
    breach, name, columns, condition, target, target_columns, nulls_equal, reads = row
    return Rule(
        Breach(breach),
        str(name),
        tuple(columns),  # type: ignore[arg-type]  # text[] by READ_RULES
        None if condition is None else str(condition),
        str(target),
        tuple(target_columns or ()),  # type: ignore[arg-type]  # as above
        bool(nulls_equal),
        frozenset(reads),  # type: ignore[call-overload]  # as above
    )


def _is_relevant(rule: Rule, unfilled: set[str], key: set[str]) -> bool:
    if rule.breach is Breach.NOT_NULL:
        return rule.name in unfilled
    return rule.breach is not Breach.UNIQUE or set(rule.columns) != key or rule.condition is not None
