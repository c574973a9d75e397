"""One attempt at a call: with the connection it needs, and whether it may be made again."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from asyncpg.exceptions import InvalidCachedStatementError, OutdatedSchemaCacheError

from gateway.db.connections.received_bytes import UNCOUNTED
from gateway.db.driver_errors import (
    DRIVER_ERRORS,
    as_lost,
    causes,
    is_connection_lost,
    sqlstate_of,
    translate,
    translated,
    was_never_sent,
)
from gateway.db.pool.pool import Pool
from gateway.db.retry import TryAgain
from gateway.db.shard_errors import is_undecided
from gateway.db.statements.audit_trail import AuditTrail
from gateway.db.statements.caller_role import CallerRoles
from gateway.db.statements.commit_outcome import Mark, outcome_unknown, read_mark, settle, unreplicated
from gateway.db.statements.cursor import Cursor
from gateway.db.statements.transaction import Row, Transaction
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.db.statements.watch import StatementWatch
from gateway.db.statements.written_position import written_position
from gateway.errors import Internal, RowgateError
from gateway.errors.sqlstate import ROLLED_BACK, SESSION_ENDED
from gateway.request.calls.call import Call
from gateway.sql.audit import AuditedRows
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from gateway.db.connections.connect import Connection

T = TypeVar("T")


class StatementRunner:
    """Runs statements and transactions once.

    Raises TryAgain only where it is proven that nothing was committed. A session that an operator ends
    (57P01) says so in an answer, but may do so after the COMMIT: that is a lost connection, not a proof.
    Whoever is cancelled where there is no proof finds its Call `unsettled`.

    Args:
        pool: of connections.
        watch: told of statements.
        roles: by which each call runs, in a transaction of its caller's; None for the gateway's own.
        tells_position: whether a call that has written is told where the log stood after it.

    """

    def __init__(
        self,
        pool: Pool,
        watch: StatementWatch | None = None,
        roles: CallerRoles | None = None,
        *,
        tells_position: bool = False,
    ) -> None:
        self._pool = pool
        self._watch = watch
        self._roles = roles
        self._tells_position = tells_position

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement in a transaction of its own; return its rows."""
        audited = statement.audited
        if self._roles is not None or (audited is not None and audited.in_table):
            return await self.transact(partial(_fetched, statement, args), call)
        async with self._pool.lease(call) as connection:
            # What a write has changed can't be undone any more when its rows are too many.
            counted = statement.fields and not statement.writes
            try:
                with connection.received.of(call) if counted else UNCOUNTED:
                    fetch = connection.write_alone if statement.writes else connection.fetch_rows
                    answer = fetch(statement, args)
                    if self._watch is not None:
                        answer = self._watch.over(statement, call, answer)
                    rows: Sequence[Row] = await answer
            except DRIVER_ERRORS as error:
                cause = as_lost(error, connection)
                raise _judge_alone(cause, writes=statement.writes) from cause
            except RowgateError:
                raise
            except Exception as error:
                # Nobody foresaw it: it may have come between the statement and its answer.
                connection.terminate()
                if statement.writes:
                    raise outcome_unknown() from error
                raise
            except asyncio.CancelledError:
                call.unsettled = call.unsettled or statement.writes
                raise
            if statement.writes:
                call.unsettled = True
                if connection.is_unreplicated:
                    connection.is_unreplicated = False
                    raise unreplicated()
                await self._note_position(connection, call)
            return rows if audited is None else _told(audited, rows, call)

    @asynccontextmanager
    async def cursor(self, statement: Statement, args: Sequence[Any], call: Call) -> AsyncIterator[Cursor]:
        """Open a query that reads; its transaction lasts as long as the context."""
        as_caller = self._as_caller(call)
        async with self._pool.lease(call) as connection:
            try:
                cursor = Cursor(connection, statement, args, call, self._watch, as_caller=as_caller)
                await _begin(cursor, connection)
                yield cursor
            except Exception:
                await _roll_back(connection)
                raise
            await _roll_back(connection)

    async def transact(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """Run `work` in a transaction and commit it; return what `work` returned."""
        as_caller = self._as_caller(call)
        async with self._pool.lease(call) as connection:
            try:
                transaction = Transaction(connection, call, self._watch, as_caller, mode)
                result, mark = await _carry_out(connection, transaction, work)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is undone and raised again
                await _roll_back(connection)
                call.hold(0)
                raise _judge_within(error) from error.__cause__
            lost = await _end(connection, transaction, mark, call)
            if mark is not None and mark.xid is not None:
                await self._note_position(connection, call)
        await self._settle(transaction, lost, mark, call)
        return result

    @asynccontextmanager
    async def open(self, call: Call, mode: Mode) -> AsyncIterator[Transaction]:
        """Open a transaction, which is committed where the context ends well; raises TryAgain at its begin.

        What the context raises undoes it. Whoever leaves it otherwise leaves the connection to the pool,
        which undoes it, too.
        """
        as_caller = self._as_caller(call)
        async with self._pool.lease(call) as connection:
            transaction = Transaction(connection, call, self._watch, as_caller, mode)
            await _opened(connection, transaction)
            try:
                yield transaction
                transaction.call = call
                mark = await _mark(connection, transaction)
            except Exception:
                await _roll_back(connection)
                raise
            try:
                lost = await _end(connection, transaction, mark, call)
            except TryAgain as again:
                raise again.error from again.error.__cause__
            if mark is not None and mark.xid is not None:
                await self._note_position(connection, call)
        try:
            await self._settle(transaction, lost, mark, call)
        except TryAgain as again:
            raise again.error from again.error.__cause__

    async def _settle(
        self, transaction: Transaction, lost: RowgateError | None, mark: Mark | None, call: Call
    ) -> None:
        """Find out about a COMMIT whose answer was lost, and tell what was changed; raises TryAgain."""
        if lost is not None and mark is not None and not await _settled(self._pool, mark):
            call.unsettled = False
            raise TryAgain(lost)
        transaction.audit_trail.tell(transaction.idempotency_key)

    async def _note_position(self, connection: "Connection", call: Call) -> None:
        """Tell a call that has written where the log stands now, if calls are told that."""
        if self._tells_position:
            call.written = await written_position(connection)

    def _as_caller(self, call: Call) -> str:
        """Return what makes a transaction the caller's; raises PermissionDenied, before there is one."""
        return "" if self._roles is None else self._roles.settings(call.principal)


async def _fetched(statement: Statement, args: Sequence[Any], transaction: Transaction) -> Sequence[Row]:
    return await transaction.fetch(statement, args, counted=not statement.writes)


def _told(audited: AuditedRows, rows: Sequence[Row], call: Call) -> Sequence[Row]:
    """Write the log's lines of a statement that is committed; return its rows."""
    trail = AuditTrail()
    rows = trail.take(audited, rows, call)
    trail.tell()
    return rows


async def _begin(cursor: Cursor, connection: "Connection") -> None:
    try:
        await cursor.begin()
    except DRIVER_ERRORS as error:
        cause = as_lost(error, connection)
        raise _judge_alone(cause, writes=False) from cause


async def _carry_out(
    connection: "Connection", transaction: Transaction, work: Callable[[Transaction], Awaitable[T]]
) -> tuple[T, Mark | None]:
    """Begin and do the work; return its result, and the transaction's mark where it has written."""
    with translated(connection):
        await connection.execute(transaction.begin)
    result = await work(transaction)
    return result, await _mark(connection, transaction)


async def _mark(connection: "Connection", transaction: Transaction) -> Mark | None:
    """Write what is audited; return the transaction's mark where it has written."""
    mark = await transaction.audit()
    if mark is not None or not transaction.wrote:
        return mark
    with translated(connection):
        return await read_mark(connection)


async def _opened(connection: "Connection", transaction: Transaction) -> None:
    try:
        with translated(connection):
            await connection.execute(transaction.begin)
    except RowgateError as error:
        await _roll_back(connection)
        raise _judge_within(error) from error.__cause__


async def _end(
    connection: "Connection", transaction: Transaction, mark: Mark | None, call: Call
) -> RowgateError | None:
    """Commit, as `_commit`; whoever is cancelled meanwhile finds the call unsettled."""
    call.unsettled = mark is not None
    try:
        return await _commit(connection, transaction.commit)
    except Exception:
        call.unsettled = False
        raise


async def _commit(connection: "Connection", command: str) -> RowgateError | None:
    """Commit; return the error of a connection that was lost meanwhile, which leaves the outcome open."""
    try:
        with translated(connection):
            tag = await connection.commit(command)
    except RowgateError as error:
        if _is_open_end(error):
            return error
        raise _judge_within(error) from error.__cause__
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody knows whether COMMIT was sent
        connection.terminate()
        lost = Internal("internal error", reason="INTERNAL")
        lost.__cause__ = error
        return lost
    if connection.is_unreplicated:
        connection.is_unreplicated = False
        raise unreplicated()
    if tag != "COMMIT":
        # PostgreSQL answers so when a statement had failed and the work went on as if it hadn't.
        raise Internal("the transaction had failed before its end", reason="TRANSACTION_ROLLED_BACK")
    return None


async def _settled(pool: Pool, mark: Mark) -> bool:
    """Return whether a transaction was committed; raises OutcomeUnknown where that can't be told."""
    try:
        return await settle(pool, mark)
    except RowgateError:
        raise
    except Exception as error:
        raise outcome_unknown() from error


async def _roll_back(connection: "Connection") -> None:
    try:
        await connection.execute("ROLLBACK")
    except DRIVER_ERRORS:
        with suppress(*DRIVER_ERRORS):
            connection.terminate()


def _judge_alone(error: Exception, *, writes: bool) -> Exception:
    """Return what a failed statement outside a transaction raises."""
    judged = translate(error)
    judged.__cause__ = error
    if sqlstate_of(error) in ROLLED_BACK or was_never_sent(error):
        return TryAgain(judged)
    # A result that can't be read comes from a statement that was carried out.
    if _is_open_end(judged) or isinstance(error, OutdatedSchemaCacheError):
        return outcome_unknown() if writes else TryAgain(judged)
    return judged


def _judge_within(error: Exception) -> Exception:
    """Return what failed work raises: whatever it was, nothing of it was committed."""
    if isinstance(error, RowgateError) and (
        _is_open_end(error)
        or sqlstate_of(error) in ROLLED_BACK
        or isinstance(error.__cause__, InvalidCachedStatementError | OutdatedSchemaCacheError)
    ):
        return TryAgain(error)
    return error


def _is_open_end(error: RowgateError) -> bool:
    """Return whether a session ended, announced by the server or not, and took the answer with it.

    It may be the server's own with a node of Citus'.
    """
    ended = is_connection_lost(error) or sqlstate_of(error) in SESSION_ENDED
    return ended or any(map(is_undecided, causes(error)))
