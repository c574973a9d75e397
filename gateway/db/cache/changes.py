"""What calls change of the rows that are kept."""

import asyncio
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.db.cache.row_cache import RowCache
from gateway.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
)
from gateway.request.calls.call import Call
from gateway.request.calls.log_position import LogPosition

if TYPE_CHECKING:
    from gateway.db.cache.shared.shared_rows import SharedRows

_LATER_SECONDS = 5.0
"""When what may have been changed after all is dropped once more."""

_REFUSALS = (AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied)
"""What calls fail with that have changed nothing, unless they had before."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What calls of a method change.

    Args:
        table: that of the rows which they name; empty where none is kept, or a row has several names.
        others: tables of which any row may change.

    """

    table: str
    others: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """All of these tables."""
        return self.others | {self.table} if self.table else self.others


class Changed:
    """Drops what calls change, when they have changed it, or may have.

    Args:
        cache: the rows.
        of_methods: what each method's calls change, by its full name.
        rest: what those of others may change.
        shared: rows that gateways keep together, who are told; None where they keep none.

    """

    def __init__(
        self,
        cache: RowCache,
        of_methods: Mapping[str, Changes],
        rest: Changes,
        shared: "SharedRows | None" = None,
    ) -> None:
        self._cache = cache
        self._of_methods = of_methods
        self._rest = rest
        self._shared = shared

    async def by(self, call: Call, row: Hashable = None) -> None:
        """Drop all that a call has changed: nothing, where it hasn't written.

        Returns when others were told, or can't be: whoever hears of the call then reads what it wrote.
        """
        if call.written is not None:
            changes = self._of_methods.get(call.method, self._rest)
            if told := self._drop(changes, row, call.written):
                await asyncio.wait(told)

    def in_doubt(self, call: Call, error: BaseException, row: Hashable = None) -> None:
        """Drop all that a call may have changed which has failed, or whose caller has left.

        And again when nothing that was sent for it runs on. Where nobody knows what became of it: later, too.
        """
        if isinstance(error, _REFUSALS) and not call.unsettled and call.written is None:
            return
        changes = self._of_methods.get(call.method, self._rest)
        self._drop(changes, row, None)
        if call.left is not None and not call.left.done():
            call.left.add_done_callback(lambda _: self._drop(changes, row, None))
        if call.unsettled or isinstance(error, OutcomeUnknown):
            loop = asyncio.get_running_loop()
            loop.call_later(_LATER_SECONDS, self._drop, changes, row, None)

    def _drop(
        self, changes: Changes, row: Hashable, position: LogPosition | None
    ) -> "list[asyncio.Future[Any]]":
        """Drop what was changed; return what ends when others are told."""
        tables = changes.all
        if changes.table and row is not None:
            self._cache.changed(changes.table, row, position)
            tables = changes.others
        else:
            row = None
        for table in tables:
            self._cache.all_changed(table, position)
        return [] if self._shared is None else list(self._told(self._shared, changes, row, position))

    @staticmethod
    def _told(
        shared: "SharedRows", changes: Changes, row: Hashable, position: LogPosition | None
    ) -> "Iterator[asyncio.Future[Any]]":
        for table in changes.all:
            is_row = row is not None and table == changes.table
            told = shared.changed(table, row, position) if is_row else shared.all_changed(table, position)
            if told is not None:
                yield told
