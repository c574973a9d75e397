"""Statements of steps: calls that are carried out within an open transaction, one after the other.

They stand in the places of Database, PointReads and RowWrites: a handler that is made with them serves steps
as it serves calls of their own. Nothing is shared with other calls, and nothing is tried again here: that is
for the transaction as a whole.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

from gateway.db.coalesce import KeyRead, KeysRead, RequestedWrite
from gateway.db.coalesce.batch_statements import Args
from gateway.db.statements.cursor import Cursor
from gateway.db.statements.transaction import Row, Transaction
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.errors import OutOfRange
from gateway.request.calls.call import Call, StreamCall
from gateway.sql.statement import Statement

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class StepCall(Call):
    """One call that is a step.

    Args:
        opened: the transaction that it is a step of; None until that is open.
        failed: why it has failed, where its rows were too many.

    """

    opened: Transaction | None = None
    failed: OutOfRange | None = None

    @property
    def transaction(self) -> Transaction:
        """The transaction."""
        if self.opened is None:
            raise AssertionError(self.method)
        return self.opened


def is_of_steps(transaction: Transaction) -> bool:
    """Return whether the call under way is one of several that a transaction carries out."""
    call = transaction.call
    return isinstance(call, StepCall) and call.opened is transaction


class StepExecutor:
    """Runs the statements of steps, in place of a Database."""

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement; return its rows. Raises what the transaction raises, which has failed then."""
        step = _step(call)
        try:
            return await step.transaction.fetch(statement, args, counted=not statement.writes)
        except OutOfRange as error:
            step.failed = error
            raise

    async def fetch_first(
        self, statement: Statement, args: Sequence[Any], call: Call
    ) -> tuple[Sequence[Row], bool]:
        """Read as many of a statement's first rows as there is room for; return whether it is all, too.

        PostgreSQL refuses what writes meanwhile, whatever the transaction may do. Raises OutOfRange where the
        rows turned out too large for `fetch` before: the transaction has failed.
        """
        step = _step(call)
        if step.failed is not None:
            raise step.failed
        async with step.transaction.reading():
            cursor = await Cursor.within(step.transaction, statement, args)
            return await cursor.first_rows()

    def cursor(
        self, statement: Statement, args: Sequence[Any], call: StreamCall
    ) -> AbstractAsyncContextManager[Cursor]:
        """Fail: streams are no steps."""
        raise AssertionError(statement.name, args, call.method)

    def session(self, call: Call, mode: Mode) -> AbstractAsyncContextManager[Transaction]:
        """Fail: sessions are no steps."""
        raise AssertionError(call.method, mode)

    async def transact(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        call: Call,
        mode: Mode = USUAL,  # noqa: ARG002 - the open transaction's stands
    ) -> T:
        """Run `work` in a savepoint: what it did is undone where it raises, and the transaction goes on."""
        transaction = _step(call).transaction
        async with transaction.savepoint():
            return await work(transaction)

    async def transact_once(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """As `transact`."""
        return await self.transact(work, call, mode)


class StepReads:
    """Reads rows by key for steps, in place of PointReads."""

    async def fetch(self, read: KeyRead | KeysRead, args: Args, call: Call) -> Any:
        """Return what the caller asks for, and is there."""
        statement, values = read.alone(args)
        return read.deal(await _step(call).transaction.fetch(statement, values), [args])[0]


class StepWrites:
    """Writes single rows for steps, in place of RowWrites."""

    async def write(
        self,
        requested_write: RequestedWrite,
        call: Call,
        answer: Callable[[Row], T],
        otherwise: Callable[[], Awaitable[T]],
    ) -> T:
        """Return the answer made of the changed row, or what `otherwise` returns where nothing changed."""
        statement, values = requested_write.write.alone(requested_write.args)
        rows = await _step(call).transaction.fetch(statement, values, counted=False)
        return answer(rows[0]) if rows else await otherwise()


def _step(call: Call) -> StepCall:
    """Return a step's call; one that is none must not come here."""
    if not isinstance(call, StepCall):
        raise AssertionError(call.method)  # noqa: TRY004 - no caller can know better
    return call
