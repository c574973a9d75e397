"""A transaction that a handler has open: one thing is done in it at a time, and nothing after its end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext

from gateway.db.database import Transaction


class OpenTransaction:
    """Hands a transaction to one coroutine of a handler at a time.

    Args:
        transaction: it.
        whole: what it is a part of, where it is undone by itself.

    """

    __slots__ = ("_ended", "_owner", "_parts", "_turns", "transaction")

    def __init__(self, transaction: Transaction, whole: "OpenTransaction | None" = None) -> None:
        self.transaction = transaction
        self._turns: asyncio.Lock = asyncio.Lock() if whole is None else whole._turns  # noqa: SLF001 - its own
        self._parts = asyncio.Lock()
        self._owner: asyncio.Task[object] | None = None
        self._ended = False

    @contextmanager
    def lent(self) -> Iterator["OpenTransaction"]:
        """Give it; behind the context it is nobody's: its connection is another call's."""
        try:
            yield self
        finally:
            self._ended = True

    @asynccontextmanager
    async def turn(self, *, is_policed: bool) -> AsyncIterator[Transaction]:
        """Give the transaction; raises RuntimeError behind its end.

        Unless `is_policed` it is the gateway's own role that acts, whoever calls.
        """
        async with self._turns:
            self._check()
            transaction, call = self.transaction, self.transaction.call
            try:
                if is_policed:
                    yield transaction
                else:
                    async with transaction.by_own_role():
                        yield transaction
            finally:
                transaction.call = call

    @asynccontextmanager
    async def part(self) -> AsyncIterator["OpenTransaction"]:
        """Undo what happens inside when it raises; parts come one after the other, or are parts of parts.

        What other coroutines do in the transaction meanwhile is of the part, too.
        """
        task = asyncio.current_task()
        if self._owner is task:
            async with self._savepoint() as part:
                yield part
            return
        async with self._parts:
            self._owner = task
            try:
                async with self._savepoint() as part:
                    yield part
            finally:
                self._owner = None

    @asynccontextmanager
    async def _savepoint(self) -> AsyncIterator["OpenTransaction"]:
        savepoint = self.transaction.savepoint()
        async with self._turns:
            self._check()
            await savepoint.__aenter__()
        try:
            with OpenTransaction(self.transaction, self).lent() as part:
                yield part
        except BaseException as error:
            # Who is cancelled waits for nobody: all of it is undone.
            async with self._turns if isinstance(error, Exception) else nullcontext():
                await savepoint.__aexit__(type(error), error, error.__traceback__)
            raise
        async with self._turns:
            await savepoint.__aexit__(None, None, None)

    def _check(self) -> None:
        if self._ended:
            raise RuntimeError("the transaction has ended")
