"""A transaction that a handler has open: one thing is done in it at a time, and nothing behind its end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.db.database import Transaction


class OpenTransaction:
    """Hands a transaction to one coroutine of a handler at a time.

    Args:
        transaction: it.

    """

    __slots__ = ("_ended", "_transaction", "_turns")

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._turns = asyncio.Lock()
        self._ended = False

    @property
    def transaction(self) -> Transaction:
        """It, for who has the turn."""
        return self._transaction

    @asynccontextmanager
    async def turn(self, *, is_policed: bool) -> AsyncIterator[Transaction]:
        """Give the transaction; raises RuntimeError behind its end, when its connection is another call's.

        Unless `is_policed` it is the gateway's own role that acts, whoever calls.
        """
        async with self._turns:
            if self._ended:
                raise RuntimeError("the transaction has ended")
            transaction, call = self._transaction, self._transaction.call
            try:
                if is_policed:
                    yield transaction
                else:
                    async with transaction.by_own_role():
                        yield transaction
            finally:
                transaction.call = call

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo what happens inside when it raises."""
        if self._ended:
            raise RuntimeError("the transaction has ended")
        async with self._transaction.savepoint():
            yield

    def end(self) -> None:
        """Give it to nobody any more."""
        self._ended = True
