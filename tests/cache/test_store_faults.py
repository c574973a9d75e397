"""A store that is frozen, killed and emptied under calls: none fails, and no token is answered with less."""

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass, field

import pytest

from tests.cache.shelf import Shelves
from tests.cache.store import Store
from tests.harness.polling import next_poll

CALLS = 150
"""So many calls are made between one fault and the next."""


@dataclass(slots=True)
class Load:
    """Calls of two gateways, each of which reads what the other writes.

    Args:
        one: writes.
        other: reads.

    """

    one: Shelves
    other: Shelves
    done: Counter[str] = field(default_factory=Counter)
    is_over: bool = False

    async def write_and_read(self, shelf: int) -> None:
        """Give a shelf one number after the other, and read it by the token of each write."""
        number = 0
        while not self.is_over:
            number += 1
            told = await self.one.rename(str(number), shelf)
            assert told.startswith("at-least=")
            for _ in range(3):
                assert await self.other.name(told, shelf) == str(number)
                self.done["by token"] += 1

    async def read(self, shelf: int) -> None:
        """Read a shelf, however old it is told."""
        while not self.is_over:
            for each in (self.one, self.other):
                await each.name("any", shelf)
                await each.name("bounded=1s", shelf)
            self.done["any"] += 4

    async def go_on(self) -> None:
        """Wait until so many more calls are done."""
        before = self.done.total()
        async with asyncio.timeout(60):
            while self.done.total() < before + CALLS:
                await next_poll()


@pytest.mark.parametrize("two", [{"cache_timeout": 0.1}], indirect=True)
async def test_no_call_fails_and_none_is_told_less_than_it_asks_for(
    store: Store, two: tuple[Shelves, Shelves]
) -> None:
    load = Load(*two)
    async with asyncio.TaskGroup() as calls:
        for shelf in (1, 2, 3):
            calls.create_task(load.write_and_read(shelf))
            calls.create_task(load.read(shelf))
        await load.go_on()
        for _ in range(2):
            store.signal(signal.SIGSTOP)
            await load.go_on()
            store.signal(signal.SIGCONT)
            await load.go_on()
            store.end()
            await load.go_on()
            store.start()
            await load.go_on()
            store.ask("FLUSHALL")
            await load.go_on()
            store.ask("CONFIG", "SET", "maxmemory", "1")
            await load.go_on()
        load.is_over = True
