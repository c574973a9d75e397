"""The ways of statements as handlers know them: of calls of their own, and of steps of a transaction."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar, overload

from gateway.db.coalesce import KeyRead, KeysRead, RequestedWrite
from gateway.db.coalesce.batch_statements import Args
from gateway.db.statements.cursor import Cursor
from gateway.db.statements.transaction import Row, Transaction
from gateway.db.statements.transaction_mode import USUAL, Mode
from gateway.request.calls.call import Call, StreamCall
from gateway.sql.statement import Statement

T = TypeVar("T")


class Executor(Protocol):
    """Runs statements and transactions: gateway.db.database.Database says what each of these does."""

    async def fetch(self, statement: Statement, args: Sequence[Any], call: Call) -> Sequence[Row]:
        """Run one statement; return its rows."""

    async def fetch_first(
        self, statement: Statement, args: Sequence[Any], call: Call
    ) -> tuple[Sequence[Row], bool]:
        """Read as many of a statement's first rows as there is room for; return whether it is all, too."""

    def cursor(
        self, statement: Statement, args: Sequence[Any], call: StreamCall
    ) -> AbstractAsyncContextManager[Cursor]:
        """Read a statement's rows slice by slice."""

    def session(self, call: Call, mode: Mode) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that lasts as long as the context."""

    async def transact(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """Run `work`, all of it or nothing; return what it returned."""

    async def transact_once(
        self, work: Callable[[Transaction], Awaitable[T]], call: Call, mode: Mode = USUAL
    ) -> T:
        """As `transact`, for work that finds out by itself whether it has been done."""


class KeyReads(Protocol):
    """Reads rows by key: gateway.db.coalesce.PointReads says how."""

    @overload
    async def fetch(self, read: KeyRead, args: Args, call: Call) -> Row | None: ...

    @overload
    async def fetch(self, read: KeysRead, args: Args, call: Call) -> Mapping[int, Row]: ...

    async def fetch(self, read: KeyRead | KeysRead, args: Args, call: Call) -> Any:
        """Return what the caller asks for, and is there."""


class SingleWrites(Protocol):
    """Writes single rows: gateway.db.coalesce.RowWrites says how."""

    async def write(
        self,
        requested_write: RequestedWrite,
        call: Call,
        answer: Callable[[Row], T],
        otherwise: Callable[[], Awaitable[T]],
    ) -> T:
        """Return the answer made of the changed row, or what `otherwise` returns."""
