"""An executor to a real database that tells what passes, and that a test can shut."""

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.db.database import Database, Row
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement


class Watched:
    """Passes statements on, one by one in the order in which they came.

    Args:
        database: where they go.

    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changed = asyncio.Condition()
        self.sent: list[tuple[Statement, Sequence[Any], Call]] = []
        """Every statement, from when it came to the executor."""
        self._carried_out = 0
        self.under_way = 0
        self.most_under_way = 0
        self.answers = asyncio.Event()
        """Answers pass while it is set; clear it to keep those of statements that were carried out."""
        self.answers.set()

    @property
    def names(self) -> list[str]:
        """The statements' names."""
        return [statement.name for statement, _, _ in self.sent]

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run the statement; return its rows once answers may pass."""
        self.sent.append((statement, args, call))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            rows = await self._database.fetch(statement, args, call)
            async with self._changed:
                self._carried_out += 1
                self._changed.notify_all()
            await self.answers.wait()
        finally:
            self.under_way -= 1
        return rows

    async def until_carried_out(self, statements: int) -> None:
        """Wait until the database has carried out so many statements while their answers are kept."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._carried_out >= statements)
