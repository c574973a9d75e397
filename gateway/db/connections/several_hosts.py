"""Several hosts, tried one after the other as libpq does, so that each can say why it wasn't taken."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import asyncpg
from asyncpg.exceptions import CannotConnectNowError, TargetServerAttributeNotMatched

from gateway.db.connections.dsn import Target
from gateway.db.connections.refusals import refusal

T = TypeVar("T")
_NEXT = (OSError, CannotConnectNowError, TargetServerAttributeNotMatched)
"""After these another host may be better. Who refuses a login speaks for all, as with libpq."""


class Hosts:
    """The hosts of a target, with the driver's arguments. Raises DsnError for files that can't be read."""

    def __init__(self, target: Target) -> None:
        target.check_files()
        self._each = [(one, one.arguments()) for one in target.one_by_one()]

    async def connect(self, connect: Callable[[Mapping[str, Any]], Awaitable[T]]) -> T:
        """Return the connection to the first host that can be used.

        Args:
            connect: connects to one host, by the driver's arguments.

        Raises what `connect` raised for the last one; where there are several, its notes say why of each.

        """
        failed = list[Exception]()
        notes = dict[str, None]()  # in order, and each once
        for target, arguments in self._each:
            try:
                return await connect(arguments)
            except (*_NEXT, asyncpg.PostgresError) as error:
                failed.append(error)
                if len(self._each) > 1:
                    notes[f"{target.hosts[0].place}: {refusal(error, target.sslmode)}"] = None
                if not isinstance(error, _NEXT):
                    break
        last = _most_telling(failed)
        for note in notes:
            last.add_note(note)
        raise last


def _most_telling(failed: list[Exception]) -> Exception:
    # That one takes no writes says less than that another isn't there.
    away = [error for error in failed if not isinstance(error, TargetServerAttributeNotMatched)]
    return (away or failed)[-1]
