"""Several hosts: a primary is looked for side by side, any other one after the other as libpq does."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, TypeVar, cast

import asyncpg
from asyncpg.exceptions import CannotConnectNowError, TargetServerAttributeNotMatched

from gateway.db.connections.dsn import Target
from gateway.db.connections.refusals import refused_by_all
from gateway.db.connections.standing import standing_of

T = TypeVar("T")
NEXT = (OSError, CannotConnectNowError, TargetServerAttributeNotMatched)
"""After these another host may be better. Who refuses a login speaks for all, as with libpq."""
_OTHERS_SECONDS = 0.1
"""How long others may still say that they are the primary of a later timeline."""
_Connect = Callable[[Mapping[str, Any]], Awaitable[T]]


class Hosts:
    """The hosts of a target, with the driver's arguments. Raises DsnError for files that can't be read."""

    def __init__(self, target: Target) -> None:
        target.check_files()
        self._asks_all = target.wants_primary
        self._each = [(one, one.arguments()) for one in target.one_by_one()]

    async def connect(self, connect: _Connect[T]) -> T:
        """Return the connection to the first host that can be used; to the primary, where that is asked for.

        Args:
            connect: connects to one host, by the driver's arguments.

        Raises what `connect` raised for the last one; where there are several, its notes say why of each.

        """
        if self._asks_all:
            return await self._primary(connect)
        failed = list[tuple[Target, Exception]]()
        for target, arguments in self._each:
            try:
                return await connect(arguments)
            except (*NEXT, asyncpg.PostgresError) as error:
                failed.append((target, error))
                if not isinstance(error, NEXT):
                    break
        raise refused_by_all(failed)

    async def _primary(self, connect: _Connect[T]) -> T:
        """Connect to all; return the connection to the primary of the latest timeline, close the others."""
        attempts = {
            asyncio.ensure_future(_with_timeline(connect, arguments)): target
            for target, arguments in self._each
        }
        chosen: Any = None
        try:
            for ended in asyncio.as_completed(attempts):
                with suppress(*NEXT, asyncpg.PostgresError):
                    await ended
                    await asyncio.wait(attempts, timeout=_OTHERS_SECONDS)
                    _, chosen = max(_made(attempts), key=itemgetter(0))
                    return cast("T", chosen)
            raise refused_by_all(
                [(target, cast("Exception", one.exception())) for one, target in attempts.items()]
            )
        finally:
            for attempt in attempts:
                attempt.cancel()
            for _, connection in _made(attempts):
                if connection is not chosen:
                    connection.terminate()


_Attempt = asyncio.Future[tuple[int, Any]]


async def _with_timeline(connect: _Connect[Any], arguments: Mapping[str, Any]) -> tuple[int, Any]:
    connection = await connect(arguments)
    try:
        return (await standing_of(connection)).timeline, connection
    except BaseException:
        connection.terminate()
        raise


def _made(attempts: Iterable[_Attempt]) -> Sequence[tuple[int, Any]]:
    """Return the connections that could be made, with their timelines."""
    return [
        one.result() for one in attempts if one.done() and not one.cancelled() and one.exception() is None
    ]
