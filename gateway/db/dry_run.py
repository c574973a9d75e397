"""A transaction that is always rolled back: what validate_only runs in (AIP-163)."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import text

from gateway.db.database import Transaction
from gateway.db.executor import Executor
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement, compile_statement

# Deferred constraints are checked at COMMIT, which never comes.
_CHECK_NOW: Statement = compile_statement(text("SET CONSTRAINTS ALL IMMEDIATE"), name="check constraints")


T = TypeVar("T")


class _Undo(Exception):  # noqa: N818 - carries the answer out of the transaction, and so undoes it
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


async def dry_run(
    database: Executor, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
) -> T:
    """Return what `work` returns, every constraint checked and nothing kept.

    Sequences advance all the same: PostgreSQL never takes numbers back. Raises as `Database.transact`.
    """

    async def run(transaction: Transaction) -> T:
        answer = await work(transaction)
        await transaction.fetch(_CHECK_NOW, ())
        raise _Undo(answer)

    try:
        return await database.transact(run, call, mode)
    except _Undo as undo:
        kept: T = undo.answer
        return kept
