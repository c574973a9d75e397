"""Turns at the event loop: long work is cut into parts, between which other calls get theirs."""

import asyncio
from collections.abc import Callable, Iterable
from time import monotonic
from typing import TypeVar

from gateway.schema.model import Field
from gateway.schema.values import ValueKind

T = TypeVar("T")
R = TypeVar("R")

TURN = 0.005
"""Seconds after which others get their turn."""
_LISTS_AT_ONCE = 20


class Turns:
    """The turns of one piece of work, which gives way after each part that ends past its time."""

    def __init__(self) -> None:
        self._until = monotonic() + TURN

    async def give(self) -> None:
        """Let others have their turn, if this one has lasted long enough."""
        if monotonic() >= self._until:
            await asyncio.sleep(0)
            self._until = monotonic() + TURN


async def each_in_turns(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Return what `work` makes of each, and give way where that takes long."""
    turns, made = Turns(), []
    for item in items:
        made.append(work(item))
        await turns.give()
    return made


def are_slow(fields: Iterable[Field]) -> bool:
    """Return whether a row's values may take long to convert: documents and lists can hold thousands."""
    return rows_at_once(fields) is not None


def rows_at_once(fields: Iterable[Field]) -> int | None:
    """Return how many rows may be converted at once; None for any number."""
    counts = (_at_once(field) for field in fields)
    return min((count for count in counts if count is not None), default=None)


def _at_once(field: Field) -> int | None:
    if field.type.kind is ValueKind.JSON:
        return 1
    return _LISTS_AT_ONCE if field.descriptor.is_repeated else None
