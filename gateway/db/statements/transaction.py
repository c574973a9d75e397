"""An open transaction, as the work in it sees it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.auth.principal import Principal
from gateway.db.connections.received_bytes import UNCOUNTED
from gateway.db.driver_errors import sqlstate_of, translated
from gateway.db.statements.audit_trail import APPEND, AuditTrail
from gateway.db.statements.caller_role import LEAVE_ROLE, blaming_policies
from gateway.db.statements.commit_outcome import Mark
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.db.statements.watch import StatementWatch, watched
from gateway.errors import Internal, RowgateError
from gateway.request.calls.call import Call
from gateway.sql.statement import Statement

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.db.connections.connect import Connection

T = TypeVar("T")
Row = Sequence[Any]
_COPY = "copy rows"
_FOREIGN = "statement of a handler"
_REFUSALS = frozenset({"0A", "21", "22", "23", "2F", "42", "44", "P0"})
"""Classes of SQLSTATE: of a value, a constraint, a privilege, a name, a trigger."""


class Transaction:
    """An open transaction, handed to the work of `Database.transact`. Never outlives it.

    What its methods raise is translated: gateway.errors, with the driver's exception as the cause.

    Args:
        connection: where it is.
        call: whose it is.
        watch: told of statements.
        as_caller: what makes it the caller's, where PostgreSQL's own policies hold; empty where not.
        mode: its isolation, and whether it may write.

    """

    def __init__(
        self,
        connection: Any,
        call: Call,
        watch: StatementWatch | None = None,
        as_caller: str = "",
        mode: Mode = USUAL,
    ) -> None:
        self._connection = connection
        self._as_caller = as_caller
        self._mode = mode
        self._watch = watch
        self.call = call
        """Whose statements it runs: the call's, or those of the step under way."""
        self._depth = 0
        self._is_by_own_role = False
        self.commit = "COMMIT"
        """What it ends with."""
        self.wrote = False
        self.audit_trail = AuditTrail()
        """Its changes of audited tables."""
        self.idempotency_key: UUID | None = None
        """The request_id of the message that is carried out (AIP-155)."""

    @property
    def begin(self) -> str:
        """What it begins with."""
        begin = self._mode.begin
        return f"{begin}; {self._as_caller}" if self._as_caller else begin

    @property
    def principal(self) -> Principal:
        """On whose behalf it is."""
        return self.call.principal

    async def fetch(
        self, statement: Statement, args: Sequence[Any], *, counted: bool = True
    ) -> Sequence[Row]:
        """Run a statement with its arguments in bind order; return its rows, which are in memory then.

        Raises OutOfRange (RESPONSE_TOO_LARGE) for more of a response's rows than one may have, if `counted`.
        """
        self.wrote = self.wrote or statement.writes
        connection = self._connection
        counting = connection.received.of(self.call) if counted and statement.fields else UNCOUNTED
        blaming = blaming_policies(args) if self._as_caller else nullcontext()
        with blaming, translated(connection), counting:
            answer = connection.fetch_rows(statement, args)
            rows: Sequence[Row] = await watched(self._watch, statement, self.call, answer)
        if statement.audited is not None:
            return self.audit_trail.take(statement.audited, rows, self.call)
        return rows

    def given_to(self, make: Callable[..., T], statement: Statement, args: Sequence[Any]) -> T:
        """Return what is made to read a statement on its connection, such as a Cursor."""
        return make(self._connection, statement, args, self.call, self._watch, as_caller=self._as_caller)

    def foreign_connection(self) -> "Connection":
        """Return its connection, for statements that aren't the gateway's, and may write."""
        self.wrote = self.wrote or not self._mode.read_only
        connection: Connection = self._connection
        return connection

    async def fetch_foreign(self, text: str, args: Sequence[Any]) -> tuple[Sequence[Row], str]:
        """Run a statement that isn't the gateway's; return its rows, and what PostgreSQL said at its end.

        Raises the driver's exceptions, and OutOfRange (RESPONSE_TOO_LARGE) for more rows than one may have.
        """
        connection = self.foreign_connection()
        with connection.received.of(self.call):
            return await watched(self._watch, _FOREIGN, self.call, connection.fetch_foreign(text, args))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[None]:
        """Have PostgreSQL refuse what writes inside."""
        async with self.savepoint():
            await self._run("SET TRANSACTION READ ONLY")
            yield

    async def fetch_own(self, statement: Statement, args: Sequence[Any]) -> Sequence[Row]:
        """As `fetch`, of the gateway's own tables: always by its own role, callers' have no right to them."""
        if not self._as_caller:
            return await self.fetch(statement, args)
        async with self.by_own_role():
            return await self.fetch(statement, args)

    @asynccontextmanager
    async def by_own_role(self) -> AsyncIterator[None]:
        """Run what is inside by the gateway's own role, whoever calls."""
        if not self._as_caller or self._is_by_own_role:
            yield
            return
        await self._run(LEAVE_ROLE)
        self._is_by_own_role = True
        try:
            yield
        except Exception:
            # Where a statement failed nothing runs any more, and the rollback brings the role back.
            with suppress(RowgateError):
                await self._run(self._as_caller)
            raise
        finally:
            self._is_by_own_role = False
        await self._run(self._as_caller)

    async def audit(self) -> Mark | None:
        """Write the rows of all changes; return the transaction's mark, None where there are none.

        COMMIT is all that may follow. Raises Internal (AUDIT_FAILED) where the database won't have them.
        """
        rows = self.audit_trail.rows(self.idempotency_key)
        if rows is None:
            return None
        try:
            if self._as_caller:
                await self._run(LEAVE_ROLE)
                # Deferred triggers are the caller's: PostgreSQL before 18 runs them by whoever commits.
                self.commit = f"{self._as_caller}; COMMIT"
            return Mark(*(await self.fetch(APPEND, rows))[0])
        except RowgateError as error:
            raise (_not_audited() if _is_refused(error) else error) from error.__cause__

    async def stores_as_sent(self, statement: Statement) -> bool:
        """Return whether the columns of a SELECT are stored byte by byte as their fields are sent.

        It isn't run: that takes no privilege. Nobody alters its tables then until the transaction ends.
        Raises Internal (SCHEMA_MISMATCH) where a column's values are no longer those of its field.
        """
        with translated(self._connection):
            _, alike = await self._connection.prepare_once(statement)
        return bool(alike)

    async def run(self, statement: Statement, args: Sequence[Any]) -> int:
        """Run a statement for its effect; return how many rows it touched.

        What it changes of an audited table, only its rows tell: such a statement is for `fetch`.
        """
        if statement.audited is not None:
            raise AssertionError(statement.name)
        self.wrote = self.wrote or statement.writes
        with translated(self._connection):
            answer = self._connection.execute(statement.text, *args)
            tag: str = await watched(self._watch, statement, self.call, answer)
        return int(tag.rpartition(" ")[2])

    async def copy(
        self, table: str, columns: Sequence[str], parts: AsyncIterator[bytes], *, schema: str | None = None
    ) -> int:
        """COPY rows into a table; return how many it took.

        Args:
            table: its name, of this session's own table where there is no schema.
            columns: those that are sent.
            parts: the rows in COPY's binary format, cut anywhere. What it raises cancels the statement.
            schema: the table's schema.

        """
        self.wrote = True
        with translated(self._connection):
            answer = self._connection.copy_to_table(
                table, schema_name=schema, columns=columns, source=parts, format="binary"
            )
            tag: str = await watched(self._watch, _COPY, self.call, answer)
        return int(tag.rpartition(" ")[2])

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happens inside when it raises."""
        self._depth += 1
        name, made = f"s{self._depth}", len(self.audit_trail)
        try:
            await self._run(f"SAVEPOINT {name}")
            try:
                yield
            except Exception:
                self.audit_trail.undo(made)
                await self._run(f"ROLLBACK TO {name}; RELEASE {name}")
                raise
            await self._run(f"RELEASE {name}")
        finally:
            self._depth -= 1

    async def keep_savepoint(self, number: int) -> int:
        """Set a savepoint that lasts; return what `go_back` takes beside its number."""
        await self._run(f"SAVEPOINT kept{number}")
        return len(self.audit_trail)

    async def go_back(self, number: int, made: int) -> None:
        """Undo what was done since a savepoint that lasts, which stays."""
        self.audit_trail.undo(made)
        await self._run(f"ROLLBACK TO kept{number}")

    async def _run(self, command: str) -> None:
        with translated(self._connection):
            await self._connection.execute(command)


def _is_refused(error: RowgateError) -> bool:
    """Return whether the database refuses a statement, and would again."""
    return sqlstate_of(error)[:2] in _REFUSALS


def _not_audited() -> RowgateError:
    return Internal("the change can't be audited: nothing was changed", reason="AUDIT_FAILED")
