"""The two steps that stand in for MERGE: insert what is new, and give way; update what is stored."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.db.bulk.outcomes import Outcome
from gateway.db.bulk.target_table import Target
from gateway.db.database import Row, Transaction
from gateway.errors import Aborted
from gateway.policy.row_rules import NO_VALUES
from gateway.sql.bulk.write import BulkStatements
from gateway.sql.statement import Statement

_PASSES = 5
_PASSES_KEPT_OUT = 2
"""The same where the table keeps rows out: so often a trigger may meet such a row."""

Told = Sequence[tuple[Outcome, Sequence[int]]]
"""Outcomes of some rows. Those that aren't named are stored as they were."""


class Untold(Exception):  # noqa: N818 - a reason to take another way
    """Statements don't tell which rows they have written."""


class TwoSteps:
    """Does what MERGE does, but lets a row that was inserted meanwhile become an update.

    Once a row is locked it stays; one that went away before that is new in the next pass. What a trigger or a
    policy keeps out never comes.

    Args:
        transaction: the transaction that the rows are staged in.
        statements: the bulk upsert's statements.
        target: the table.
        indexes: the rows, ascending: all that are staged from the first to the last.
        settled: those of them that are left alone.
        caller: the values that the table's rules ask for.

    """

    def __init__(
        self,
        transaction: Transaction,
        statements: BulkStatements,
        target: Target,
        indexes: Sequence[int],
        settled: Sequence[int] = (),
        *,
        caller: Mapping[str, Any] = NO_VALUES,
    ) -> None:
        self._caller = caller
        self._transaction = transaction
        self._statements = statements
        self._target = target
        self._indexes = indexes
        self._left = set(indexes).difference(settled)
        self._inserted: list[int] = []
        self._updated: list[int] = []
        self._kept: list[int] = []

    async def write(self) -> Told:
        """Write the rows; raises Untold where they must be written apart, Aborted where others never end."""
        for _ in range(_PASSES_KEPT_OUT if self._target.keeps_out else _PASSES):
            await self._pass()
            if not self._left:
                break
        if self._left and not self._target.keeps_out:
            raise Aborted(
                "the rows are changed by others over and over: send the request again", reason="CONTENDED"
            )
        return [
            (Outcome.INSERTED, self._inserted),
            (Outcome.UPDATED, self._updated),
            (Outcome.FAILED, [*self._kept, *self._left]),
        ]

    async def _pass(self) -> None:
        nameless = await self._insert()
        if self._left:
            await self._update()
        self._name(nameless)

    async def _insert(self) -> int:
        """Insert; return how many rows were stored under a key that no sent row has."""
        rows = await self._fetch(self._statements.insert, self._arguments())
        named = [index for (index,) in rows if index is not None]
        self._inserted += named
        self._left.difference_update(named)
        return len(rows) - len(named)

    async def _update(self) -> None:
        arguments = self._arguments()
        found = await self._fetch(self._statements.find, arguments)
        if any(differs for _, differs in found):
            updated = {index for (index,) in await self._fetch(self._statements.update, arguments)}
            self._updated += updated
            self._left -= updated  # also those that came since: what is made of a stored value, is made once
            self._kept += (index for index, differs in found if differs and index not in updated)
        self._left.difference_update(index for index, _ in found)

    def _name(self, nameless: int) -> None:
        """Settle the rows that were stored under another key, or without a whole one."""
        if not nameless:
            return
        if nameless != len(self._left):
            raise Untold
        self._inserted += self._left
        self._left.clear()

    async def _fetch(self, statement: Statement, arguments: Sequence[object]) -> Sequence[Row]:
        return await self._transaction.fetch(statement, [*arguments, *statement.arguments(self._caller)])

    def _arguments(self) -> Sequence[object]:
        settled = [index for index in self._indexes if index not in self._left]
        return [self._indexes[0], self._indexes[-1], settled]
